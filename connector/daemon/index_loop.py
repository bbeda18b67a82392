"""The loop of one index in the daemon: runs its full cycles, polls, refreshes and commands."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

import structlog

from connector.daemon.ledger_writes import LedgerWrites
from connector.daemon.retry import Retry, seconds_until
from connector.domain import timestamps
from connector.domain.errors import LedgerUnavailable, SinkMismatch
from connector.domain.events import ChangeFinished, ChangesPlanned, JobReported
from connector.domain.index_settings import IndexSettings, settings_digest
from connector.domain.ledger_model import IndexState
from connector.domain.masking import masked
from connector.domain.report import FULL_CYCLES, WRITTEN, CycleKind, CycleReport
from connector.engine.cycle import Engine
from connector.engine.passes import Pass
from connector.engine.reports import save_report
from connector.engine.survey import CycleOptions
from connector.engine.throughput import Throughput
from connector.ports import CheckpointStore

_SHOWN = (
    CycleKind.SYNC,
    CycleKind.FULL,
    CycleKind.RESUMED,
    CycleKind.RETRY,
    CycleKind.REFRESH,
    CycleKind.POLL,
    CycleKind.UNFINISHED,
    CycleKind.WEBHOOK,
)

_CHECKS = frozenset({CycleKind.SYNC, CycleKind.FULL, CycleKind.POLL})

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class IndexLive:
    """The state of a running loop that `status` shows."""

    doing: str = "starting"
    planned: int = 0
    done: int = 0
    failures_in_a_row: int = 0
    lag_sec: float | None = None
    error: Mapping[str, str] | None = None
    checked_at: str | None = None
    """When this process last listed the index, or what changed in it, and carried everything out."""


class IndexLoop:
    """`poke_*` may be called at any time; pokes before the work starts coalesce.

    Polls and refreshes go on while a full cycle lists the index or waits for its changes. `period` is in seconds,
    between full cycles.
    """

    def __init__(
        self,
        settings: IndexSettings,
        engine: Engine,
        ledger: CheckpointStore,
        writes: LedgerWrites,
        period: float,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.settings, self.live = settings, IndexLive()
        self._engine, self._ledger, self._writes = engine, ledger, writes
        self.period, self._wall = period, wall
        self._scheduled = CycleOptions(respect_backoff=True, refresh_period=period, kind=CycleKind.FULL)
        self._full_wanted, self._poll_wanted, self._refresh_wanted = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._retry_wanted, self._to_retry = asyncio.Event(), set[str]()
        self._ready_wanted, self._ready = asyncio.Event(), set[str]()
        self.throughput = Throughput(ledger, settings.index_id, wall)
        self._list_again = False
        self._running: Counter[CycleKind] = Counter()
        self._kinds: dict[str, CycleKind] = {}
        self._full, self._polling = Retry(self._full_wanted.set), Retry(self.poke_poll)
        self._unfinished = Retry(self.poke_poll)
        self._next_listing: asyncio.TimerHandle | None = None
        self.task: asyncio.Task[None] | None = None

    def poke_full(self) -> None:
        self._list_again = True
        self._full_wanted.set()

    def poke_poll(self) -> None:
        self._poll_wanted.set()

    def poke_refresh(self) -> None:
        self._refresh_wanted.set()

    def poke_retry(self, indexed_asset_ids: Collection[str]) -> None:
        """Try these assets at once."""
        self._to_retry.update(indexed_asset_ids)
        self._retry_wanted.set()

    def poke_ready(self, indexed_asset_id: str) -> None:
        """The source says that this asset is ready."""
        self._ready.add(indexed_asset_id)
        self._ready_wanted.set()

    def in_hand(self) -> list[str]:
        """Ids of the assets that are being worked on."""
        return self._engine.queue.assets_in_hand(self.settings.index_id)

    def next_poll_in(self) -> float | None:
        """Seconds until the loop polls again after an error; None if only the schedule decides."""
        return _first([self._polling.due_in(), self._unfinished.due_in()])

    def next_full_in(self) -> float | None:
        """Seconds until it makes a full cycle by itself; None if only the schedule decides."""
        return _first([self._full.due_in(), seconds_until(self._next_listing)])

    async def carry_out(self, it: Pass) -> CycleReport:
        """Run this pass beside those of the loop; return its report."""
        return await self._run(it)

    def observe(self, event: ChangesPlanned | ChangeFinished | JobReported) -> None:
        if isinstance(event, ChangesPlanned):
            self.live.planned += event.count
        else:
            self.live.done += 1
            self.throughput.count(event.result)
            kind = self._kinds.get(event.cycle_id or "")
            if kind and event.result.outcome in WRITTEN:
                self._retry_of(kind).got_on()
                self._show_failures()

    async def run(self) -> None:
        """Run until cancelled. Starts with the work left over from an earlier process, or with a full cycle."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._full_cycles())
            group.create_task(self._polls(group))
            group.create_task(self._refreshes())
            group.create_task(self._retries(group))
            group.create_task(self._ready_assets(group))

    async def _full_cycles(self) -> None:
        """One at a time. After an error, go on with what is left; list again when the next listing is due."""
        it = await self._first()
        while True:
            report = await self._run(it)
            await self._full_wanted.wait()
            self._full_wanted.clear()
            if self._list_again or report.error is None or it.survey is None:
                it = self._engine.full_cycle(self.settings, self._scheduled)
            self._list_again = False

    async def _first(self) -> Pass:
        """An earlier process may have listed the index completely, and have left changes in the ledger."""
        state, now = await self._state(), self._wall()
        if state is None or state.listed_at is None or state.listed_with != settings_digest(self.settings):
            return self._engine.full_cycle(self.settings, self._scheduled)
        due_in = state.listed_at + self.period - now
        if not 0 < due_in <= self.period or not await self._has_planned():
            return self._engine.full_cycle(self.settings, self._scheduled)
        self._next_listing = asyncio.get_running_loop().call_later(due_in, self.poke_full)
        return self._engine.left_over(self.settings)

    async def _has_planned(self) -> bool:
        try:
            return bool(await self._ledger.planned(self.settings.index_id))
        except LedgerUnavailable:
            return False

    async def _state(self) -> IndexState | None:
        """None if the ledger has none, or cannot say: the pass reports that."""
        try:
            return await self._ledger.state(self.settings.index_id)
        except LedgerUnavailable:
            return None

    async def _polls(self, group: asyncio.TaskGroup) -> None:
        """Start the next poll when the changes of the last one are in the queue, not when they are done."""
        while True:
            await self._poll_wanted.wait()
            self._poll_wanted.clear()
            if await self._is_known():
                it = self._engine.poll_pass(self.settings)
                group.create_task(self._run(it))
                await it.fed.wait()
                if it.survey:
                    rest = self._engine.unfinished_pass(self.settings, it.survey.snapshot.assets)
                    group.create_task(self._run(rest))
                    await rest.fed.wait()
            elif not self._running[CycleKind.FULL]:
                self.poke_full()

    async def _refreshes(self) -> None:
        while True:
            await self._refresh_wanted.wait()
            self._refresh_wanted.clear()
            if await self._is_known():
                await self._run(self._engine.refresh_pass(self.settings, self.settings.refresh_period))

    async def _retries(self, group: asyncio.TaskGroup) -> None:
        """Start the next retry when the changes of the last one are in the queue, not when they are done."""
        while True:
            await self._retry_wanted.wait()
            self._retry_wanted.clear()
            names, self._to_retry = self._to_retry, set()
            if await self._is_known():
                it = self._engine.retry(self.settings, names)
                group.create_task(self._run(it))
                await it.fed.wait()

    async def _ready_assets(self, group: asyncio.TaskGroup) -> None:
        """Then a poll: it finds what else changed, and what the source did not name rightly."""
        while True:
            await self._ready_wanted.wait()
            self._ready_wanted.clear()
            names, self._ready = self._ready, set()
            if await self._is_known():
                it = self._engine.ready(self.settings, sorted(names))
                group.create_task(self._run(it))
                await it.fed.wait()
            self.poke_poll()

    async def _is_known(self) -> bool:
        """True if a full cycle has listed the index before."""
        state = await self._state()
        return state is not None and state.index_name is not None

    async def _run(self, it: Pass) -> CycleReport:
        if not self._running.total():
            self.live.planned = self.live.done = 0
        self._running[it.kind] += 1
        self._kinds[it.cycle_id] = it.kind
        self._show()
        done_before = len(it.results)
        try:
            report = await self._engine.run(it)
        except Exception as error:
            # A bug in one index must not stop the others.
            log.exception("cycle.crashed", index_id=self.settings.index_id, cycle_id=it.cycle_id)
            message = masked(f"{type(error).__name__}: {error}")
            report = CycleReport(self.settings.index_id, error={"code": "internal_error", "message": message})
        finally:
            it.fed.set()
            del self._kinds[it.cycle_id]
            self._running[it.kind] -= 1
            self._show()
        await self._finish(it.kind, report, got_on=len(it.results) > done_before)
        return report

    def _show(self) -> None:
        running = [what for what in _SHOWN if self._running[what]]
        self.live.doing = running[0] if running else "waiting"

    async def _finish(self, kind: CycleKind, report: CycleReport, *, got_on: bool) -> None:
        """Save the report; after an error, retry before the next scheduled run."""
        retry = self._retry_of(kind)
        if report.error:
            retry.failed(report.error, got_on=got_on)
        else:
            retry.succeeded()
            if kind in _CHECKS and not report.interrupted:
                self.live.checked_at = timestamps.text(self._wall())
        self._show_failures()
        if report.error and report.error["code"] == SinkMismatch.code:
            # What the ledger says of the points may be wrong, so compare both before going on.
            self._list_again = True
            if kind not in FULL_CYCLES:
                self._full_wanted.set()
        if report.lag_sec is not None:
            self.live.lag_sec = report.lag_sec
        if kind in FULL_CYCLES:
            saving = save_report(self._ledger, report, kind, self._wall())
            await self._writes.attempt("reports of cycles", saving)

    def _show_failures(self) -> None:
        retries = self._full, self._polling, self._unfinished
        self.live.error = next((it.error for it in retries if it.error), None)
        self.live.failures_in_a_row = next((it.failures for it in retries if it.failures), 0)

    def _retry_of(self, kind: CycleKind) -> Retry:
        """Work of one kind does not hide that other work fails."""
        if kind in FULL_CYCLES:
            return self._full
        return self._unfinished if kind is CycleKind.UNFINISHED else self._polling


def _first(dues: Iterable[float | None]) -> float | None:
    return min((due for due in dues if due is not None), default=None)
