"""Schedules polls, refreshes and full cycles. Jobs only poke the index loops, which do the work and can be drained.

Intervals use a monotonic clock; only cron expressions use the wall clock.
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
    """Missed runs coalesce. `wall` may jump back or forward at any time."""

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
        """Poke due jobs until stopped."""
        while not self._stopped:
            self._heed_clock_step()
            self._poke_due()
            await self._sleep(self._pause())

    def stop(self) -> None:
        self._stopped = True

    def every(self, name: str, seconds: float, poke: Callable[[], None]) -> None:
        self._intervals[name] = _Interval(poke, seconds, self._monotonic() + self._wait(seconds))

    def cron(self, name: str, expression: str, poke: Callable[[], None]) -> None:
        """Raises ValueError for an invalid cron expression."""
        trigger = cron_trigger(expression)
        self._crons[name] = _Cron(poke, trigger, _next(trigger, self._wall()))

    def forget(self, name: str) -> None:
        """Does nothing for an unknown name."""
        self._intervals.pop(name, None)
        self._crons.pop(name, None)

    def due_in(self, name: str) -> float | None:
        """Seconds until the job is poked, 0 if it is late; None for an unknown name, or if it will not be poked."""
        dues = [it.due - self._monotonic() for it in [self._intervals.get(name)] if it]
        dues += [it.due - self._wall() for it in [self._crons.get(name)] if it and it.due < float("inf")]
        return max(min(dues), 0.0) if dues and not self._stopped else None

    def late(self) -> str | None:
        """Return why the schedule is late; None if it is on time."""
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
        """Seconds to sleep: at most one beat, to notice new jobs and steps of the wall clock soon."""
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
            # The monotonic clock stops while the machine is suspended, so missed jobs are due now.
            interval.due -= max(step, 0.0)

    def _wait(self, seconds: float) -> float:
        """The interval plus jitter, so that daemons and indexes do not send requests at the same moment."""
        return seconds + self._chance() * min(seconds * _JITTER, _LONGEST_JITTER_SEC)


def _next(trigger: BaseTrigger, wall: float) -> float:
    """The first run time after `wall`, in seconds since the epoch."""
    moment = trigger.get_next_fire_time(None, datetime.fromtimestamp(wall, UTC) + timedelta(microseconds=1))
    return float(moment.timestamp()) if moment else float("inf")


def _poke(name: str, poke: Callable[[], None]) -> None:
    try:
        poke()
    except Exception:
        # A bug in one job must not stop the others.
        log.exception("job.crashed", job=name)
