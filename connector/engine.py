"""The cycle: list the index, compare with the ledger, plan, apply, report."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from connector.apply import Applier
from connector.errors import ConnectorError, CycleError, SinkUnavailable, SourceUnavailable, TransientError
from connector.index_settings import IndexSettings
from connector.model import Index
from connector.plan import Refresh, Upsert, to_remember
from connector.ports import CheckpointStore, Sink, Source
from connector.reconcile import commit
from connector.report import CycleReport, Result
from connector.stored_times import credible_state
from connector.survey import Survey, Surveyor
from connector.watermark import advanced
from connector.workers import Workers

DEFERRED_IN_A_ROW = 5


@dataclass(frozen=True, slots=True)
class Progress:
    """What an observer is told: first how many changes are planned, then each Result."""

    index_id: str
    planned: int = 0
    result: Result | None = None


class Engine:
    """One engine serves all indexes; `workers.stop` ends its cycles after the changes in hand."""

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
        self, settings: IndexSettings, *, allow_deletes: bool = False, period: float | None = None
    ) -> CycleReport:
        """One full pass over one index. Whatever goes wrong is in the report.

        One that comes again every `period` seconds leaves failed assets their back-off and spreads refreshes; without
        a period it does all that is due, and tries what failed at once.
        """

        async def work(report: CycleReport) -> None:
            index = await self._source.index(settings.index_id)
            report.index_name, report.model = index.name, index.model
            await self._ensure(settings, index)
            survey = await self.surveyor.full(settings, index, allow_deletes=allow_deletes, period=period)
            state = credible_state(survey.known.state, self._clock())
            await commit(self._ledger, index.index_id, survey.known, to_remember(state, survey.plan))
            await self._apply(settings, survey, report)
            self._indexes[index.index_id] = index

        return await self._reported(settings, work)

    async def poll(self, settings: IndexSettings) -> CycleReport:
        """A cheap pass: upserts of what is new, touched or unfinished. Needs a full cycle of this engine before."""

        async def work(report: CycleReport) -> None:
            index = self._indexes[settings.index_id]
            report.index_name, report.model = index.name, index.model
            await self._apply(settings, await self.surveyor.glance(settings, index), report)

        return await self._reported(settings, work)

    async def refresh(self, settings: IndexSettings, period: float) -> CycleReport:
        """Due refreshes between full cycles, spread over passes `period` seconds apart."""

        async def work(report: CycleReport) -> None:
            index = self._indexes[settings.index_id]
            report.index_name, report.model = index.name, index.model
            survey = await self.surveyor.due_refreshes(settings, index, period)
            await commit(self._ledger, index.index_id, survey.known, credible_state(survey.known.state, self._clock()))
            await self._apply(settings, survey, report)

        return await self._reported(settings, work)

    def knows(self, index_id: str) -> bool:
        """Whether a poll can go by an earlier cycle."""
        return index_id in self._indexes

    def unlearn(self, index_id: str) -> None:
        """What earlier cycles knew of the index is no longer so."""
        self._indexes.pop(index_id, None)

    async def _ensure(self, settings: IndexSettings, index: Index) -> None:
        """An unfit collection shows before anything is retrieved; that of an unknown model is made with its asset."""
        spec = settings.known_spec(index)
        if spec:
            await self._sink.ensure(spec, settings.metadata_indexes)

    async def _reported(self, settings: IndexSettings, work: Callable[[CycleReport], Awaitable[None]]) -> CycleReport:
        report = CycleReport(settings.index_id)
        started, asked = self._stopwatch(), self._source.requests(settings.index_id)
        try:
            await work(report)
        except ConnectorError as error:
            report.fail(_down(error) if isinstance(error, TransientError) else error)
        report.requests = self._source.requests(settings.index_id) - asked
        report.duration_sec = self._stopwatch() - started
        return report

    async def _apply(self, settings: IndexSettings, survey: Survey, report: CycleReport) -> None:
        """Deletes come last, and only when the source confirms every one of them."""
        report.surveyed(survey.snapshot, survey.plan)
        plan, done, index_id = survey.plan, self._tally(report), survey.index.index_id
        applier = Applier(
            self._source,
            self._sink,
            self._ledger,
            clock=self._clock,
            settings=settings,
            index=survey.index,
            state=survey.known.state,
        )
        changes: tuple[Upsert | Refresh, ...] = (*plan.upserts, *plan.refreshes)
        self._observe(Progress(index_id, planned=len(changes) + len(plan.deletes)))
        finished = await self.workers.run(changes, applier.carry_out, done)
        if finished and plan.deletes:
            objection = await self.surveyor.objection_to_deletes(survey)
            if objection:
                report.withhold(len(plan.deletes), objection)
            else:
                finished = await self.workers.run(plan.deletes, applier.delete, done)
        report.interrupted = not finished
        snapshot = survey.snapshot
        state = advanced(applier.state, snapshot.assets, survey.pending, snapshot.as_of, settled=survey.settled)
        if finished:
            self.surveyor.remember(survey, state)
        if finished and state != applier.state:
            await self._ledger.save_state(index_id, state)

    def _tally(self, report: CycleReport) -> Callable[[Result], None]:
        """Counts results; so many deferred in a row mean that the other side is down, and end the cycle."""
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
