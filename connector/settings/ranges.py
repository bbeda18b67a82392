"""The allowed range of every numeric setting and duration. The documents repeat this table; a test compares them."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)", re.ASCII)
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DAY = 86_400.0


def duration(value: Any) -> float:
    """Parse a duration; return seconds. Raises ValueError."""
    found = None if isinstance(value, bool) else _DURATION.fullmatch(str(value).strip().lower())
    if not found:
        raise ValueError(f"{value!r} is not a duration: use 30s, 5m, 24h, 30d or a number of seconds")
    return float(found[1]) * _UNITS[found[2]]


def whole(value: Any) -> int:
    try:
        if isinstance(value, int | str) and not isinstance(value, bool):
            return int(value)
    except ValueError:
        pass
    raise ValueError(f"{value!r} is not a whole number")


def real(value: Any) -> float:
    try:
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            return float(value)
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"{value!r} is not a number")


@dataclass(frozen=True, slots=True)
class Range:
    """An inclusive range. Durations are in seconds."""

    read: Callable[[Any], float]
    lowest: float
    highest: float

    def __str__(self) -> str:
        """The range as the documents write it."""
        return f"{self.written(self.lowest)} to {self.written(self.highest)}"

    def check(self, value: Any) -> float:
        """Return the value as a number. Raises ValueError with a message for users."""
        try:
            number = self.read(value)
        except ValueError as error:
            joint = ", from" if self.read is duration else ": use"
            raise ValueError(f"{error}{joint} {self}") from None
        if not self.lowest <= number <= self.highest or not math.isfinite(number):
            raise ValueError(f"{value!r} is out of range: use {self}")
        return number

    def written(self, number: float) -> str:
        """The number as a setting is written, durations with their unit."""
        if self.read is not duration:
            return f"{number:g}" if number < 1 else f"{number:.0f}"
        unit = next(unit for unit in "dhms" if number >= _UNITS[unit] or unit == "s")
        return f"{number / _UNITS[unit]:g}{unit}"


_PORT = Range(whole, 0, 65_535)
_INTERVAL = Range(duration, 0.1, 365 * _DAY)
_REFRESH = Range(duration, 1.0, 365 * _DAY)

RANGES: Mapping[str, Range] = {
    "qdrant_grpc_port": Range(whole, 1, 65_535),
    "connector_poll_interval": _INTERVAL,
    "connector_reconcile_interval": _INTERVAL,
    "connector_refresh_interval": _REFRESH,
    "connector_deep_refresh_interval": _REFRESH,
    "connector_concurrency": Range(whole, 1, 64),
    "connector_requests_per_minute": Range(whole, 1, 1_000_000),
    "connector_delete_grace": Range(duration, 0, 365 * _DAY),
    "connector_max_deletes": Range(whole, 0, 1_000_000),
    "connector_max_delete_ratio": Range(real, 0, 1),
    "connector_max_attempts": Range(whole, 1, 1000),
    "connector_drain_timeout": Range(duration, 0.1, 3600.0),
    "connector_http_port": _PORT,
    "connector_webhook_port": _PORT,
}
"""Settings field -> range. Intervals below 0.1 s would keep the CPU busy; beyond a year no clock is reliable."""
