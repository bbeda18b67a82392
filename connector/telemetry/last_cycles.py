"""When each index was last synced, with what result, and how many deletes its last listing withheld. An observer."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from connector.domain.events import CycleEnded, Event
from connector.domain.history import decides_deletes
from connector.domain.report import CycleReport
from connector.telemetry.metric_labels import recurring_kind


@dataclass(slots=True)
class CycleEnds:
    """Of one index: kind (`full_cycle` or `poll`) -> end of the last one, and of the last one without an error.

    Times are seconds since the epoch.
    """

    ended_at: dict[str, float] = field(default_factory=dict)
    succeeded_at: dict[str, float] = field(default_factory=dict)
    withheld: int = 0

    def note(self, kind: str, ended_at: float, report: CycleReport) -> None:
        recurring = recurring_kind(kind)
        if not recurring:
            return
        self.ended_at[recurring] = ended_at
        if decides_deletes(kind, complete=report.complete, withheld=report.withheld):
            self.withheld = report.withheld
        if report.error or report.interrupted:
            return
        self.succeeded_at[recurring] = ended_at


class LastCycles:
    """`wall` is in seconds since the epoch."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._ends: defaultdict[str, CycleEnds] = defaultdict(CycleEnds)

    def __call__(self, event: Event, /) -> None:
        if isinstance(event, CycleEnded):
            self._ends[event.report.index_id].note(event.kind, self._wall(), event.report)

    def remember(self, past: Iterable[tuple[str, float, CycleReport]]) -> None:
        """Take over cycles of earlier processes, oldest first: kind, end and report. Call it before the first event."""
        for kind, ended_at, report in past:
            self._ends[report.index_id].note(kind, ended_at, report)

    def of(self, index_id: str) -> CycleEnds:
        return self._ends[index_id]
