"""The recent past of an index: what was carried out in each minute, and what follows from it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connector.domain.report import CycleKind, Result

MINUTE_SEC = 60.0
KEPT_MINUTES = 7 * 24 * 60
KEPT_CYCLES = 200
KEPT_PROBLEMS = 20
_RATE_MINUTES = 10
_HOUR = 60
_LISTING = (CycleKind.SYNC, CycleKind.FULL)


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of an index; `minute` counts from the epoch. Lags are in seconds."""

    minute: int
    assets: int = 0
    points: int = 0
    lags: int = 0
    lag_sum: float = 0.0
    lag_max: float = 0.0


@dataclass(frozen=True, slots=True)
class PastCycle:
    """A cycle as it was reported; `ended_at` is in seconds since the epoch."""

    kind: str
    ended_at: float
    report: Mapping[str, Any]


def shortened(report: Mapping[str, Any]) -> dict[str, Any]:
    """A report for the history: it names the first problems only, so that the history stays small."""
    return {key: withheld_first(value)[:KEPT_PROBLEMS] if key == "problems" else value for key, value in report.items()}


def withheld_first(problems: Iterable[Any]) -> list[Any]:
    """The withheld deletes first: nothing else lists them."""
    return sorted(problems, key=lambda it: not is_withheld(it))


def is_withheld(problem: Any) -> bool:
    return isinstance(problem, Mapping) and problem.get("state") == "withheld"


def decides_deletes(kind: str, *, complete: bool, withheld: int) -> bool:
    """True for a cycle whose listing decided which deletes are withheld. It may have failed or ended early since."""
    return kind in _LISTING and bool(complete or withheld)


def last_decided(past: Iterable[PastCycle]) -> PastCycle | None:
    """The cycle whose listing decided which deletes are withheld until now, of cycles with the newest first."""
    return next((it for it in past if _decides_deletes(it)), None)


def _decides_deletes(it: PastCycle) -> bool:
    return decides_deletes(it.kind, complete=bool(it.report.get("complete")), withheld=it.report.get("withheld", 0))


def counted(before: Minute, result: Result) -> Minute:
    """The minute with one more result."""
    after = replace(before, assets=before.assets + 1, points=before.points + result.points)
    if result.lag_sec is None:
        return after
    return replace(
        after,
        lags=before.lags + 1,
        lag_sum=before.lag_sum + result.lag_sec,
        lag_max=max(before.lag_max, result.lag_sec),
    )


def assets_per_minute(minutes: Iterable[Minute], now: float) -> float:
    """Over the last ten minutes, the current one included."""
    current = int(now // MINUTE_SEC)
    recent = [it for it in minutes if current - _RATE_MINUTES < it.minute <= current]
    if not recent:
        return 0.0
    span = now / MINUTE_SEC - min(it.minute for it in recent)
    return sum(it.assets for it in recent) / max(span, 1.0)


def worst_lag(minutes: Iterable[Minute], now: float) -> float | None:
    """The longest lag of the last hour; None if nothing became ready."""
    current = int(now // MINUTE_SEC)
    return max((it.lag_max for it in minutes if it.lags and current - _HOUR < it.minute <= current), default=None)


def last_lag(minutes: Iterable[Minute]) -> float | None:
    """The mean lag of the latest minute in which an asset became current; None if there is none."""
    told = [it for it in minutes if it.lags]
    return round(told[-1].lag_sum / told[-1].lags, 3) if told else None
