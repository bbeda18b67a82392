"""The cycle: list the index, compare with the ledger, plan, apply, report."""

from collections.abc import Callable
from dataclasses import dataclass

from connector.apply import Applier
from connector.errors import ConnectorError, CycleError, SinkUnavailable, SourceUnavailable, TransientError
from connector.index_settings import IndexSettings
from connector.model import Index, Snapshot
from connector.plan import Plan, Policy, Refresh, Upsert, make_plan
from connector.ports import CheckpointStore, Sink, Source
from connector.reconcile import Reconciled, commit, compare
from connector.refresh import RefreshPolicy
from connector.report import CycleReport, Result
from connector.workers import Workers

DAY_SEC = 86_400.0
DEFERRED_IN_A_ROW = 5


@dataclass(frozen=True, slots=True)
class Survey:
    """All that a cycle knows before it changes anything."""

    index: Index
    snapshot: Snapshot
    known: Reconciled
    plan: Plan


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
        concurrency: int = 4,
        observe: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self._source, self._sink, self._ledger = source, sink, ledger
        self._clock, self._observe = clock, observe
        self.workers = Workers(concurrency)

    async def cycle(
        self, settings: IndexSettings, *, allow_deletes: bool = False, patient: bool = False
    ) -> CycleReport:
        """One full pass over one index. Whatever goes wrong is in the report."""
        report = CycleReport(settings.index_id)
        started, asked = self._clock(), self._source.requests(settings.index_id)
        try:
            index = await self._source.index(settings.index_id)
            report.index_name, report.model = index.name, index.model
            await self._ensure(settings, index)
            survey = await self.survey(settings, index, allow_deletes=allow_deletes, patient=patient)
            report.surveyed(survey.snapshot, survey.plan)
            await commit(self._ledger, index.index_id, survey.known)
            await self._apply(settings, survey, report)
        except ConnectorError as error:
            report.fail(_down(error) if isinstance(error, TransientError) else error)
        report.requests = self._source.requests(settings.index_id) - asked
        report.duration_sec = self._clock() - started
        return report

    async def survey(
        self, settings: IndexSettings, index: Index, *, allow_deletes: bool = False, patient: bool = False
    ) -> Survey:
        """Snapshot, ledger and plan. Only reads, so it is the dry run too."""
        shape = settings.shape(index)
        snapshot = await self._source.snapshot(index)
        now = self._clock()
        collection = settings.collection_name(index.model) if index.model else None
        known = await compare(self._sink, self._ledger, index.index_id, collection, now)
        policy = Policy(
            now=now,
            delete_mode=settings.delete_mode,
            max_deletes=settings.max_deletes,
            max_delete_ratio=settings.max_delete_ratio,
            max_attempts=settings.max_attempts,
            refresh=RefreshPolicy(settings.refresh_interval, settings.deep_refresh_interval),
            recent_deletes=await self._ledger.deletes_since(index.index_id, now - DAY_SEC),
            allow_deletes=allow_deletes,
            patient=patient,
        )
        return Survey(index, snapshot, known, make_plan(snapshot, known.rows, known.state, shape, policy))

    async def _ensure(self, settings: IndexSettings, index: Index) -> None:
        """An unfit collection shows before anything is retrieved; that of an unknown model is made with its asset."""
        spec = settings.known_spec(index)
        if spec:
            await self._sink.ensure(spec, settings.metadata_indexes)

    async def _apply(self, settings: IndexSettings, survey: Survey, report: CycleReport) -> None:
        """Deletes come last, and only when the source confirms every one of them."""
        plan, done = survey.plan, self._tally(report)
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
        self._observe(Progress(report.index_id, planned=len(changes) + len(plan.deletes)))
        finished = await self.workers.run(changes, applier.carry_out, done)
        if finished and plan.deletes:
            objection = await self._objection(survey)
            if objection:
                report.withhold(len(plan.deletes), objection)
            else:
                finished = await self.workers.run(plan.deletes, applier.delete, done)
        report.interrupted = not finished

    async def _objection(self, survey: Survey) -> str | None:
        """What speaks against the deletes: an absent asset that exists makes the walk wrong, and all of them void."""
        index_id = survey.index.index_id
        for delete in survey.plan.deletes:
            name = delete.checkpoint.indexed_asset_id
            if await self._source.exists(index_id, name):
                return f"asset {name} is not in the listing and yet exists"
        await self._source.index(index_id)
        listed = next(iter(survey.snapshot.assets), None)
        if listed and not await self._source.exists(index_id, listed):
            return f"asset {listed} is in the listing and yet does not exist"
        return None

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
