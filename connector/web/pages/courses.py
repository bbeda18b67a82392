"""The course of the last hours, for the charts. Pure; times are seconds since the epoch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from connector.domain.history import MINUTE_SEC, Minute

HOURS = 6
_BUCKET_MINUTES = 5
_RECENT_MINUTES = 5
_HOUR_MINUTES = 60
_MINUTES = HOURS * _HOUR_MINUTES
_STEP_SEC = 15.0


@dataclass(frozen=True, slots=True)
class Hour:
    """`rate` is in segments per second."""

    at: int
    mean_lag: float | None
    worst_lag: float | None
    rate: float


@dataclass(frozen=True, slots=True)
class Course:
    """Buckets of five minutes, oldest first; `at` begins each. Lags are None where nothing became ready."""

    at: tuple[int, ...]
    mean_lags: tuple[float | None, ...]
    worst_lags: tuple[float | None, ...]
    hours: tuple["Hour", ...]
    """Newest first; hours without work are omitted."""

    @property
    def has_lags(self) -> bool:
        return any(lag is not None for lag in self.worst_lags)


def first_minute(now: float) -> int:
    """The first minute that a course needs."""
    return _last_bucket(now) - _MINUTES + _BUCKET_MINUTES


def course(minutes: Sequence[Minute], now: float) -> Course:
    first = first_minute(now)
    buckets = _buckets(minutes, first, _BUCKET_MINUTES)
    hours = _buckets(minutes, first, _HOUR_MINUTES)
    told = [
        Hour(_at(first, place, _HOUR_MINUTES), _mean(it), _worst(it), _rate(it, first + place * _HOUR_MINUTES, now))
        for place, it in enumerate(hours)
        if it
    ]
    return Course(
        at=tuple(_at(first, place, _BUCKET_MINUTES) for place in range(len(buckets))),
        mean_lags=tuple(_mean(it) for it in buckets),
        worst_lags=tuple(_worst(it) for it in buckets),
        hours=tuple(told[::-1]),
    )


def _buckets(minutes: Sequence[Minute], first: int, size: int) -> list[list[Minute]]:
    found: list[list[Minute]] = [[] for _ in range(_MINUTES // size)]
    for it in minutes:
        place = (it.minute - first) // size
        if 0 <= place < len(found):
            found[place].append(it)
    return found


def _at(first: int, place: int, size: int) -> int:
    return round((first + place * size) * MINUTE_SEC)


def segments_per_second(minutes: Sequence[Minute], now: float) -> float:
    """Over the last five minutes, or since the first of them in which something was written."""
    current = int(now // MINUTE_SEC)
    recent = [it for it in minutes if current - _RECENT_MINUTES < it.minute <= current and it.points]
    if not recent:
        return 0.0
    span = now - min(it.minute for it in recent) * MINUTE_SEC
    # In steps, so that a rate that decays does not change at every look.
    steps = max(math.ceil(span / _STEP_SEC), 1)
    return round(sum(it.points for it in recent) / (steps * _STEP_SEC), 1)


def _last_bucket(now: float) -> int:
    minute = int(now // MINUTE_SEC)
    return minute - minute % _BUCKET_MINUTES


def _mean(bucket: Sequence[Minute]) -> float | None:
    lags = sum(it.lags for it in bucket)
    return round(sum(it.lag_sum for it in bucket) / lags, 2) if lags else None


def _worst(bucket: Sequence[Minute]) -> float | None:
    return max((round(it.lag_max, 2) for it in bucket if it.lags), default=None)


def _rate(bucket: Sequence[Minute], first: int, now: float) -> float:
    """Over the minutes of the hour from `first` that have begun."""
    begun = min(max(int(now // MINUTE_SEC) - first + 1, 1), _HOUR_MINUTES)
    return round(sum(it.points for it in bucket) / (begun * MINUTE_SEC), 2)
