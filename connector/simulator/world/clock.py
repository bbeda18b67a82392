"""The simulated time: starts at the scenario's time, and moves on request or with real time at a rate."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

# From 1971 to 9998, so that every offset and life cycle stays within the range of datetime.
EARLIEST_MS = 31_536_000_000
LATEST_MS = 253_370_764_799_000


class SimulatedClock:
    """Milliseconds since the Unix epoch, at most LATEST_MS; safe to use from several threads."""

    def __init__(self, start_ms: int, rate: float, timer: Callable[[], float]) -> None:
        self._start_ms = start_ms
        self.rate = rate
        self._timer = timer
        self._began = timer()
        self._advanced_ms = 0
        self._lock = threading.Lock()

    def now_ms(self) -> int:
        with self._lock:
            flowed = (self._timer() - self._began) * self.rate * 1000.0
            return int(min(self._start_ms + self._advanced_ms + flowed, LATEST_MS))

    def advance(self, seconds: float) -> None:
        if not seconds >= 0:
            raise ValueError(f"advance({seconds}): simulated time only moves forward; give a number of seconds >= 0")
        if seconds * 1000 > LATEST_MS - self.now_ms():
            raise ValueError(f"advance({seconds}): simulated time ends with the year 9998; give fewer seconds")
        with self._lock:
            self._advanced_ms += round(seconds * 1000)


def parse_ms(text: str) -> int:
    """RFC 3339 with an offset or Z, with or without a fraction. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def format_ms(ms: int, style: str) -> str:
    """`millis` 2026-01-09T11:11:20.463Z, `seconds` 2026-01-09T11:11:20Z, `offset` 2026-01-09T20:11:20.463000+09:00."""
    seconds, fraction = divmod(ms, 1000)
    if style == "offset":
        shifted = datetime.fromtimestamp(seconds + 9 * 3600, UTC)
        return f"{shifted:%Y-%m-%dT%H:%M:%S}.{fraction:03d}000+09:00"
    moment = datetime.fromtimestamp(seconds, UTC)
    tail = "Z" if style == "seconds" else f".{fraction:03d}Z"
    return f"{moment:%Y-%m-%dT%H:%M:%S}{tail}"
