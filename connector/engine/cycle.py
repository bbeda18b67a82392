"""A pass over one index: survey, feed the queue, wait for the workers, delete what is proven gone, report.

A full cycle, a poll, a refresh and the work left over by an earlier process differ in their survey only. Passes of one
index may overlap: the queue has at most one change of an asset in hand, and each change reads its row again.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

from connector.domain.activity import ACTIVITY
from connector.domain.errors import ConnectorError, InternalError, LedgerUnavailable
from connector.domain.events import ChangeFinished, ChangesPlanned, CycleBegan, CycleEnded, JobReported
from connector.domain.index_settings import IndexSettings
from connector.domain.plan import Decision, Delete, Upsert
from connector.domain.priority import WAITS_AS, Priority
from connector.domain.report import CycleKind, CycleReport, Result
from connector.domain.source_model import IndexedAsset
from connector.engine.appliers import Appliers
from connector.engine.apply import Applier
from connector.engine.batch import down
from connector.engine.delete_proof import prove_deletes
from connector.engine.dispatch import Dispatch
from connector.engine.expiry_notice import announce_expiry
from connector.engine.grace import Grace
from connector.engine.passes import Pass, announced, deletes, forgets, refreshes, upserts
from connector.engine.preparation import Prepared, prepared
from connector.engine.reconcile import commit
from connector.engine.survey import CycleOptions, Survey, Surveyor
from connector.engine.work_queue import Work, WorkQueue
from connector.engine.workers import Workers
from connector.ports import CheckpointStore, Observer, Sink, Source

_ROWS_PER_COMMIT = 2000
_PUT_AT_ONCE = 500
"""So many changes enter the queue before other tasks of the event loop get their turn."""
_FRESH = (Decision.NEW, Decision.CHANGED)

log = logging.getLogger(__name__)


class Engine:
    """Runs the passes of all indexes over one queue. `workers.stop` ends them after the changes in progress."""

    def __init__(
        self,
        source: Source,
        sink: Sink,
        ledger: CheckpointStore,
        *,
        clock: Callable[[], float],
        stopwatch: Callable[[], float] = time.monotonic,
        concurrency: int = 4,
        observe: Observer = lambda _: None,
        dispatch: Dispatch | None = None,
    ) -> None:
        """With `dispatch`, changes of assets are carried out there; only deletes in this process, so many at once."""
        self._source, self._sink, self._ledger = source, sink, ledger
        self._dispatch, self._deleting = dispatch, asyncio.Semaphore(concurrency)
        self._clock, self._stopwatch, self._observe = clock, stopwatch, observe
        self._appliers = Appliers(source, sink, ledger, clock, observe)
        self._grace = Grace(ledger, clock, observe)
        self.surveyor = Surveyor(source, sink, ledger, clock)
        self.queue = WorkQueue()
        reserve, release = (source.reserve, source.release) if dispatch is None else (_at_once, _nothing)
        self.workers = Workers(self.queue, reserve, release, self._tell, concurrency)

    async def cycle(self, settings: IndexSettings, options: CycleOptions | None = None) -> CycleReport:
        """Run a full cycle. Errors are in the report, never raised."""
        return await self.run(self.full_cycle(settings, options or CycleOptions()))

    async def refresh(self, settings: IndexSettings, period: float) -> CycleReport:
        """Carry out due refreshes between full cycles; `period` is the number of seconds between two calls."""
        return await self.run(self.refresh_pass(settings, period))

    def full_cycle(self, settings: IndexSettings, options: CycleOptions) -> Pass:
        async def survey(it: Pass) -> Survey:
            ready = await self._prepare(it)
            index = ready.index
            listing = await self.surveyor.listing(settings, index)
            with self.queue.watching(index.index_id) as touched:
                found = await self.surveyor.survey_all(settings, listing, options, touched)
            if known := found.reconciliation:
                await commit(self._sink, self._ledger, index.index_id, known, ready.owner, take_over=options.take_over)
            return found

        return Pass(options.kind, settings, survey, lambda _: options.priority, options.take_over)

    def poll_pass(self, settings: IndexSettings) -> Pass:
        """Upsert new and changed assets. Requires an earlier full cycle, as every pass but that does."""
        look = partial(self.surveyor.survey_changes, settings)
        return self._poll(CycleKind.POLL, settings, look, asks_as=Priority.FRESH)

    def unfinished_pass(self, settings: IndexSettings, shown: Collection[str]) -> Pass:
        """The second half of a poll: what was being indexed, or is due again. New assets do not wait for it.

        `shown` are the assets that the first half has dealt with.
        """
        look = partial(self.surveyor.survey_unfinished, settings, shown)
        return self._poll(CycleKind.UNFINISHED, settings, look, asks_as=Priority.COMMAND)

    def _poll(
        self, kind: CycleKind, settings: IndexSettings, look: Callable[[], Awaitable[Survey]], asks_as: Priority
    ) -> Pass:
        def priority(change: Upsert) -> Priority:
            return Priority.FRESH if change.reason in _FRESH else Priority.BACKLOG

        async def survey(_: Pass) -> Survey:
            found = await look()
            left = tuple(change for change in found.plan.upserts if not self._is_under_way(settings, change))
            return replace(found, plan=replace(found.plan, upserts=left))

        return Pass(kind, settings, survey, priority, asks_as=asks_as)

    def _is_under_way(self, settings: IndexSettings, change: Upsert) -> bool:
        """The overlap of polls shows again what an earlier pass found and put into the queue."""
        row = change.checkpoint
        same = row is not None and row.listed == change.asset
        return same and self.queue.waits(settings.index_id, change.indexed_asset_id)

    def refresh_pass(self, settings: IndexSettings, period: float) -> Pass:
        return Pass(
            CycleKind.REFRESH,
            settings,
            lambda _: self.surveyor.survey_refreshes(settings, period),
            lambda _: Priority.REFRESH,
        )

    def retry(self, settings: IndexSettings, indexed_asset_ids: Collection[str]) -> Pass:
        """Upsert these assets of the ledger now, even if their next attempt is not due yet."""
        return Pass(
            CycleKind.RETRY,
            settings,
            lambda _: self.surveyor.survey_assets(settings, indexed_asset_ids),
            lambda _: Priority.COMMAND,
        )

    def ready(self, settings: IndexSettings, indexed_asset_ids: Collection[str]) -> Pass:
        """Upsert assets that a webhook named, without a poll."""
        return Pass(
            CycleKind.WEBHOOK,
            settings,
            lambda _: self.surveyor.survey_ready(settings, indexed_asset_ids),
            lambda _: Priority.FRESH,
        )

    def left_over(self, settings: IndexSettings) -> Pass:
        """Carry out what an earlier process planned and did not do."""

        async def survey(it: Pass) -> Survey:
            ready = await self._prepare(it)
            return await self.surveyor.survey_left_over(settings, ready.index)

        return Pass(CycleKind.RESUMED, settings, survey, lambda _: Priority.BACKLOG)

    async def run(self, it: Pass) -> CycleReport:
        """Run the pass, or go on with it. Errors are in the report, never raised."""
        index_id = it.settings.index_id
        it.error, it.begun = None, False
        started, asked = self._stopwatch(), self._source.requests(index_id)
        before, waited_as = ACTIVITY.set(it.activity), WAITS_AS.set(it.asks_as)
        try:
            await self._go_on(it)
            self._begin(it)
            report = it.report(self._source.requests(index_id) - asked, self._stopwatch() - started)
            self._observe(CycleEnded(it.cycle_id, it.kind, report))
        finally:
            it.fed.set()
            WAITS_AS.reset(waited_as)
            ACTIVITY.reset(before)
        return report

    async def _go_on(self, it: Pass) -> None:
        try:
            it.last_name = it.index_name or await self._last_name(it.settings.index_id)
            if it.last_name:
                self._begin(it)
            if it.survey is None:
                survey = await it.survey_it(it)
                it.index = survey.index
                ACTIVITY.set(it.activity)
                await self._record(it, survey)
                it.survey = survey
            else:
                await self._prepare(it)
            await self._carry_out(it, it.survey)
        except ConnectorError as error:
            it.error = down(error)
        except Exception as error:
            # A bug that affects one index must not stop the others or the process.
            log.exception("cycle.crashed")
            it.error = InternalError.of(error, "sync index", it.settings.index_id)

    def _begin(self, it: Pass) -> None:
        """Tell it once the name of the index is known, or at the end if it never was."""
        ACTIVITY.set(it.activity)
        if not it.begun:
            it.begun = True
            self._observe(CycleBegan(it.cycle_id, it.settings.index_id, it.kind, again=it.survey is not None))

    async def _last_name(self, index_id: str) -> str | None:
        """For messages about an index that cannot be asked; None if the ledger has no name, or cannot be read."""
        with suppress(LedgerUnavailable):
            state = await self._ledger.state(index_id)
            return state.index_name if state else None
        return None

    def _tell(self, work: Work, result: Result) -> None:
        kind = JobReported if work.is_job else ChangeFinished
        self._observe(kind(work.index_id, result, work.activity.cycle_id if work.activity else None))

    async def _prepare(self, it: Pass) -> Prepared:
        """Check that the index and its collection can be used. Sets the index and the warnings of the pass."""
        it.index = await self._source.index(it.settings.index_id)
        self._begin(it)
        found = await prepared(it.index, self._sink, self._ledger, it.settings, take_over=it.take_over)
        it.warnings = found.warnings
        return found

    async def _record(self, it: Pass, survey: Survey) -> None:
        """Write the plan to the ledger. From now on the work is known there, so the watermark may pass it."""
        index_id = survey.index.index_id
        await self._ledger.update_state(index_id, survey.before)
        await self._grace.cancel(survey.snapshot, survey.plan)
        by_priority: dict[Priority, list[IndexedAsset]] = {}
        for change in survey.plan.upserts:
            by_priority.setdefault(it.priority_of(change), []).append(change.asset)
        for priority, assets in by_priority.items():
            for first in range(0, len(assets), _ROWS_PER_COMMIT):
                await self._ledger.plan(index_id, assets[first : first + _ROWS_PER_COMMIT], priority)
        if survey.plan.settled:
            await self._ledger.settle(index_id, survey.plan.settled)
        state = await self._ledger.update_state(index_id, survey.after)
        await self.surveyor.remember(survey, state or survey.state)
        await announce_expiry(self._ledger, self._observe, index_id, state, self._clock())

    async def _carry_out(self, it: Pass, survey: Survey) -> None:
        """Carry out the plan. Deletes come last, and only those that the source confirms."""
        plan, first_at = survey.plan, survey.state.first_cycle_at
        applier = await self._appliers.of_index(it.settings, survey.index, first_at, _names_of(survey))
        done = {result.indexed_asset_id for result in it.results}
        carry_out = applier.carry_out
        if self._dispatch:
            carry_out = partial(self._dispatch.carry_out, it.settings.index_id, _names_of(survey))
        works = [
            *announced(it, carry_out, plan.announced),
            *upserts(it, carry_out, plan.upserts),
            *refreshes(it, carry_out, plan.refreshes),
        ]
        for work in works:
            work.is_job = self._dispatch is not None
        left = [work for work in works if work.indexed_asset_id not in done]
        # Workers take the first change before the last one is in the queue.
        left.sort(key=lambda work: (work.priority, work.order))
        count = len(left) + len(plan.deletes) + len(plan.forgets)
        it.planned = len(it.results) + count
        self._observe(ChangesPlanned(it.cycle_id, survey.index.index_id, count, survey.index.name))
        finished = await self._through_queue(it, left)
        if finished and (plan.deletes or plan.absent or plan.forgets):
            proof = await prove_deletes(self._source, survey.snapshot, plan)
            it.withheld += proof.withheld(plan)
            await self._grace.begin(it, proof)
            if not proof.objection:
                finished = await self._through_queue(it, deletes(it, self._delete(applier), proof.gone))
                finished = finished and await self._through_queue(it, forgets(it, applier, plan.forgets))
        it.interrupted = not finished

    def _delete(self, applier: Applier) -> Callable[[Delete], Awaitable[Result]]:
        """Workers that wait for changes elsewhere are more than may work here."""
        if self._dispatch is None:
            return applier.delete

        async def delete(change: Delete) -> Result:
            async with self._deleting:
                return await applier.delete(change)

        return delete

    async def _through_queue(self, it: Pass, works: Iterable[Work]) -> bool:
        """False if the workers were stopped before all were done. Blocks the index if one of them ends the pass."""
        index_id = it.settings.index_id
        with self.workers.batch(partial(self.queue.block, index_id), it.results) as batch:
            self.queue.unblock(index_id)
            for number, work in enumerate(works):
                work.batches = [batch]
                self.queue.put(work)
                if number % _PUT_AT_ONCE == 0:
                    await asyncio.sleep(0)
            it.fed.set()
            return await batch.wait()


def _names_of(survey: Survey) -> Mapping[str, str]:
    """Alias of a collection -> the name that the ledger rows use."""
    return survey.reconciliation.names if survey.reconciliation else {}


async def _at_once(_: Callable[[], Priority]) -> None:
    """Whoever carries out the change waits for the turn of its requests."""


def _nothing() -> None:
    """There is no turn to give back."""
