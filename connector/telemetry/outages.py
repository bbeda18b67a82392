"""Tells outages of the source, of Qdrant and of the ledger. Pure: the caller supplies monotonic times, in seconds."""

from dataclasses import dataclass, field
from enum import StrEnum

_FAILURES, _SECONDS = 3, 5.0


class Change(StrEnum):
    BEGAN = "began"
    ENDED = "ended"


@dataclass(slots=True)
class Outage:
    """Failed requests in a row to one side. `since` is when the first of them failed.

    An outage has begun when at least three requests failed in a row, over at least five seconds.
    """

    since: float | None = None
    failures: int = 0
    announced: bool = False

    def failed(self, now: float) -> Change | None:
        self.since = now if self.since is None else self.since
        self.failures += 1
        if self.announced or self.failures < _FAILURES or now - self.since < _SECONDS:
            return None
        self.announced = True
        return Change.BEGAN

    def succeeded(self) -> Change | None:
        ended = Change.ENDED if self.announced else None
        self.since, self.failures, self.announced = None, 0, False
        return ended


@dataclass(slots=True)
class Unwritable:
    """Kinds of writes that fail. Small ones may succeed on a disk that is too full for large ones.

    An outage begins with the first failure, since a write is not repeated, and ends when every kind succeeds again.
    """

    since: float = 0.0
    failing: set[str] = field(default_factory=set)

    def failed(self, kind: str, now: float) -> Change | None:
        began = not self.failing
        self.failing.add(kind)
        if began:
            self.since = now
        return Change.BEGAN if began else None

    def succeeded(self, kind: str) -> Change | None:
        if kind not in self.failing:
            return None
        self.failing.discard(kind)
        return None if self.failing else Change.ENDED
