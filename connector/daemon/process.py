"""`connector run`: keeps indexes current until a signal; then finishes the assets in progress and starts no more."""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import structlog

from connector import __version__
from connector.app import App, open_app
from connector.daemon.executor import Executor
from connector.daemon.index_loops import IndexLoops
from connector.daemon.ledger_writes import LedgerWrites
from connector.daemon.readiness import Readiness
from connector.daemon.ready_tasks import ReadyTasks
from connector.daemon.retry import FIRST_RETRY_SEC, LONGEST_RETRY_SEC
from connector.daemon.schedule import Schedule
from connector.daemon.stop_signals import stop_signals
from connector.domain import timestamps
from connector.domain.backoff import exponential_backoff
from connector.domain.errors import ConnectorError
from connector.engine.discovery import ALL_INDEXES
from connector.ledger.command_queue import CommandQueue
from connector.ledger.heartbeat import Heartbeat
from connector.ledger.index_states import index_states
from connector.settings.connector_settings import Settings
from connector.telemetry.bottleneck import Bottleneck
from connector.telemetry.observers import Observers
from connector.web.health import web_app
from connector.web.listener import listening
from connector.web.webhooks import PATH, Webhooks

TAKEOVER_SEC = 60.0
BEAT_SEC = 1.0
_SHOWN_AGAIN_SEC = 10.0

log = structlog.get_logger(__name__)


async def run_daemon(settings: Settings, wall: Callable[[], float] = time.time) -> None:
    """Run until a signal, drain, return. Raises LedgerUnavailable if another process owns the ledger.

    `wall` is the wall clock, in seconds since the epoch; it may jump back or forward at any time.
    """
    schedule, stopping = Schedule(wall=wall), asyncio.Event()
    loops, bottleneck = IndexLoops(settings, schedule), Bottleneck()
    observe = Observers(loops.observe, bottleneck)

    with stop_signals(stopping) as waiting:
        try:
            async with AsyncExitStack() as stack:
                opened = open_app(settings, "run", observe=observe, takeover_sec=TAKEOVER_SEC, wall=wall)
                app = await stack.enter_async_context(opened)
                queue = await stack.enter_async_context(CommandQueue(settings.ledger_path))
                heartbeat = await stack.enter_async_context(Heartbeat(settings.ledger_path))
                waiting.clear()
                await Daemon(app, queue, heartbeat, schedule, loops, bottleneck, stopping, wall).run()
        except asyncio.CancelledError:
            if not waiting:
                raise


class Daemon:
    """Keeps a loop for every index that it finds; stops when `stopping` is set."""

    def __init__(
        self,
        app: App,
        queue: CommandQueue,
        heartbeat: Heartbeat,
        schedule: Schedule,
        loops: IndexLoops,
        bottleneck: Bottleneck,
        stopping: asyncio.Event,
        wall: Callable[[], float],
    ) -> None:
        self._app, self._settings, self._loops = app, app.settings, loops
        self._queue, self._heartbeat, self._bottleneck = queue, heartbeat, bottleneck
        self._wall, self._schedule = wall, schedule
        self._stopping, self._ready_tasks = stopping, ReadyTasks(app.source, loops)
        self._writes = LedgerWrites(app.observe)
        self._started_at, self._beat_at = wall(), time.monotonic()
        probes = {"source": app.source.ping, "sink": app.sink.version, "ledger": self._show_live}
        self._readiness = Readiness(probes, time.monotonic)

    async def run(self) -> None:
        """Listen, work until a signal, drain. HTTP stops last, so that it can report the drain."""
        await self._queue.abandon_all()
        async with AsyncExitStack() as stack:
            await self._listen(stack)
            async with asyncio.TaskGroup() as group:
                self._loops.open(group, self._app.engine, self._app.ledger, self._writes)
                executor = Executor(self._app, self._queue, self._loops, self._writes)
                lives = [self._heart(), self._ready_tasks.run(), self._find_indexes(), executor.run()]
                tasks = [group.create_task(life) for life in (*lives, self._schedule.run())]
                await self._stopping.wait()
                await self._drain()
                await self._save_minutes()
                for task in (*tasks, *(loop.task for loop in self._loops.all() if loop.task)):
                    task.cancel()
        log.info("daemon.stopped")

    async def _drain(self) -> None:
        """Finish the assets in progress within the drain timeout; the others stay opened and will be retried."""
        workers = self._app.engine.workers
        log.info("daemon.drain_started", in_hand=workers.in_hand, seconds=self._settings.connector_drain_timeout)
        self._schedule.stop()
        workers.stop()
        try:
            async with asyncio.timeout(self._settings.connector_drain_timeout):
                await workers.idle()
        except TimeoutError:
            log.warning("daemon.drain_timed_out", in_hand=workers.in_hand)

    async def _listen(self, stack: AsyncExitStack) -> None:
        """Start the listeners. Webhooks face the internet, so they have their own listener, off without a secret."""
        settings, secret = self._settings, self._settings.connector_webhook_secret
        web = web_app(lambda: time.monotonic() - self._beat_at, self._reasons, self._status)
        host, port = settings.connector_http_host, settings.connector_http_port
        port = await stack.enter_async_context(listening(web, host, port, setting="CONNECTOR_HTTP_PORT"))
        log.info("listener.started", url=f"http://{host}:{port}", version=__version__)
        if secret:
            webhooks = Webhooks(secret.get_secret_value(), self._wall, self._ready_tasks.add)
            host, port = settings.connector_webhook_host, settings.connector_webhook_port
            port = await stack.enter_async_context(
                listening(webhooks.app, host, port, setting="CONNECTOR_WEBHOOK_PORT")
            )
            log.info("webhook_listener.started", url=f"http://{host}:{port}{PATH}")

    async def _heart(self) -> None:
        shown: tuple[float, object] = (0.0, None)
        saved_at = time.monotonic()
        while True:
            self._beat_at = time.monotonic()
            live = self._live()
            if live["indexes"] != shown[1] or self._beat_at - shown[0] > _SHOWN_AGAIN_SEC:
                shown = (self._beat_at, live["indexes"])
                await self._writes.attempt("state of the daemon", self._show_live())
            if self._beat_at - saved_at >= _SHOWN_AGAIN_SEC:
                saved_at = self._beat_at
                await self._save_minutes()
            await asyncio.sleep(BEAT_SEC)

    async def _save_minutes(self) -> None:
        async def save() -> None:
            for loop in self._loops.all():
                await loop.throughput.save()

        await self._writes.attempt("throughput", save())

    async def _find_indexes(self) -> None:
        """Start the named indexes; with `*`, look for indexes of the account at every reconcile interval."""
        failures, told = 0, ""
        while True:
            try:
                for index in await self._app.indexes():
                    self._loops.keep(index)
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

    async def _reasons(self) -> dict[str, str]:
        stopping = "it is shutting down" if self._stopping.is_set() else None
        own = {"schedule": self._schedule.late(), "daemon": stopping}
        return {**await self._readiness.reasons(), **{name: reason for name, reason in own.items() if reason}}

    async def _status(self) -> dict[str, Any]:
        live, now = self._live(), self._wall()
        indexes = await index_states(self._app.ledger, self._settings.connector_max_attempts, now, live["indexes"])
        return {"ledger": str(self._settings.ledger_path), "daemon": live, "indexes": indexes}

    def _live(self) -> dict[str, Any]:
        engine = self._app.engine
        return {
            "version": __version__,
            "pid": os.getpid(),
            "started_at": timestamps.text(self._started_at),
            "limited_by": self._bottleneck.limit() if engine.workers.in_hand or engine.queue.ready() else None,
            "state": "draining" if self._stopping.is_set() else "running",
            "indexes": self._loops.states(self._wall()),
        }

    async def _show_live(self) -> None:
        await self._heartbeat.write(self._live())
