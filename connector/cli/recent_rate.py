"""How fast work is done now: counts over the last seconds, so that an early fast or slow phase does not matter."""

from collections import deque
from collections.abc import Callable

WINDOW_SEC = 30.0
_SHORTEST_SEC = 1.0


class RecentRate:
    """Counts assets and points by a monotonic `clock`; the time before the first count does not matter."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = clock()
        self._counted: deque[tuple[float, int, int]] = deque()

    def add(self, assets: int, points: int) -> None:
        self._counted.append((self._clock(), assets, points))

    @property
    def points_per_sec(self) -> float:
        return sum(points for _, _, points in self._recent()) / self._seconds()

    def seconds_for(self, assets: int) -> float | None:
        """How long so many assets will take; None if none was done recently."""
        done = sum(assets for _, assets, _ in self._recent())
        return assets * self._seconds() / done if done else None

    def _seconds(self) -> float:
        return min(max(self._clock() - self._began, _SHORTEST_SEC), WINDOW_SEC)

    def _recent(self) -> deque[tuple[float, int, int]]:
        while self._counted and self._counted[0][0] <= self._clock() - WINDOW_SEC:
            self._counted.popleft()
        return self._counted
