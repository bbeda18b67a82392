"""Limits repeated log messages, such as those that outsiders can trigger or libraries repeat."""

import logging
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

_MOST, _WITHIN_SEC = 5, 60.0
_MOST_KEYS = 1000


@dataclass(slots=True)
class _Window:
    began: float
    count: int = 0


@dataclass(slots=True)
class Repeats:
    """Admits at most `most` messages of one kind within `seconds`, measured with a monotonic `clock`."""

    clock: Callable[[], float] = time.monotonic
    most: int = _MOST
    seconds: float = _WITHIN_SEC
    _windows: dict[Hashable, _Window] = field(default_factory=dict)

    def admit(self, kind: Hashable) -> int | None:
        """Return how many messages were omitted before this one; None to omit this one too."""
        now = self.clock()
        window = self._windows.get(kind)
        left_out = 0
        if window is None or now - window.began >= self.seconds:
            if len(self._windows) >= _MOST_KEYS:
                self._windows.clear()
            left_out = max(window.count - self.most, 0) if window else 0
            window = self._windows[kind] = _Window(now)
        window.count += 1
        return left_out if window.count <= self.most else None


class LibraryRepeats(logging.Filter):
    """Limits library records by their text. Passes our own events, which differ in their fields."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._repeats = Repeats(clock)

    def filter(self, record: logging.LogRecord) -> bool:
        if not isinstance(record.msg, str) or record.name.split(".")[0] == "connector":
            return True
        left_out = self._repeats.admit((record.name, record.msg.partition("\n")[0]))
        if left_out:
            record.msg = f"{record.msg} ({left_out} more of these were omitted)"
        return left_out is not None
