"""How many requests searches may send: so many within any minute, the others stay for the sync."""

from collections import deque
from dataclasses import dataclass, field

MINUTE_SEC = 60.0
_MOST_A_MINUTE = 60
_SHARE = 0.5


def searches_a_minute(requests_per_minute: int | None) -> int:
    """Half of the limit of requests, at least one and at most 60."""
    if requests_per_minute is None:
        return _MOST_A_MINUTE
    return min(max(int(requests_per_minute * _SHARE), 1), _MOST_A_MINUTE)


@dataclass(slots=True)
class SearchBudget:
    """Times are monotonic seconds."""

    most: int
    _taken: deque[float] = field(default_factory=deque)

    def take(self, now: float) -> float:
        """Seconds until the next request may be sent; 0.0 if it may now, and then it is counted."""
        while self._taken and self._taken[0] <= now - MINUTE_SEC:
            self._taken.popleft()
        if len(self._taken) >= self.most:
            return self._taken[0] + MINUTE_SEC - now
        self._taken.append(now)
        return 0.0
