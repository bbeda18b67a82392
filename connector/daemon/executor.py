"""Executes queued commands in the daemon, and reports their progress. A long one does not hold up the others."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import structlog

from connector import __version__
from connector.app import App
from connector.daemon.index_loops import IndexLoops
from connector.daemon.ledger_writes import LedgerWrites
from connector.daemon.replica_life import ReplicaLife
from connector.daemon.verify_command import joined, verify
from connector.domain.errors import ConfigError, ConnectorError, LedgerUnavailable
from connector.domain.index_settings import IndexSettings
from connector.domain.masking import masked
from connector.domain.priority import Priority
from connector.engine import maintenance
from connector.engine.discovery import ALL_INDEXES
from connector.engine.passes import Pass
from connector.engine.survey import CycleOptions
from connector.ledger.command_queue import Command, CommandQueue, CommandState

_POLL_SEC, _REPORT_SEC = 0.3, 0.5
_QUEUE = "commands"

log = structlog.get_logger(__name__)


class Executor:
    def __init__(
        self, app: App, queue: CommandQueue, loops: IndexLoops, writes: LedgerWrites, life: ReplicaLife | None = None
    ) -> None:
        """`life`: other replicas carry out commands, too."""
        self._app, self._queue, self._loops, self._writes = app, queue, loops, writes
        self._life, self._keep = life, life.keep if life else loops.keep
        self._kinds: dict[str, Callable[[Command], Awaitable[dict[str, Any]]]] = {
            "sync": self._sync,
            "verify": self._verify,
            "quarantine retry": self._retry,
            "quarantine drop": self._drop,
            "forget": self._forget,
            "ready": self._ready,
            "poll": self._poll,
        }

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                command = await self._writes.attempt(_QUEUE, self._queue.take())
                if command:
                    group.create_task(self._handle(command))
                else:
                    await asyncio.sleep(_POLL_SEC)

    async def _handle(self, command: Command) -> None:
        await self._store(command, *await self._execute(command))
        if self._life:
            await self._writes.attempt(_QUEUE, self._life.commands.ended(command))

    async def _execute(self, command: Command) -> tuple[CommandState, dict[str, Any]]:
        log.info("command.taken", command=command.kind, arguments=dict(command.arguments))
        if command.kind not in self._kinds:
            cause = f"the daemon (release {__version__}) does not support this command"
            error = ConfigError(
                "execute command", command.kind, cause, "Restart the daemon with the release that the command came from"
            )
            return CommandState.REFUSED, {"code": error.code, "message": str(error)}
        try:
            return CommandState.DONE, await self._kinds[command.kind](command)
        except ConnectorError as error:
            return CommandState.REFUSED, {"code": error.code, "message": str(error)}
        except Exception as error:
            # A bug in one command must not stop the daemon.
            log.exception("command.crashed", command=command.kind)
            return CommandState.REFUSED, {
                "code": "internal_error",
                "message": masked(f"{type(error).__name__}: {error}"),
            }

    async def _store(self, command: Command, state: CommandState, result: Mapping[str, Any]) -> None:
        """Retry until the ledger stores the result, because a process waits for it."""
        while True:
            if await self._writes.attempt(_QUEUE, self._finish(command, state, result)):
                return
            await asyncio.sleep(_REPORT_SEC)

    async def _finish(self, command: Command, state: CommandState, result: Mapping[str, Any]) -> bool:
        await self._queue.finish(command.command_id, state, result)
        return True

    async def _sync(self, command: Command) -> dict[str, Any]:
        indexes = await self._app.indexes(command.arguments["indexes"])
        if (parts := await self._split(command, indexes)) is not None:
            return {"reports": [report for part in parts for report in part["reports"]]}
        loops = [self._keep(index) for index in indexes]
        async with asyncio.TaskGroup() as group:
            options = CycleOptions(
                allow_deletes=command.arguments["allow_deletes"],
                take_over=bool(command.arguments.get("take_over")),
                priority=Priority.COMMAND,
            )
            passes = [
                self._app.engine.full_cycle(
                    loop.settings, replace(options, shown=_shown(command, loop.settings.index_id))
                )
                for loop in loops
            ]
            pairs = zip(loops, passes, strict=True)
            cycles = [group.create_task(loop.carry_out(it)) for loop, it in pairs]
            while any(not cycle.done() for cycle in cycles):
                await self._progress(command, passes)
                await asyncio.wait(cycles, timeout=_REPORT_SEC)
            await self._progress(command, passes)
        return {"reports": [asdict(cycle.result()) for cycle in cycles]}

    async def _verify(self, command: Command) -> dict[str, Any]:
        parts = await self._split(command, await self._app.indexes(command.arguments["indexes"]))
        if parts is not None:
            return await joined(self._app, command.arguments, parts)
        return await verify(self._app, self._keep, command.arguments, partial(self._tell, command))

    async def _split(self, command: Command, indexes: Sequence[IndexSettings]) -> Sequence[Mapping[str, Any]] | None:
        """What the holders of the indexes answer; None if this process carries the command out itself."""
        index_ids = [index.index_id for index in indexes]
        if self._life is None or not self._life.commands.must_split(command, index_ids):
            return None
        return await self._life.commands.split(command, index_ids, partial(self._tell, command))

    async def _ready(self, command: Command) -> dict[str, Any]:
        """Another replica received the webhook."""
        if loop := self._loops.get(command.arguments["index_id"]):
            loop.poke_ready(command.arguments["asset"])
        return {}

    async def _poll(self, command: Command) -> dict[str, Any]:
        if loop := self._loops.get(command.arguments["index_id"]):
            loop.poke_poll()
        return {}

    async def _progress(self, command: Command, passes: Sequence[Pass]) -> None:
        await self._tell(command, {it.settings.index_id: [len(it.results), it.planned] for it in passes})

    async def _tell(self, command: Command, done: Mapping[str, Any]) -> None:
        """Store the progress; ignore an unavailable ledger, which must not delay the work."""
        with suppress(LedgerUnavailable):
            await self._queue.progress(command.command_id, done)

    async def _retry(self, command: Command) -> dict[str, Any]:
        index_id = command.arguments["index_id"]
        names = await maintenance.retry(self._app.ledger, index_id, command.arguments["assets"])
        loop = self._loops.get(index_id)
        if loop:
            loop.poke_retry(names)
        return {"assets": names}

    async def _drop(self, command: Command) -> dict[str, Any]:
        index_id, assets = command.arguments["index_id"], command.arguments["assets"]
        async with self._app.engine.queue.quiet(index_id):
            self._app.engine.queue.touch(index_id, *assets)
            of_index = self._app.settings.of_index(index_id)
            return {"assets": await maintenance.drop(self._app.sink, self._app.ledger, of_index, assets)}

    async def _forget(self, command: Command) -> dict[str, Any]:
        """End the index's loop. It starts again if it is configured by name; with `*`, discovery decides."""
        index_id = command.arguments["index_id"]
        of_index, runs = self._app.settings.of_index(index_id), self._loops.get(index_id) is not None
        self._loops.drop(index_id)
        async with self._app.engine.queue.quiet(index_id):
            result = await maintenance.forget(self._app.sink, self._app.ledger, of_index, time.time())
        if runs and self._app.settings.connector_indexes != ALL_INDEXES:
            self._keep(of_index)
        return dict(result)


def _shown(command: Command, index_id: str) -> frozenset[str] | None:
    """The deletes of the index that the command showed; None if it showed none, as that of an earlier release."""
    shown = command.arguments.get("shown")
    return None if shown is None else frozenset(shown.get(index_id, ()))
