"""One pass over one index as a value: what it found and did so far, and its changes as work for the queue."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from connector.domain.errors import ConnectorError
from connector.domain.index_settings import IndexSettings
from connector.domain.ledger_model import Checkpoint
from connector.domain.plan import Delete, Refresh, Upsert
from connector.domain.priority import Priority
from connector.domain.report import CycleReport, Result, Withheld, carried_out, error_facts, planned
from connector.domain.source_model import Index
from connector.domain.watermark import newest_first
from connector.engine.apply import Applier
from connector.engine.survey import Survey
from connector.engine.work_queue import Work


@dataclass(frozen=True, slots=True)
class Progress:
    """Event for an observer: first the name of the index and the number of planned changes, then each Result."""

    index_id: str
    index_name: str | None = None
    planned: int = 0
    result: Result | None = None


@dataclass(slots=True)
class Pass:
    """One pass. Run again after an error, it goes on with what is left, without listing the index again."""

    settings: IndexSettings
    survey_it: Callable[["Pass"], Awaitable[Survey]]
    priority_of: Callable[[Upsert], Priority]
    take_over: bool = False
    index: Index | None = None
    survey: Survey | None = None
    warnings: tuple[str, ...] = ()
    results: list[Result] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)
    interrupted: bool = False
    error: ConnectorError | None = None
    fed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when its changes are in the queue, or when it has ended."""

    def report(self, requests: int, duration_sec: float) -> CycleReport:
        report = CycleReport(
            self.settings.index_id,
            index_name=self.index.name if self.index else None,
            model=self.index.model if self.index else None,
            warnings=self.warnings,
            interrupted=self.interrupted,
            requests=requests,
            duration_sec=duration_sec,
            error=error_facts(self.error) if self.error else None,
        )
        if self.survey:
            report = planned(report, self.survey.snapshot, self.survey.plan)
        return carried_out(report, self.results, self.withheld)


def upserts(it: Pass, applier: Applier, changes: Iterable[Upsert]) -> Iterator[Work]:
    for change in changes:
        work = partial(applier.carry_out, change)
        yield Work(
            it.settings.index_id, change.indexed_asset_id, it.priority_of(change), work, newest_first(change.asset)
        )


def refreshes(it: Pass, applier: Applier, changes: Iterable[Refresh]) -> Iterator[Work]:
    for number, change in enumerate(changes):
        work = partial(applier.carry_out, change)
        yield Work(it.settings.index_id, change.indexed_asset_id, Priority.REFRESH, work, number)


def deletes(it: Pass, applier: Applier, planned: Iterable[Delete]) -> Iterator[Work]:
    for delete in planned:
        name = delete.checkpoint.indexed_asset_id
        yield Work(it.settings.index_id, name, Priority.COMMAND, partial(applier.delete, delete))


def forgets(it: Pass, applier: Applier, rows: Iterable[Checkpoint]) -> Iterator[Work]:
    for row in rows:
        name = row.indexed_asset_id
        yield Work(it.settings.index_id, name, Priority.COMMAND, partial(applier.forget, row))
