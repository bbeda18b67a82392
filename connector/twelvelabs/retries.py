"""How often and how long one request is retried: limits, back-off, and the clocks, which tests replace."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from connector.domain.backoff import exponential_backoff

_FIRST_SEC = 0.5
_LONGEST_BACKOFF_SEC = 15.0


@dataclass(frozen=True, slots=True)
class Clocks:
    """`monotonic` and `wall` in seconds (`wall` since the epoch), `random` uniform in [0, 1)."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Limits of one request, in seconds and bytes of the decoded body (four hours of video take 50 to 80 MB).

    `bodies` bounds the bytes in memory of all bodies, as received, and of vectors that are not yet written. A single
    body may be larger.
    """

    attempts: int = 5
    longest_wait: float = 120.0
    connect: float = 10.0
    read: float = 60.0
    exchange: float = 600.0
    body: int = 512 * 1024 * 1024
    bodies: int = 40 * 1024 * 1024


@dataclass(slots=True)
class RetryBudget:
    """The remaining budget: a failure uses one attempt, a rate limit only its waiting time."""

    limits: RequestLimits
    random: Callable[[], float]
    failures: int = 0
    limited: int = 0
    waited: float = 0.0

    def after_failure(self, at_least: float) -> float | None:
        """Seconds to wait before the next attempt, with full jitter; None to give up."""
        self.failures += 1
        if self.failures >= self.limits.attempts or at_least > self.limits.longest_wait:
            return None
        return max(at_least, _backoff(self.failures) * self.random())

    def after_limit(self, at_least: float) -> float | None:
        """Seconds to wait after a 429; at least half of the back-off, because the quota needs time to reset."""
        self.limited += 1
        wait = max(at_least, _backoff(self.limited) * (1.0 + self.random()))
        self.waited += wait
        return wait if self.waited <= self.limits.longest_wait else None


def _backoff(times: int) -> float:
    return exponential_backoff(times, _FIRST_SEC, _LONGEST_BACKOFF_SEC)
