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
class Failures:
    """Kinds of work on one subject that fail, each with an error code. `since` is when the first of them failed."""

    since: float = 0.0
    codes: dict[str, str] = field(default_factory=dict)

    def failed(self, kind: str, code: str, now: float) -> bool:
        """True if nothing failed for this reason before."""
        known = code in self.codes.values()
        self.since = self.since if self.codes else now
        self.codes[kind] = code
        return not known

    def succeeded(self, kind: str) -> bool:
        """True if this was the last kind of work that failed."""
        return self.codes.pop(kind, None) is not None and not self.codes
