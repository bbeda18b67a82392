"""Hand a command to the daemon that owns the ledger, and follow it until it ends."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from connector.domain.errors import ConfigError, CycleError, LedgerUnavailable
from connector.ledger.command_queue import ENDED, CommandQueue, CommandState
from connector.ledger.lock import owning_command
from connector.settings.connector_settings import Settings

_POLL_SEC = 0.3


def daemon_runs(settings: Settings) -> bool:
    return owning_command(settings.lock_path) == "run"


async def follow(
    settings: Settings,
    kind: str,
    arguments: Mapping[str, Any],
    progress: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> Mapping[str, Any]:
    """Queue the command, wait until it ends, return its result.

    Raises ConfigError or CycleError with the daemon's message if the daemon refuses the command, LedgerUnavailable if
    the daemon stops first.
    """
    async with CommandQueue(settings.ledger_path) as queue:
        command_id = await queue.place(kind, arguments)
        while True:
            command = await queue.read(command_id)
            progress(command.progress)
            if command.state in ENDED:
                break
            if not daemon_runs(settings):
                await queue.abandon_all()
            await asyncio.sleep(_POLL_SEC)
    if command.state is CommandState.REFUSED:
        mistaken = command.result["code"] == ConfigError.code
        raise (ConfigError if mistaken else CycleError)("command", kind, str(command.result["message"]))
    if command.state is CommandState.ABANDONED:
        raise LedgerUnavailable("follow command", kind, "the daemon stopped before it was done", "Run it again")
    return command.result
