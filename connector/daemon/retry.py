"""Retries after an error, before the next scheduled run."""

import asyncio
from collections.abc import Callable, Mapping

from connector.domain.backoff import exponential_backoff

FIRST_RETRY_SEC, LONGEST_RETRY_SEC = 1.0, 60.0


class Retry:
    """Retries with exponential back-off. There is at most one timer."""

    def __init__(self, poke: Callable[[], None]) -> None:
        self._poke = poke
        self._timer: asyncio.TimerHandle | None = None
        self.failures = 0
        self.error: Mapping[str, str] | None = None

    def failed(self, error: Mapping[str, str], *, got_on: bool = False) -> None:
        """With `got_on`, some work was done since the last failure, so the failures are counted from 1 again."""
        self._cancel()
        self.failures, self.error = 1 if got_on else self.failures + 1, error
        wait = exponential_backoff(self.failures, FIRST_RETRY_SEC, LONGEST_RETRY_SEC)
        self._timer = asyncio.get_running_loop().call_later(wait, self._poke)

    def got_on(self) -> None:
        """Something was done since the failure, although not all."""
        self.failures, self.error = 0, None

    def succeeded(self) -> None:
        self._cancel()
        self.failures, self.error = 0, None

    def due_in(self) -> float | None:
        """Seconds until the next try; None if no retry is planned."""
        return seconds_until(self._timer)

    def _cancel(self) -> None:
        if self._timer:
            self._timer.cancel()


def seconds_until(timer: asyncio.TimerHandle | None) -> float | None:
    """None if there is no timer, or it was cancelled or has fired."""
    left = timer.when() - asyncio.get_running_loop().time() if timer and not timer.cancelled() else 0.0
    return left if left > 0 else None
