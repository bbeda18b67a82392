"""One rate limit for all replicas: each reserves the next turn of the cluster, and gives it to its first in line."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from connector.cluster.limit_row import LimitFacts, LimitRow
from connector.domain.errors import LedgerUnavailable
from connector.domain.priority import Priority
from connector.twelvelabs.rate_headers import Quota
from connector.twelvelabs.rate_limiter import Limiter
from connector.twelvelabs.retries import Clocks

_LOOK_SEC, _AFTER_ERROR_SEC = 1.0, 1.0
_UNUSED_SEC = 1.0
"""A reserved turn that nobody used for so long is lost: used later, it would come beside those of others."""


@dataclass(slots=True)
class _News:
    """What the other replicas do not know yet."""

    charged: float = 0.0
    blocked_until: float | None = None
    pace: float | None = None
    paced_until: float = 0.0


class SharedLimiter(Limiter):
    """`run` beside it. Without a limit of our own and a low quota, turns are not counted, only blocks are shared."""

    def __init__(self, row: LimitRow, requests_per_minute: float | None = None, clock: Clocks | None = None) -> None:
        super().__init__(requests_per_minute, clock)
        self._row, self._asking = row, asyncio.Lock()
        self._turn_at: float | None = None
        """When the turn begins that this replica has reserved and not used; monotonic."""
        self._news, self._told = _News(), asyncio.Event()

    async def run(self) -> None:
        """Tell the others what responses said, and learn it from them; until cancelled."""
        while True:
            try:
                await self.exchange()
            except LedgerUnavailable:
                await asyncio.sleep(_AFTER_ERROR_SEC)
            try:
                async with asyncio.timeout(_LOOK_SEC):
                    await self._told.wait()
            except TimeoutError:
                continue

    async def exchange(self) -> None:
        """Raises LedgerUnavailable: then the news are told the next time."""
        self._told.clear()
        news, self._news, now = self._news, _News(), self._clock.monotonic()
        if news != _News():
            blocked = None if news.blocked_until is None else max(news.blocked_until - now, 0.0)
            paced = None if news.pace is None else max(news.paced_until - now, 0.0)
            try:
                await self._row.tell(news.charged, blocked, news.pace, paced)
            except LedgerUnavailable:
                self._news = _merged(news, self._news)
                raise
        self._learned(await self._row.read())

    def _learned(self, facts: LimitFacts) -> None:
        now = self._clock.monotonic()
        schedule = self._schedule
        if facts.blocked:
            schedule = schedule.paused(now, facts.blocked)
        if self._news.pace is None:
            schedule = replace(schedule, pace=facts.pace if facts.paced else 0.0, paced_until=now + facts.paced)
        self._schedule = schedule

    def charge(self) -> None:
        self._news.charged += self._schedule.interval
        self._told.set()

    def pause(self, seconds: float) -> None:
        super().pause(seconds)
        self._news.blocked_until = self._schedule.blocked_until
        self._told.set()

    def learn(self, quota: Quota) -> None:
        before = self._schedule
        super().learn(quota)
        now = self._schedule
        if now.blocked_until > before.blocked_until:
            self._news.blocked_until = now.blocked_until
            self._told.set()
        if (now.pace, now.pace and now.paced_until) != (before.pace, before.pace and before.paced_until):
            self._news.pace, self._news.paced_until = now.pace, now.paced_until
            self._told.set()

    async def turn(self, longest_block: float, priority: Callable[[], Priority] | None = None) -> float:
        """Raises LedgerUnavailable: without PostgreSQL nobody knows whether a request may be sent."""
        if not self._counts():
            return await super().turn(longest_block, priority)
        if self.used_reserved():
            return 0.0
        with self.in_line(priority) as place:
            while True:
                if not self._is_first(place):
                    await self._changed.wait()
                elif (blocked := self.blocked()) > longest_block:
                    return blocked
                elif (wait := await self._wait()) > 0:
                    await self._clock.sleep(wait)
                    self._hand_on(place)
                elif self._turn_at is not None and self._is_first(place) and not self.blocked():
                    self._turn_at = None
                    return 0.0

    def _counts(self) -> bool:
        schedule = self._schedule
        return bool(schedule.interval or (schedule.pace and self._clock.monotonic() < schedule.paced_until))

    async def _wait(self) -> float:
        """Seconds until the reserved turn, or the end of a block; reserves one if there is none."""
        async with self._asking:
            now = self._clock.monotonic()
            if self._turn_at is not None and now - self._turn_at > _UNUSED_SEC:
                self._turn_at = None
            if blocked := self.blocked():
                return min(blocked, _LOOK_SEC)
            if self._turn_at is None:
                wait, blocked = await self._row.reserve(self._schedule.interval)
                if blocked:
                    self._schedule = self._schedule.paused(self._clock.monotonic(), blocked)
                    return min(blocked, _LOOK_SEC)
                self._turn_at = self._clock.monotonic() + wait
            return max(self._turn_at - self._clock.monotonic(), 0.0)

    def _give_back(self) -> None:
        """The next in line uses it, if it comes soon."""
        if not self._counts():
            super()._give_back()
        elif self._turn_at is None:
            self._turn_at = self._clock.monotonic()


def _merged(older: _News, newer: _News) -> _News:
    has_pace = newer.pace is not None
    return _News(
        older.charged + newer.charged,
        max((it for it in (older.blocked_until, newer.blocked_until) if it is not None), default=None),
        newer.pace if has_pace else older.pace,
        newer.paced_until if has_pace else older.paced_until,
    )
