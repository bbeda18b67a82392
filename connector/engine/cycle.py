"""The cycle: list the index, compare the listing with the ledger, plan, apply, report."""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from connector.domain.errors import (
    ConnectorError,
    CycleError,
    InternalError,
    SinkUnavailable,
    SourceUnavailable,
    TransientError,
)
from connector.domain.index_settings import IndexSettings
from connector.domain.plan import Refresh, Upsert
from connector.domain.report import CycleReport, Result
from connector.domain.sink_model import Owner
from connector.domain.source_model import Index
from connector.domain.watermark import advanced
from connector.engine.apply import Applier
from connector.engine.owners import entry_to_write, owner_of
from connector.engine.reconcile import commit
from connector.engine.survey import Survey, Surveyor
from connector.engine.workers import Workers
from connector.ports import CheckpointStore, Sink, Source

DEFERRED_IN_A_ROW = 5

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """Event for an observer: first the number of planned changes, then each Result."""

    index_id: str
    planned: int = 0
    result: Result | None = None


class Engine:
    """Runs the cycles of all indexes. `workers.stop` ends them after the changes in progress."""

    def __init__(
        self,
        source: Source,
        sink: Sink,
        ledger: CheckpointStore,
        *,
        clock: Callable[[], float],
        stopwatch: Callable[[], float] = time.monotonic,
        concurrency: int = 4,
        observe: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self._source, self._sink, self._ledger = source, sink, ledger
        self._clock, self._stopwatch, self._observe = clock, stopwatch, observe
        self.surveyor = Surveyor(source, sink, ledger, clock)
        self.workers = Workers(concurrency)
        self._indexes: dict[str, Index] = {}

    async def cycle(
        self,
        settings: IndexSettings,
        *,
        allow_deletes: bool = False,
        take_over: bool = False,
        period: float | None = None,
    ) -> CycleReport:
        """Run one full pass over one index. Errors are in the report, never raised.

        With `period`, the seconds between two cycles, failed assets keep their back-off and refreshes are spread.
        Without it, the cycle does all due refreshes and retries failed assets at once. `take_over` claims an index that
        another ledger owns.
        """

        async def work(report: CycleReport) -> None:
            index = await self._source.index(settings.index_id)
            report.index_name, report.model = index.name, index.model
            if self.knows(index.index_id):
                self._indexes[index.index_id] = index
            me = owner_of(await self._ledger.identity(), settings, index.model)
            report.warnings += await self._provide(settings, index, me, take_over=take_over)
            survey = await self.surveyor.survey_all(
                settings, index, allow_deletes=allow_deletes, take_over=take_over, period=period
            )
            await commit(self._sink, self._ledger, index.index_id, survey.known, survey.state, me, take_over=take_over)
            await self._apply(settings, survey, report)
            self._indexes[index.index_id] = index

        return await self._reported(settings, work)

    async def poll(self, settings: IndexSettings) -> CycleReport:
        """Upsert new, changed and unfinished assets only. Requires an earlier full cycle of this engine."""

        async def work(report: CycleReport) -> None:
            index = self._indexes[settings.index_id]
            report.index_name, report.model = index.name, index.model
            await self._apply(settings, await self.surveyor.survey_changes(settings, index), report)

        return await self._reported(settings, work)

    async def refresh(self, settings: IndexSettings, period: float) -> CycleReport:
        """Carry out due refreshes between full cycles; `period` is the number of seconds between two calls."""

        async def work(report: CycleReport) -> None:
            index = self._indexes[settings.index_id]
            report.index_name, report.model = index.name, index.model
            survey = await self.surveyor.due_refreshes(settings, index, period)
            if survey.state != survey.known.state:
                await self._ledger.save_state(index.index_id, survey.state)
            await self._apply(settings, survey, report)

        return await self._reported(settings, work)

    def knows(self, index_id: str) -> bool:
        """True if a full cycle has loaded the index, so that `poll` and `refresh` can run."""
        return index_id in self._indexes

    def unlearn(self, index_id: str) -> None:
        """Discard the loaded index: `poll` and `refresh` need a new full cycle first."""
        self._indexes.pop(index_id, None)

    async def _provide(self, settings: IndexSettings, index: Index, me: Owner, *, take_over: bool) -> tuple[str, ...]:
        """Check or create the collection before listing; return warnings. Raises SinkMismatch, OwnedElsewhere.

        For an unknown model, the first asset creates the collection; if it exists, check it here.
        """
        if index.model is None:
            return ()
        found = await self._sink.inspect(settings.collection_name(index.model))
        if found:
            claimed = (await self._ledger.claims(index.index_id)).get(found.instance_id or "")
            entry_to_write(found, index.index_id, me, claimed, take_over=take_over)
        spec = settings.needed_spec(index, found)
        return (await self._sink.ensure(spec, settings.metadata_indexes)).warnings if spec else ()

    async def _reported(self, settings: IndexSettings, work: Callable[[CycleReport], Awaitable[None]]) -> CycleReport:
        report = CycleReport(settings.index_id)
        started, asked = self._stopwatch(), self._source.requests(settings.index_id)
        try:
            await work(report)
        except ConnectorError as error:
            report.fail(_down(error) if isinstance(error, TransientError) else error)
        except Exception as error:
            # A bug that affects one index must not stop the others or the process.
            log.exception("cycle.crashed %s", settings.index_id)
            report.fail(InternalError.of(error, "sync index", settings.index_id))
        report.requests = self._source.requests(settings.index_id) - asked
        report.duration_sec = self._stopwatch() - started
        return report

    async def _apply(self, settings: IndexSettings, survey: Survey, report: CycleReport) -> None:
        """Carry out the plan. Deletes come last, and only those that the source confirms."""
        report.surveyed(survey.snapshot, survey.plan)
        plan, done, index_id = survey.plan, self._tally(report), survey.index.index_id
        applier = Applier(
            self._source,
            self._sink,
            self._ledger,
            clock=self._clock,
            settings=settings,
            index=survey.index,
            state=survey.state,
            me=owner_of(await self._ledger.identity(), settings, survey.index.model),
        )
        changes: tuple[Upsert | Refresh, ...] = (*plan.upserts, *plan.refreshes)
        self._observe(Progress(index_id, planned=len(changes) + len(plan.deletes) + len(plan.forgets)))
        finished = await self.workers.run(changes, applier.carry_out, done)
        if finished and (plan.deletes or plan.forgets):
            proof = await self.surveyor.prove_deletes(survey)
            report.unproven(proof.unproven)
            if proof.objection:
                report.withhold(len(plan.deletes) - len(proof.unproven), proof.objection)
            else:
                finished = await self.workers.run(proof.gone, applier.delete, done)
                finished = finished and await self.workers.run(plan.forgets, applier.forget, done)
        report.interrupted = not finished
        snapshot = survey.snapshot
        as_of = self._clock() if snapshot.as_of is None else snapshot.as_of
        state = advanced(
            applier.state, snapshot.assets, survey.pending, as_of, can_advance_watermark=survey.can_advance_watermark
        )
        if finished:
            self.surveyor.remember(survey, state)
        if finished and state != applier.state:
            await self._ledger.save_state(index_id, state)

    def _tally(self, report: CycleReport) -> Callable[[Result], None]:
        """Count results. DEFERRED_IN_A_ROW transient errors mean that the other side is down: end the cycle."""
        in_a_row = 0

        def done(result: Result) -> None:
            nonlocal in_a_row
            report.add(result)
            self._observe(Progress(report.index_id, result=result))
            in_a_row = in_a_row + 1 if isinstance(result.error, TransientError) else 0
            if in_a_row >= DEFERRED_IN_A_ROW and isinstance(result.error, TransientError):
                raise _down(result.error)

        return done


def _down(error: TransientError) -> CycleError:
    kind = SourceUnavailable if error.side == "source" else SinkUnavailable
    return kind(error.operation, error.subject, error.cause, error.advice)
