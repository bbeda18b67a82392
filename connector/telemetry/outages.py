"""Tells an outage of the source or of Qdrant from single failed requests. Pure: the caller supplies the times."""

from dataclasses import dataclass
from enum import StrEnum

_FAILURES, _SECONDS = 3, 5.0


class Change(StrEnum):
    BEGAN = "began"
    ENDED = "ended"


@dataclass(slots=True)
class Outage:
    """Failed requests in a row to one side. `since` is when the first of them failed, in monotonic seconds.

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
