"""Reads the rate limit headers of a response: the remaining quota, and the wait that a refusal demands. Pure.

Source of header names: vendor's OpenAPI and documentation; the per-dimension reset is an assumption.
"""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache

_EPOCH_FROM = 1e9
_EPOCH_MS_FROM = 1e11

# Prefixes of the request quota in the new and in the old header set.
_REQUEST_QUOTAS = ("x-ratelimit-request-", "x-ratelimit-")


@dataclass(frozen=True, slots=True)
class Quota:
    """`remaining` requests may be sent within the next `reset_after` seconds."""

    remaining: float
    reset_after: float
    limit: float | None = None


def retry_after(headers: Mapping[str, str], in_body: float | None, wall: float) -> float | None:
    """The longest wait that the response demands, in seconds from now; None if it demands none.

    `wall` is our own time in seconds since the epoch, used if the response has no Date.
    """
    now = _server_time(headers, wall)
    asked = [
        _seconds_or_date(headers.get("retry-after"), now),
        in_body,
        *(_reset(headers.get(f"{prefix}reset"), now) for prefix in _exhausted(headers)),
    ]
    waits = [max(seconds, 0.0) for seconds in asked if seconds is not None]
    return max(waits, default=None)


def quota(headers: Mapping[str, str], wall: float) -> Quota | None:
    """The remaining request quota; None if the headers do not state it."""
    now = _server_time(headers, wall)
    for prefix in _REQUEST_QUOTAS:
        remaining = finite_number(headers.get(f"{prefix}remaining"))
        reset = _reset(headers.get(f"{prefix}reset", headers.get("x-ratelimit-reset")), now)
        if remaining is not None and reset is not None and reset > 0:
            return Quota(remaining, reset, finite_number(headers.get(f"{prefix}limit")))
    return None


def _exhausted(headers: Mapping[str, str]) -> list[str]:
    """Header prefixes whose reset ends a 429: the request quotas, and every other used up dimension."""
    listed = [name.strip().lower() for name in headers.get("x-ratelimit-dimensions", "").split(",")]
    others = [f"x-ratelimit-{name}-" for name in listed if name]
    spent = [prefix for prefix in others if finite_number(headers.get(f"{prefix}remaining")) == 0]
    return list(dict.fromkeys([*_REQUEST_QUOTAS, *spent]))


def _server_time(headers: Mapping[str, str], wall: float) -> float:
    date = http_date(headers.get("date"))
    return wall if date is None else date


def _seconds_or_date(text: str | None, now: float) -> float | None:
    seconds = finite_number(text)
    if seconds is not None:
        return seconds
    date = http_date(text)
    return None if date is None else date - now


def _reset(text: str | None, now: float) -> float | None:
    """Parse a reset time (epoch seconds or milliseconds); small numbers are seconds from now already."""
    number = finite_number(text)
    if number is None or number < _EPOCH_FROM:
        return number
    return (number / 1000 if number >= _EPOCH_MS_FROM else number) - now


@lru_cache(maxsize=8)
def http_date(text: str | None) -> float | None:
    with suppress(ValueError, OverflowError):
        moment = parsedate_to_datetime(text or "")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return None


def finite_number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    with suppress(ValueError, OverflowError):
        number = float(value)
        return number if math.isfinite(number) else None
    return None
