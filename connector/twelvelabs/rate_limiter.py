"""When the next request of any worker may be sent: our own limit (GCRA), a 429, the source's quota.

A request that is sent a little late does not delay those after it: they keep to the grid. The grid is that much wider,
so no minute has more requests than the limit.
"""

import asyncio
import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from connector.domain.errors import ConfigError
from connector.domain.priority import WAITS_AS, Priority
from connector.twelvelabs.rate_headers import Quota
from connector.twelvelabs.retries import Clocks

_FEW = 10
_FEW_OF_LIMIT = 0.1
_PROBE_AFTER_SEC = 60.0
_MINUTE_SEC = 60.0
LATE_SEC = 0.1
"""Lateness of the event loop that is made up for. It costs 1/600 of the limit."""
_ROUNDING_SEC = 1e-9
_WHOLE_SEC = 1.0
"""The source rounds its reset time up to whole seconds, so the real one may be up to this much earlier."""
_RESERVED: ContextVar[bool] = ContextVar("reserved", default=False)
"""True if the running task has reserved a turn and not used it yet."""


@dataclass(frozen=True, slots=True)
class RateSchedule:
    """Pure state; times are monotonic seconds. `tat` is GCRA's theoretical arrival time of the next request.

    `blocked_until` comes from the source. `pace` is the interval that makes a nearly used up quota last `paced_until`.
    """

    interval: float = 0.0
    tat: float = -math.inf
    blocked_until: float = -math.inf
    pace: float = 0.0
    paced_until: float = -math.inf

    def wait(self, now: float) -> float:
        return max(self.tat - now, self.blocked(now), 0.0)

    def blocked(self, now: float) -> float:
        return max(self.blocked_until - now, 0.0)

    def taken(self, now: float) -> "RateSchedule":
        pace = self.pace if now < self.paced_until else 0.0
        on_grid = self.interval >= pace and now - self.tat <= LATE_SEC + _ROUNDING_SEC
        return replace(self, tat=(self.tat if on_grid else max(self.tat, now)) + max(self.interval, pace))

    def returned(self) -> "RateSchedule":
        """A turn that was taken is not used."""
        return replace(self, tat=self.tat - self.interval)

    def paused(self, now: float, seconds: float) -> "RateSchedule":
        return replace(self, blocked_until=max(self.blocked_until, now + seconds))

    def learned(self, now: float, quota: Quota) -> "RateSchedule":
        """Quota used up: wait for the reset, but probe each minute (headers are advisory).

        Few requests left: spread them, unless the limit of our own does that already.
        """
        if quota.remaining <= 0:
            return self.paused(now, min(quota.reset_after, _PROBE_AFTER_SEC))
        if quota.remaining > max(_FEW, _FEW_OF_LIMIT * (quota.limit or 0)):
            return replace(self, pace=0.0)
        pace = min(quota.reset_after / quota.remaining, _PROBE_AFTER_SEC)
        if self.interval and self.interval * quota.remaining >= quota.reset_after - _WHOLE_SEC:
            return replace(self, pace=0.0)
        return replace(self, tat=max(self.tat, now + pace), pace=pace, paced_until=now + quota.reset_after)


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """A place in the line for the next turn. Its priority may change while it waits."""

    number: int
    priority: Callable[[], Priority]

    def order(self) -> tuple[int, int]:
        return self.priority(), self.number


class Limiter:
    """Shared by all workers: a quota that one worker learns applies to all."""

    def __init__(self, requests_per_minute: float | None = None, clock: Clocks | None = None) -> None:
        """Raises ConfigError unless the limit is a finite number greater than zero."""
        if requests_per_minute is not None and not 0 < requests_per_minute < math.inf:
            cause = f"{requests_per_minute} requests per minute is not a valid limit"
            raise ConfigError(
                "limit requests", "", cause, "Set CONNECTOR_REQUESTS_PER_MINUTE greater than 0, or omit it"
            )
        self._clock = clock or Clocks()
        interval = (_MINUTE_SEC + LATE_SEC) / requests_per_minute if requests_per_minute else 0.0
        self._schedule = RateSchedule(interval=interval)
        self._waiting: list[_Place] = []
        self._numbers = itertools.count()
        self._changed = asyncio.Event()

    def blocked(self) -> float:
        """Seconds until the source accepts requests again; 0.0 if it does now."""
        return self._schedule.blocked(self._clock.monotonic())

    def charge(self) -> None:
        """Count a request that did not wait for its turn."""
        self._schedule = self._schedule.taken(self._clock.monotonic())

    def pause(self, seconds: float) -> None:
        """Pause all requests, also those that already wait for their turn."""
        self._schedule = self._schedule.paused(self._clock.monotonic(), seconds)

    def learn(self, quota: Quota) -> None:
        self._schedule = self._schedule.learned(self._clock.monotonic(), quota)

    async def turn(self, longest_block: float, priority: Callable[[], Priority] | None = None) -> float:
        """Wait until a request may be sent, by priority, then first come first served; return 0.0.

        `priority` is asked again while it waits; without it, that of the running task counts. If the source is blocked
        for longer than `longest_block` seconds, return the remaining seconds at once, without taking the turn.
        """
        if self.used_reserved():
            return 0.0
        with self.in_line(priority) as place:
            while not self._is_first(place) or (wait := self._schedule.wait(self._clock.monotonic())) > 0:
                if not self._is_first(place):
                    await self._changed.wait()
                elif (blocked := self.blocked()) > longest_block:
                    return blocked
                else:
                    await self._clock.sleep(wait)
                    self._hand_on(place)
            self._schedule = self._schedule.taken(self._clock.monotonic())
        return 0.0

    def used_reserved(self) -> bool:
        """Use the turn that the running task has reserved; False if it has none, or the source is blocked by now."""
        had = _RESERVED.get()
        if had:
            _RESERVED.set(False)
        return had and not self.blocked()

    @contextmanager
    def in_line(self, priority: Callable[[], Priority] | None) -> Iterator[_Place]:
        task_waits_as = WAITS_AS.get()
        place = _Place(next(self._numbers), priority or (lambda: task_waits_as))
        self._waiting.append(place)
        try:
            yield place
        finally:
            self._waiting.remove(place)
            self._wake()

    async def reserve(self, longest_block: float, priority: Callable[[], Priority]) -> None:
        """Wait for a turn, which the next request of this task then has, unless the source is blocked by then.

        Reserves nothing if the source is blocked for longer than `longest_block` seconds: that request will say so.
        """
        _RESERVED.set(not await self.turn(longest_block, priority))

    def _is_first(self, place: _Place) -> bool:
        return min(self._waiting, key=_Place.order) is place

    def _hand_on(self, place: _Place) -> None:
        """Another place may have become the first one while this one slept."""
        if not self._is_first(place):
            self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def release(self) -> None:
        """Give a reserved turn back that this task did not use."""
        if _RESERVED.get():
            _RESERVED.set(False)
            self._give_back()

    def _give_back(self) -> None:
        self._schedule = self._schedule.returned()
