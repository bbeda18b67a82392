"""How many requests the simulator has got at which moment: its own clock stands still between two changes."""

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_BETWEEN_SEC = 0.02


class RateSampler:
    """Looks every 20 ms at a number that only grows."""

    def __init__(self, total: Callable[[], int]) -> None:
        self._total, self._ended = total, threading.Event()
        self.times, self.totals = list[float](), list[int]()

    def run(self) -> None:
        while not self._ended.wait(_BETWEEN_SEC):
            self.times.append(time.monotonic())
            self.totals.append(self._total())

    def stop(self) -> None:
        self._ended.set()

    def most_within(self, seconds: float) -> int:
        """The highest growth between two looks that are at most so far apart."""
        ends = (bisect_left(self.times, at + seconds) - 1 for at in self.times)
        return max(self.totals[end] - self.totals[start] for start, end in enumerate(ends))

    def per_second(self) -> float:
        """On average, while it grew."""
        began, ended = bisect_left(self.totals, 1), bisect_left(self.totals, self.totals[-1])
        return (self.totals[-1] - self.totals[began]) / max(self.times[ended] - self.times[began], 1.0)


@contextmanager
def sampled(total: Callable[[], int]) -> Iterator[RateSampler]:
    """`stop` it before anybody else sends requests."""
    sampler = RateSampler(total)
    thread = threading.Thread(target=sampler.run)
    thread.start()
    try:
        yield sampler
    finally:
        sampler.stop()
        thread.join()
