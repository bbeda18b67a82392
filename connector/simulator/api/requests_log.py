"""The log of requests to the simulator."""

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from connector.simulator.api.patterns import Pattern, ReceivedCall

KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Logged:
    """A logged request. `status` 0 means that the connection was dropped. `at` is in simulated milliseconds.

    `arrived` is in seconds of the real clock of the simulator, before any hold or delay.
    """

    number: int
    method: str
    path: str
    query: str
    status: int
    at: int
    arrived: float = 0.0


class RequestLog:
    """The latest requests in response order; `total` counts all requests."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self.timer = timer
        self._entries: deque[Logged] = deque(maxlen=KEPT)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self.total = 0

    def __iter__(self) -> Iterator[Logged]:
        return iter(self.matching())

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, call: ReceivedCall, status: int, at: int, arrived: float) -> None:
        with self._lock:
            self.total += 1
            entry = Logged(next(self._numbers), call.method, call.path, call.query, status, at, arrived)
            self._entries.append(entry)

    def matching(self, pattern: str = "**", since: int = 0) -> list[Logged]:
        """Entries that match the pattern and have a number greater than `since`."""
        parsed = Pattern.parse(pattern)
        with self._lock:
            entries = [entry for entry in self._entries if entry.number > since]
        return [entry for entry in entries if parsed.matches(ReceivedCall(entry.method, entry.path, entry.query))]

    def clear(self) -> None:
        """Empty the log; `total` keeps counting."""
        with self._lock:
            self._entries.clear()
