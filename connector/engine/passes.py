"""One pass over one index as a value: what it found and did so far, and its changes as work for the queue."""

import asyncio
import math
import secrets
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from connector.domain.activity import Activity
from connector.domain.errors import ConnectorError
from connector.domain.index_settings import IndexSettings
from connector.domain.ledger_model import Checkpoint
from connector.domain.plan import Announced, Delete, Refresh, Upsert
from connector.domain.priority import Priority
from connector.domain.report import CycleKind, CycleReport, Result, Withheld, carried_out, error_facts, planned
from connector.domain.source_model import Index
from connector.domain.watermark import newest_first
from connector.engine.apply import Applier, Change
from connector.engine.survey import Survey
from connector.engine.work_queue import Work


@dataclass(slots=True)
class Pass:
    """One pass. Run again after an error, it goes on with what is left, without listing the index again."""

    kind: CycleKind
    settings: IndexSettings
    survey_it: Callable[["Pass"], Awaitable[Survey]]
    priority_of: Callable[[Upsert], Priority]
    take_over: bool = False
    begun: bool = False
    asks_as: Priority = Priority.COMMAND
    """With which priority the requests of its survey wait for their turn."""
    index: Index | None = None
    last_name: str | None = None
    """The name of the index when it was last known."""
    survey: Survey | None = None
    warnings: tuple[str, ...] = ()
    planned: int | None = None
    """Number of its changes; None until they are known."""
    results: list[Result] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)
    """The assets whose grace period it started."""
    interrupted: bool = False
    error: ConnectorError | None = None
    fed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when its changes are in the queue, or when it has ended."""
    cycle_id: str = field(default_factory=lambda: secrets.token_hex(4))

    @property
    def activity(self) -> Activity:
        return Activity(self.settings.index_id, self.index_name, self.cycle_id)

    @property
    def index_name(self) -> str | None:
        return self.index.name if self.index else self.last_name

    def report(self, requests: int, duration_sec: float) -> CycleReport:
        report = CycleReport(
            self.settings.index_id,
            index_name=self.index_name,
            model=self.index.model if self.index else None,
            warnings=self.warnings,
            interrupted=self.interrupted,
            requests=requests,
            duration_sec=duration_sec,
            error=error_facts(self.error) if self.error else None,
        )
        if self.survey:
            report = planned(report, self.survey.snapshot, self.survey.plan)
            complete = report.complete or self.kind is CycleKind.RESUMED
            report = replace(report, complete=complete, pending=report.pending + len(self.absent))
        return carried_out(report, self.results, self.withheld)


CarryOut = Callable[[Change], Awaitable[Result]]


def upserts(it: Pass, carry_out: CarryOut, changes: Iterable[Upsert]) -> Iterator[Work]:
    for change in changes:
        order = newest_first(change.asset)
        yield _work(it, change.indexed_asset_id, it.priority_of(change), partial(carry_out, change), order)


def announced(it: Pass, carry_out: CarryOut, changes: Iterable[Announced]) -> Iterator[Work]:
    for change in changes:
        yield _work(it, change.indexed_asset_id, Priority.FRESH, partial(carry_out, change), -math.inf)


def refreshes(it: Pass, carry_out: CarryOut, changes: Iterable[Refresh]) -> Iterator[Work]:
    for number, change in enumerate(changes):
        yield _work(it, change.indexed_asset_id, Priority.REFRESH, partial(carry_out, change), number)


def deletes(it: Pass, carry_out: Callable[[Delete], Awaitable[Result]], planned: Iterable[Delete]) -> Iterator[Work]:
    for delete in planned:
        yield _work(it, delete.checkpoint.indexed_asset_id, Priority.COMMAND, partial(carry_out, delete))


def forgets(it: Pass, applier: Applier, rows: Iterable[Checkpoint]) -> Iterator[Work]:
    for row in rows:
        yield _work(it, row.indexed_asset_id, Priority.COMMAND, partial(applier.forget, row))


def _work(
    it: Pass, name: str, priority: Priority, carry_out: Callable[[], Awaitable[Result]], order: float = 0.0
) -> Work:
    return Work(it.settings.index_id, name, priority, carry_out, order, replace(it.activity, indexed_asset_id=name))
