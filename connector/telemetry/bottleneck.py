"""What limits the throughput now: the rate limit, the source, Qdrant, or nothing. An observer."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from connector.domain.events import Event, RequestEnded, SinkRequestEnded, TurnWaited

WINDOW_SEC = 60.0
_SHARE = 0.5
"""Workers wait for their turns one after another: half of the time is a limit that they feel."""


class Limit(StrEnum):
    RATE_LIMIT = "rate_limit"
    SOURCE = "source"
    SINK = "sink"


@dataclass(slots=True)
class Bottleneck:
    """Sums up the seconds that were spent on each side within the last minute. `clock` is monotonic."""

    clock: Callable[[], float] = time.monotonic
    _spent: deque[tuple[float, Limit, float]] = field(default_factory=deque)

    def __call__(self, event: Event, /) -> None:
        if isinstance(event, TurnWaited):
            self._add(Limit.RATE_LIMIT, event.waited_sec)
        elif isinstance(event, RequestEnded):
            self._add(Limit.SOURCE, event.duration_sec)
        elif isinstance(event, SinkRequestEnded):
            self._add(Limit.SINK, event.duration_sec)

    def limit(self) -> Limit | None:
        """None if nothing was done within the last minute."""
        self._forget()
        if not self._spent:
            return None
        seconds = {side: sum(spent for _, of, spent in self._spent if of is side) for side in Limit}
        first_at = min(at - spent for at, _, spent in self._spent)
        elapsed = max(min(self.clock() - first_at, WINDOW_SEC), 1e-9)
        if seconds[Limit.RATE_LIMIT] / elapsed >= _SHARE:
            return Limit.RATE_LIMIT
        return Limit.SINK if seconds[Limit.SINK] > seconds[Limit.SOURCE] else Limit.SOURCE

    def _add(self, side: Limit, seconds: float) -> None:
        self._forget()
        self._spent.append((self.clock(), side, seconds))

    def _forget(self) -> None:
        while self._spent and self._spent[0][0] <= self.clock() - WINDOW_SEC:
            self._spent.popleft()
