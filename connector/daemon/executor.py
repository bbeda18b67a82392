"""Executes queued commands in the daemon, one at a time, and reports their progress."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import structlog

from connector import __version__
from connector.app import App
from connector.daemon.index_loop import IndexLoop
from connector.daemon.index_loops import IndexLoops
from connector.domain.errors import ConfigError, ConnectorError, LedgerUnavailable
from connector.domain.masking import masked
from connector.engine import maintenance
from connector.engine.discovery import ALL_INDEXES
from connector.engine.survey import CycleOptions
from connector.ledger.command_queue import Command, CommandQueue, CommandState
from connector.telemetry.repeats import Repeats

_LOOK_SEC, _REPORT_SEC = 0.3, 0.5

log = structlog.get_logger(__name__)


class Executor:
    def __init__(
        self,
        app: App,
        book: CommandQueue,
        loops: IndexLoops,
    ) -> None:
        self._app, self._book, self._loops, self._troubles = app, book, loops, Repeats()
        self._kinds: dict[str, Callable[[Command], Awaitable[dict[str, Any]]]] = {
            "sync": self._sync,
            "quarantine retry": self._retry,
            "quarantine drop": self._drop,
            "forget": self._forget,
        }

    async def run(self) -> None:
        while True:
            try:
                order = await self._book.take()
            except ConnectorError as error:
                self._tell_trouble(error)
                order = None
            if order:
                await self._finish(order, *await self._carry_out(order))
            else:
                await asyncio.sleep(_LOOK_SEC)

    async def _carry_out(self, order: Command) -> tuple[CommandState, dict[str, Any]]:
        log.info("command.taken", command=order.kind, arguments=dict(order.arguments))
        if order.kind not in self._kinds:
            cause = f"the daemon (release {__version__}) does not support this command"
            error = ConfigError(
                "execute command", order.kind, cause, "Restart the daemon with the release that the command came from"
            )
            return CommandState.REFUSED, {"code": error.code, "message": str(error)}
        try:
            return CommandState.DONE, await self._kinds[order.kind](order)
        except ConnectorError as error:
            return CommandState.REFUSED, {"code": error.code, "message": str(error)}
        except Exception as error:
            # A bug in one command must not stop the daemon.
            log.exception("command.crashed", command=order.kind)
            return CommandState.REFUSED, {
                "code": "internal_error",
                "message": masked(f"{type(error).__name__}: {error}"),
            }

    async def _finish(self, order: Command, state: CommandState, result: Mapping[str, Any]) -> None:
        """Retry until the ledger stores the result, because a process waits for it."""
        while True:
            try:
                return await self._book.finish(order.order_id, state, result)
            except ConnectorError as error:
                self._tell_trouble(error)
                await asyncio.sleep(_REPORT_SEC)

    def _tell_trouble(self, error: ConnectorError) -> None:
        """Limit how often this is logged: while the ledger is unavailable, it happens several times a second."""
        left_out = self._troubles.admit(str(error))
        if left_out is not None:
            log.warning("command_queue.failed", reason=str(error), left_out=left_out)

    async def _sync(self, order: Command) -> dict[str, Any]:
        loops = [self._loops.keep(index) for index in await self._app.indexes(order.arguments["indexes"])]
        async with asyncio.TaskGroup() as group:
            options = CycleOptions(
                allow_deletes=order.arguments["allow_deletes"], take_over=bool(order.arguments.get("take_over"))
            )
            cycles = [group.create_task(loop.full_cycle(options)) for loop in loops]
            while any(not cycle.done() for cycle in cycles):
                await self._progress(order, loops)
                await asyncio.wait(cycles, timeout=_REPORT_SEC)
        return {"reports": [asdict(cycle.result()) for cycle in cycles]}

    async def _progress(self, order: Command, loops: Sequence[IndexLoop]) -> None:
        """Store the progress; ignore an unavailable ledger, which must not delay the work."""
        done = {loop.settings.index_id: [loop.live.done, loop.live.planned] for loop in loops}
        with suppress(LedgerUnavailable):
            await self._book.progress(order.order_id, done)

    async def _retry(self, order: Command) -> dict[str, Any]:
        index_id = order.arguments["index_id"]
        names = await maintenance.retry(self._app.ledger, index_id, order.arguments["assets"])
        loop = self._loops.get(index_id)
        if loop:
            loop.poke_full()
        return {"assets": names}

    async def _drop(self, order: Command) -> dict[str, Any]:
        index_id, assets = order.arguments["index_id"], order.arguments["assets"]
        async with self._quiet(index_id):
            of_index = self._app.settings.of_index(index_id)
            return {"assets": await maintenance.drop(self._app.sink, self._app.ledger, of_index, assets)}

    async def _forget(self, order: Command) -> dict[str, Any]:
        """With `*` also end the index's loop; if the account still has the index, discovery starts it again."""
        index_id = order.arguments["index_id"]
        async with self._quiet(index_id):
            loop = self._loops.get(index_id)
            if loop:
                loop.survey_again()
            of_index = self._app.settings.of_index(index_id)
            result = await maintenance.forget(self._app.sink, self._app.ledger, of_index, time.time())
            if self._app.settings.connector_indexes == ALL_INDEXES:
                self._loops.drop(index_id)
        return dict(result)

    def _quiet(self, index_id: str) -> asyncio.Lock:
        """A lock; while it is held, no cycle of the index runs."""
        loop = self._loops.get(index_id)
        return loop.busy if loop else asyncio.Lock()
