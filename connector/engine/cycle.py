"""The cycle: list the index, compare the listing with the ledger, plan, apply, report.

A full cycle, a poll and a refresh differ in their survey only.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

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
from connector.domain.report import CycleReport, Result, Withheld, carried_out, error_facts, planned
from connector.domain.sink_model import Owner
from connector.domain.source_model import Index
from connector.engine.apply import Applier
from connector.engine.delete_proof import prove_deletes
from connector.engine.owners import Ownership, entry_to_write, owner_of
from connector.engine.reconcile import commit
from connector.engine.survey import CycleOptions, Survey, Surveyor
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


@dataclass(slots=True)
class _Course:
    """The events of a cycle so far, from which its report is built at the end."""

    index_id: str
    index: Index | None = None
    survey: Survey | None = None
    warnings: tuple[str, ...] = ()
    results: list[Result] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)
    interrupted: bool = False
    error: ConnectorError | None = None

    def report(self, requests: int, duration_sec: float) -> CycleReport:
        report = CycleReport(
            self.index_id,
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

    async def cycle(self, settings: IndexSettings, options: CycleOptions | None = None) -> CycleReport:
        """Run one full pass over one index. Errors are in the report, never raised."""
        chosen = options or CycleOptions()

        async def survey(course: _Course) -> Survey:
            index = course.index = await self._source.index(settings.index_id)
            me = owner_of(await self._ledger.identity(), settings, index.model)
            course.warnings = await self._provide(settings, index, me, take_over=chosen.take_over)
            found = await self.surveyor.survey_all(settings, index, chosen)
            if found.reconciliation:
                await commit(
                    self._sink, self._ledger, index.index_id, found.reconciliation, me, take_over=chosen.take_over
                )
            return found

        return await self._run(settings, survey)

    async def poll(self, settings: IndexSettings) -> CycleReport:
        """Upsert new, changed and unfinished assets only. Requires an earlier full cycle."""
        return await self._run(settings, lambda _: self.surveyor.survey_changes(settings))

    async def refresh(self, settings: IndexSettings, period: float) -> CycleReport:
        """Carry out due refreshes between full cycles; `period` is the number of seconds between two calls."""
        return await self._run(settings, lambda _: self.surveyor.survey_refreshes(settings, period))

    async def _run(self, settings: IndexSettings, survey_it: Callable[[_Course], Awaitable[Survey]]) -> CycleReport:
        course = _Course(settings.index_id)
        started, asked = self._stopwatch(), self._source.requests(settings.index_id)
        try:
            survey = course.survey = await survey_it(course)
            course.index = survey.index
            await self._apply(settings, survey, course)
        except ConnectorError as error:
            course.error = _down(error) if isinstance(error, TransientError) else error
        except Exception as error:
            # A bug that affects one index must not stop the others or the process.
            log.exception("cycle.crashed %s", settings.index_id)
            course.error = InternalError.of(error, "sync index", settings.index_id)
        return course.report(self._source.requests(settings.index_id) - asked, self._stopwatch() - started)

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

    async def _apply(self, settings: IndexSettings, survey: Survey, course: _Course) -> None:
        """Carry out the plan. Deletes come last, and only those that the source confirms."""
        plan, index_id, done = survey.plan, survey.index.index_id, self._results(course)
        await self._ledger.update_state(index_id, survey.before)
        applier = await self._applier(settings, survey)
        changes: tuple[Upsert | Refresh, ...] = (*plan.upserts, *plan.refreshes)
        self._observe(Progress(index_id, planned=len(changes) + len(plan.deletes) + len(plan.forgets)))
        finished = await self.workers.run(changes, applier.carry_out, done)
        if finished and (plan.deletes or plan.forgets):
            proof = await prove_deletes(self._source, survey.snapshot, plan)
            course.withheld += proof.withheld(plan)
            if not proof.objection:
                finished = await self.workers.run(proof.gone, applier.delete, done)
                finished = finished and await self.workers.run(plan.forgets, applier.forget, done)
        course.interrupted = not finished
        if finished:
            state = await self._ledger.update_state(index_id, survey.after)
            self.surveyor.remember(survey, state or survey.state)

    async def _applier(self, settings: IndexSettings, survey: Survey) -> Applier:
        index = survey.index
        me = owner_of(await self._ledger.identity(), settings, index.model)
        home = settings.collection_name(index.model) if index.model else None
        return Applier(
            self._source,
            self._sink,
            self._ledger,
            clock=self._clock,
            settings=settings,
            index=index,
            first_cycle_at=survey.state.first_cycle_at,
            ownership=Ownership(self._sink, self._ledger, index.index_id, home, me, self._clock),
        )

    def _results(self, course: _Course) -> Callable[[Result], None]:
        """Collect results. DEFERRED_IN_A_ROW transient errors mean that the other side is down: end the cycle."""
        in_a_row = 0

        def done(result: Result) -> None:
            nonlocal in_a_row
            course.results.append(result)
            self._observe(Progress(course.index_id, result=result))
            in_a_row = in_a_row + 1 if isinstance(result.error, TransientError) else 0
            if in_a_row >= DEFERRED_IN_A_ROW and isinstance(result.error, TransientError):
                raise _down(result.error)

        return done


def _down(error: TransientError) -> CycleError:
    kind = SourceUnavailable if error.side == "source" else SinkUnavailable
    return kind(error.operation, error.subject, error.cause, error.advice)
