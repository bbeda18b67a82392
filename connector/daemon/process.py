"""`connector run`: keeps indexes current until a signal; then finishes the assets in progress and starts no more."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import structlog

from connector import __version__
from connector.app import App, open_app
from connector.daemon.alias_watch import AliasWatch
from connector.daemon.asset_lookup import AssetLookup
from connector.daemon.collection_watch import CollectionWatch
from connector.daemon.executor import Executor
from connector.daemon.index_loops import IndexLoops
from connector.daemon.ledger_writes import LedgerWrites
from connector.daemon.readiness import Readiness
from connector.daemon.ready_tasks import ReadyTasks
from connector.daemon.replica_life import ReplicaLife, ledger_ends
from connector.daemon.retry import FIRST_RETRY_SEC, LONGEST_RETRY_SEC
from connector.daemon.schedule import Schedule
from connector.daemon.scrape import Scraper
from connector.daemon.stop_signals import RestartChanges, stop_signals
from connector.daemon.text_searches import TextSearches
from connector.domain import timestamps
from connector.domain.backoff import exponential_backoff
from connector.domain.errors import ConnectorError
from connector.domain.events import EventLoopLate
from connector.domain.page import Page
from connector.domain.standby import RUNNING
from connector.engine.discovery import ALL_INDEXES
from connector.ledger.command_queue import CommandQueue
from connector.ledger.database import LAST_WRITE_SEC
from connector.ledger.heartbeat import Heartbeat
from connector.ledger.index_states import index_states
from connector.settings.agreement import digest_of_all, endpoints_of
from connector.settings.connector_settings import Settings
from connector.telemetry.bottleneck import Bottleneck
from connector.telemetry.last_cycles import LastCycles
from connector.telemetry.metrics import Metrics
from connector.telemetry.observers import Observers
from connector.web.access import Guard
from connector.web.health import web_app
from connector.web.listener import listening
from connector.web.metrics_route import metrics_route
from connector.web.pages.moment_routes import moment_routes
from connector.web.pages.moment_site import MomentSite
from connector.web.pages.page_routes import page_routes
from connector.web.pages.status_site import StatusSite
from connector.web.webhooks import PATH, Webhooks

TAKEOVER_SEC = 60.0
BEAT_SEC = 1.0
LATE_SEC = 0.1
_SHOWN_AGAIN_SEC = 10.0
_NOT_URGENT = {"limited_by"}

log = structlog.get_logger(__name__)


async def run_daemon(
    settings: Settings, wall: Callable[[], float] = time.time, restart_changes: RestartChanges = dict
) -> None:
    """Run until a signal, drain, return. Raises LedgerUnavailable if another process owns the ledger, or took it over.

    `wall` is the wall clock, in seconds since the epoch; it may jump back or forward. `restart_changes` says
    on SIGHUP which settings a restart would change.
    """
    schedule, stopping = Schedule(wall=wall), asyncio.Event()
    loops, watch = IndexLoops(settings, schedule), Watch(Bottleneck(), Metrics(), LastCycles(wall))
    observe = Observers(loops.observe, watch.bottleneck, watch.metrics, watch.last_cycles)

    with stop_signals(stopping, restart_changes) as waiting:
        try:
            async with AsyncExitStack() as stack:
                opened = open_app(settings, "run", shared=True, observe=observe, takeover_sec=TAKEOVER_SEC, wall=wall)
                app = await stack.enter_async_context(opened)
                life, queue, heartbeat = await ledger_ends(stack, app, loops, wall)
                waiting.clear()
                await Daemon(app, queue, heartbeat, schedule, loops, watch, stopping, wall, life).run()
                if life and life.refusal:
                    raise life.refusal
        except asyncio.CancelledError:
            if not waiting:
                raise


@dataclass(frozen=True, slots=True)
class Watch:
    """The observers from which the daemon answers questions about itself."""

    bottleneck: Bottleneck
    metrics: Metrics
    last_cycles: LastCycles


class Daemon:
    """Keeps a loop for every index that it finds; stops when `stopping` is set."""

    def __init__(
        self,
        app: App,
        queue: CommandQueue,
        heartbeat: Heartbeat,
        schedule: Schedule,
        loops: IndexLoops,
        watch: Watch,
        stopping: asyncio.Event,
        wall: Callable[[], float],
        life: ReplicaLife | None = None,
    ) -> None:
        """`life` is that of a replica, which shares the ledger with others."""
        self._life = life
        self._app, self._settings, self._loops = app, app.settings, loops
        self._queue, self._heartbeat, self._watch = queue, heartbeat, watch
        self._wall, self._schedule = wall, schedule
        self._stopping, self._ready_tasks = stopping, ReadyTasks(app.source, loops, life.tell if life else None)
        self._writes, self._indexes_known = LedgerWrites(app.observe), False
        self._started_at, self._beat_at = wall(), time.monotonic()
        self._works_with = {**endpoints_of(app.settings).shown, "settings": digest_of_all(app.settings)}
        probes: dict[str, Callable[[], Awaitable[object]]] = {
            "source": app.source.ping,
            "sink": app.sink.version,
            "ledger": self._show_live,
        }
        self._readiness = Readiness(probes, time.monotonic)
        self._scraper = Scraper(
            watch.metrics,
            watch.last_cycles,
            loops,
            app.ledger,
            app.settings,
            self._reasons,
            self._moment,
            wall,
            life.facts if life else None,
        )

    async def run(self) -> None:
        """Listen, work until a signal, drain. HTTP stops last, so that it can report the drain."""
        await self._queue.abandon_all()
        await self._scraper.remember()
        async with AsyncExitStack() as stack:
            await self._listen(stack)
            async with asyncio.TaskGroup() as group:
                self._loops.open(group, self._app.engine, self._app.ledger, self._writes)
                executor = Executor(self._app, self._queue, self._loops, self._writes, self._life)
                collections = CollectionWatch(self._app.sink, self._app.ledger, self._loops.all)
                lives = [
                    self._heart(),
                    self._ready_tasks.run(),
                    self._find_indexes(),
                    executor.run(),
                    collections.run(),
                    *([self._life.run(), self._life.stop_if_refused(self._stopping)] if self._life else []),
                    AliasWatch(self._app.sink, self._settings).run(),
                ]
                tasks = [group.create_task(life) for life in (*lives, self._schedule.run())]
                await self._stopping.wait()
                await self._drain()
                await self._save_last_minutes()
                for task in (*tasks, *(loop.task for loop in self._loops.all() if loop.task)):
                    task.cancel()
        log.info("daemon.stopped")

    async def _drain(self) -> None:
        """Finish the assets in progress within the drain timeout; the others stay opened and will be retried."""
        workers = self._app.engine.workers
        seconds = self._settings.connector_drain_timeout
        log.info("daemon.drain_started", in_hand=self._in_hand(), seconds=seconds)
        self._schedule.stop()
        workers.stop()
        if self._life:
            await self._save_last_minutes()
            await self._life.drain(seconds)
            return
        try:
            async with asyncio.timeout(seconds):
                await workers.idle()
        except TimeoutError:
            log.warning("daemon.drain_timed_out", in_hand=workers.in_hand)

    async def _listen(self, stack: AsyncExitStack) -> None:
        """Start the listeners. Webhooks face the internet, so they have their own listener, off without a secret."""
        settings, secret = self._settings, self._settings.connector_webhook_secret
        host, port, token = settings.connector_http_host, settings.connector_http_port, settings.connector_http_token
        site = StatusSite(self._app.ledger, self._wall, self._shown, self._reasons, settings.of_index, self._stopping)
        routes = [metrics_route(self._scraper), *moment_routes(self._moments()), *page_routes(site)]
        shown = web_app(self._heartbeat_age, self._reasons, self._status, routes)
        web = Guard(shown, host, token.get_secret_value() if token else None)
        port = await stack.enter_async_context(listening(web, host, port, setting="CONNECTOR_HTTP_PORT"))
        log.info("listener.started", url=f"http://{host}:{port}", version=__version__)
        if secret:
            webhooks = Webhooks(secret.get_secret_value(), self._wall, self._ready_tasks.add)
            host, port = settings.connector_webhook_host, settings.connector_webhook_port
            port = await stack.enter_async_context(
                listening(webhooks.app, host, port, setting="CONNECTOR_WEBHOOK_PORT")
            )
            log.info("webhook_listener.started", url=f"http://{host}:{port}{PATH}")

    def _moments(self) -> MomentSite:
        lookup, searches = AssetLookup(self._app), TextSearches(self._app)
        return MomentSite(self._wall, lookup.find, searches.find, searches.names)

    async def _heart(self) -> None:
        shown: tuple[float, object] = (0.0, None)
        saved_at = time.monotonic()
        while True:
            self._beat_at = time.monotonic()
            live = self._live()
            changing = {name: it for name, it in live.items() if name not in _NOT_URGENT}
            if changing != shown[1] or self._beat_at - shown[0] > _SHOWN_AGAIN_SEC:
                shown = (self._beat_at, changing)
                await self._writes.attempt("state of the daemon", self._show_live())
            if self._life:
                await self._life.look(self._heartbeat)
            if self._beat_at - saved_at >= _SHOWN_AGAIN_SEC:
                saved_at = self._beat_at
                await self._save_minutes()
            await self._rest()

    async def _rest(self) -> None:
        """Sleep until the next beat, and tell if that took longer."""
        began_at = time.monotonic()
        await asyncio.sleep(BEAT_SEC)
        late = time.monotonic() - began_at - BEAT_SEC
        if late >= LATE_SEC:
            self._app.observe(EventLoopLate(late))

    async def _save_minutes(self) -> None:
        async def save() -> None:
            for loop in self._loops.all():
                await loop.throughput.save()

        await self._writes.attempt("throughput", save())

    async def _save_last_minutes(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WRITE_SEC):
                await self._save_minutes()

    async def _find_indexes(self) -> None:
        """Start the named indexes; with `*`, look for indexes of the account at every reconcile interval."""
        failures, told = 0, ""
        while True:
            try:
                indexes = await self._app.indexes()
                if self._life:
                    self._life.want(indexes)
                for index in indexes if self._life is None else ():
                    self._loops.keep(index)
                self._indexes_known = True
                if told:
                    log.warning("index_discovery.recovered")
                if self._settings.connector_indexes != ALL_INDEXES:
                    return
                failures, told, wait = 0, "", self._settings.connector_reconcile_interval
            except ConnectorError as error:
                if error.code != told:
                    log.warning("index_discovery.failed", reason=str(error), code=error.code)
                failures, told = failures + 1, error.code
                wait = exponential_backoff(failures, FIRST_RETRY_SEC, LONGEST_RETRY_SEC)
            await asyncio.sleep(wait)

    def _heartbeat_age(self) -> float:
        return time.monotonic() - self._beat_at

    async def _reasons(self, ages: Mapping[str, float] = MappingProxyType({})) -> dict[str, str]:
        stopping = "it is shutting down" if self._stopping.is_set() else None
        own = {"schedule": self._schedule.late(), "daemon": stopping}
        return {**await self._readiness.reasons(ages), **{name: reason for name, reason in own.items() if reason}}

    async def _status(self, page: Page) -> dict[str, Any]:
        live, now = self._shown(), self._wall()
        settings = self._settings
        attempts, grace = settings.connector_max_attempts, settings.connector_delete_grace
        indexes = await index_states(self._app.ledger, attempts, now, live["indexes"], grace=grace, page=page)
        return {"ledger": str(settings.ledger), "daemon": live, "indexes": indexes}

    def _limited_by(self) -> str | None:
        engine = self._app.engine
        return self._watch.bottleneck.limit() if engine.workers.in_hand or engine.queue.ready() else None

    def _moment(self) -> tuple[float, int, str | None]:
        return self._heartbeat_age(), self._in_hand(), self._limited_by()

    def _in_hand(self) -> int:
        return self._life.in_hand if self._life else self._app.engine.workers.in_hand

    def _live(self) -> dict[str, Any]:
        return {
            "version": __version__,
            "pid": os.getpid(),
            "started_at": timestamps.text(self._started_at),
            "limited_by": self._limited_by(),
            "state": RUNNING,
            "indexes_known": self._indexes_known,
            "indexes": self._loops.states(self._wall()),
            **self._works_with,
            **(self._life.says() if self._life else {}),
            **({"state": "draining"} if self._stopping.is_set() else {}),
        }

    def _shown(self) -> dict[str, Any]:
        """What this process says of itself, and of the indexes that other replicas work on."""
        return self._life.joined(self._live()) if self._life else self._live()

    async def _show_live(self) -> None:
        await self._heartbeat.write(self._live())
