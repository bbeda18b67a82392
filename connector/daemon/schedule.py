"""When an index is polled, refreshed and compared. It only pokes: the work is the daemon's, so that it can be drained.

Intervals go by a monotonic clock; only cron expressions go by the wall clock.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.triggers.base import BaseTrigger

from connector.settings.cron import cron_trigger

BEAT_SEC = 1.0
LATE_SEC = 10.0
_JITTER, _LONGEST_JITTER_SEC = 0.1, 60.0
_STEP_SEC = 1.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Interval:
    """`due` is a monotonic time."""

    poke: Callable[[], None]
    seconds: float
    due: float


@dataclass(slots=True)
class _Cron:
    """`due` is seconds since the epoch."""

    poke: Callable[[], None]
    trigger: BaseTrigger
    due: float


class Schedule:
    """Missed runs coalesce. `wall` may be set back or forward at any time; `monotonic` may not."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._monotonic, self._wall, self._sleep, self._chance = monotonic, wall, sleep, chance
        self._intervals: dict[str, _Interval] = {}
        self._crons: dict[str, _Cron] = {}
        self._stopped = False
        self._beat_at, self._wall_at = monotonic(), wall()

    async def run(self) -> None:
        """Pokes until it is stopped."""
        while not self._stopped:
            self._heed_clock_step()
            self._poke_due()
            await self._sleep(self._pause())

    def stop(self) -> None:
        self._stopped = True

    def every(self, name: str, seconds: float, poke: Callable[[], None]) -> None:
        self._intervals[name] = _Interval(poke, seconds, self._monotonic() + self._wait(seconds))

    def cron(self, name: str, expression: str, poke: Callable[[], None]) -> None:
        """Raises ValueError for what is not a cron expression."""
        trigger = cron_trigger(expression)
        self._crons[name] = _Cron(poke, trigger, _next(trigger, self._wall()))

    def forget(self, name: str) -> None:
        """Does nothing for an unknown name."""
        self._intervals.pop(name, None)
        self._crons.pop(name, None)

    def late(self) -> str | None:
        """What is wrong when the schedule has missed its beat; None when it keeps it."""
        age = self._monotonic() - self._beat_at
        return f"it has not run for {age:.0f} seconds, so nothing is polled" if age > LATE_SEC else None

    def _poke_due(self) -> None:
        now, wall = self._monotonic(), self._wall()
        for name, interval in list(self._intervals.items()):
            if interval.due <= now:
                interval.due = now + self._wait(interval.seconds)
                _poke(name, interval.poke)
        for name, cron in list(self._crons.items()):
            if cron.due <= wall:
                cron.due = _next(cron.trigger, wall)
                _poke(name, cron.poke)

    def _pause(self) -> float:
        """At most one beat, so that a new job and a step of the wall clock are seen soon."""
        now, wall = self._monotonic(), self._wall()
        waits = [*(it.due - now for it in self._intervals.values()), *(it.due - wall for it in self._crons.values())]
        return max(min([*waits, BEAT_SEC]), 0.0)

    def _heed_clock_step(self) -> None:
        now, wall = self._monotonic(), self._wall()
        step = (wall - self._wall_at) - (now - self._beat_at)
        self._beat_at, self._wall_at = now, wall
        if abs(step) < _STEP_SEC:
            return
        log.warning("clock.stepped", seconds=round(step, 3))
        for cron in self._crons.values():
            cron.due = min(cron.due, _next(cron.trigger, wall))
        for interval in self._intervals.values():
            # The monotonic clock stands still while a machine is suspended: what was missed is due now.
            interval.due -= max(step, 0.0)

    def _wait(self, seconds: float) -> float:
        """Somewhat more than the interval, so that many daemons or indexes do not ask at the same moment."""
        return seconds + self._chance() * min(seconds * _JITTER, _LONGEST_JITTER_SEC)


def _next(trigger: BaseTrigger, wall: float) -> float:
    """The first moment after `wall`."""
    moment = trigger.get_next_fire_time(None, datetime.fromtimestamp(wall, UTC) + timedelta(microseconds=1))
    return float(moment.timestamp()) if moment else float("inf")


def _poke(name: str, poke: Callable[[], None]) -> None:
    try:
        poke()
    except Exception:
        # A mistake of ours in one job must not stop the others.
        log.exception("schedule.crashed", job=name)
