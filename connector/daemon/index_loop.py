"""The loop of one index in the daemon: runs its polls, refreshes, full cycles and commands one at a time."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass

import structlog

from connector.domain.backoff import exponential_backoff
from connector.domain.errors import LedgerUnavailable
from connector.domain.index_settings import IndexSettings
from connector.domain.masking import masked
from connector.domain.report import CycleReport
from connector.engine.cycle import Engine, Progress
from connector.engine.survey import CycleOptions
from connector.ports import CheckpointStore

FIRST_RETRY_SEC, LONGEST_RETRY_SEC = 1.0, 60.0

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


@dataclass(slots=True)
class _Asked:
    """A requested full cycle; the requester awaits `report`."""

    options: CycleOptions
    report: "asyncio.Future[CycleReport]"


class Retry:
    """Exponential back-off; at most one timer pending."""

    def __init__(self, poke: Callable[[], None]) -> None:
        self._poke = poke
        self._timer: asyncio.TimerHandle | None = None
        self.failures = 0
        self.error: Mapping[str, str] | None = None

    @property
    def waiting(self) -> bool:
        return self._timer is not None and not self._timer.cancelled()

    def failed(self, error: Mapping[str, str]) -> None:
        self._cancel()
        self.failures, self.error = self.failures + 1, error
        wait = exponential_backoff(self.failures, FIRST_RETRY_SEC, LONGEST_RETRY_SEC)
        self._timer = asyncio.get_running_loop().call_later(wait, self._poke)

    def succeeded(self) -> None:
        self._cancel()
        self.failures, self.error = 0, None

    def _cancel(self) -> None:
        if self._timer:
            self._timer.cancel()


class IndexLoop:
    """`poke_*` may be called at any time; pokes before the work starts coalesce.

    `period` is in seconds, between full cycles. While the lock `busy` is held, no poll, refresh or cycle runs.
    """

    def __init__(self, settings: IndexSettings, engine: Engine, ledger: CheckpointStore, period: float) -> None:
        self.settings, self.live = settings, IndexLive()
        self._engine, self._ledger = engine, ledger
        self._scheduled = CycleOptions(respect_backoff=True, refresh_period=period)
        self._surveyed = False
        self._refresh_period = settings.refresh_period
        self._wake = asyncio.Event()
        self._full_wanted = self._poll_wanted = self._refresh_wanted = False
        self._asked: deque[_Asked] = deque()
        self._full, self._polling = Retry(self.poke_full), Retry(self.poke_poll)
        self.busy = asyncio.Lock()
        self.task: asyncio.Task[None] | None = None

    def poke_full(self) -> None:
        self._full_wanted = True
        self._wake.set()

    def poke_poll(self) -> None:
        self._poll_wanted = True
        self._wake.set()

    def poke_refresh(self) -> None:
        self._refresh_wanted = True
        self._wake.set()

    async def full_cycle(self, options: CycleOptions) -> CycleReport:
        """Run a full cycle with these options, as `sync` does; return its report."""
        asked = _Asked(options, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        self._wake.set()
        return await asked.report

    def survey_again(self) -> None:
        """Run a full cycle before the next poll or refresh, because the ledger has no state of the index any more."""
        self._surveyed = False

    def observe(self, step: Progress) -> None:
        if step.result is None:
            self.live.planned, self.live.done = step.planned, 0
        else:
            self.live.done += 1

    async def run(self) -> None:
        """Run until cancelled. Starts with a full cycle, which catches up on everything missed."""
        self.poke_full()
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._asked:
                asked = self._asked.popleft()
                report = await self._full_cycle("sync", asked.options)
                if not asked.report.done():
                    asked.report.set_result(report)
            elif self._full_wanted or (self._poll_wanted and not self._surveyed):
                self._full_wanted = self._poll_wanted = False
                await self._full_cycle("full cycle", self._scheduled)
            elif self._poll_wanted:
                self._poll_wanted = False
                await self._finish("poll", await self._doing("poll", self._engine.poll(self.settings)))
            elif self._refresh_due:
                self._refresh_wanted = False
                refresh = self._engine.refresh(self.settings, self._refresh_period)
                await self._finish("refresh", await self._doing("refresh", refresh))
            if self._asked or self._full_wanted or self._poll_wanted or self._refresh_due:
                self._wake.set()

    @property
    def _refresh_due(self) -> bool:
        """True if a refresh is wanted and possible; it needs an earlier cycle."""
        return self._refresh_wanted and self._surveyed

    async def _full_cycle(self, what: str, options: CycleOptions) -> CycleReport:
        report = await self._doing(what, self._engine.cycle(self.settings, options))
        self._surveyed = self._surveyed or report.error is None
        await self._finish(what, report)
        return report

    async def _doing(self, what: str, work: Awaitable[CycleReport]) -> CycleReport:
        self.live.doing, self.live.planned, self.live.done = what, 0, 0
        try:
            async with self.busy:
                return await work
        except Exception as error:
            # A bug in one index must not stop the others.
            log.exception("cycle.crashed", index_id=self.settings.index_id)
            message = masked(f"{type(error).__name__}: {error}")
            return CycleReport(self.settings.index_id, error={"code": "internal_error", "message": message})
        finally:
            self.live.doing = "waiting"

    async def _finish(self, what: str, report: CycleReport) -> None:
        """Log and save the report; after an error, retry before the next scheduled run."""
        counts = {key: value for key, value in asdict(report).items() if isinstance(value, int) and value}
        retry = self._polling if what in {"poll", "refresh"} else self._full
        if report.error:
            log.error("cycle.failed", what=what, index_id=report.index_id, **report.error)
            retry.failed(report.error)
        else:
            retry.succeeded()
            if what != "poll" or report.upserted or report.problems:
                log.info("cycle.finished", what=what, index_id=report.index_id, seconds=report.duration_sec, **counts)
        self.live.error = self._full.error or self._polling.error
        self.live.failures_in_a_row = self._full.failures or self._polling.failures
        if report.lag_sec is not None:
            self.live.lag_sec = report.lag_sec
        if what not in {"poll", "refresh"}:
            await self._save(report)

    async def _save(self, report: CycleReport) -> None:
        try:
            await self._ledger.save_report(report.index_id, asdict(report))
        except LedgerUnavailable as error:
            log.warning("ledger.write_failed", reason=str(error))
