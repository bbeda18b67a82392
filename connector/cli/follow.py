"""Hand a command to the daemon that owns the ledger, and follow it until it ends."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from connector.domain.errors import ConfigError, ConnectorError, CycleError, LedgerUnavailable
from connector.ledger.command_queue import ENDED, Command, CommandState
from connector.ledger.ledger_opening import open_heartbeat, open_queue, owner_of
from connector.settings.agreement import digest_of_all, endpoints_of
from connector.settings.connector_settings import Settings

_POLL_SEC = 0.3

log = structlog.get_logger(__name__)


async def daemon_runs(settings: Settings) -> bool:
    return await owner_of(settings.ledger) == "run"


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
    await _tell_difference(settings)
    async with open_queue(settings.ledger) as queue:
        command_id = await queue.place(kind, arguments)
        while True:
            command = await queue.read(command_id)
            progress(command.progress)
            if _was_missed(command) and await daemon_runs(settings):
                command_id = await queue.place(kind, arguments)
            elif command.state in ENDED:
                break
            elif not await daemon_runs(settings):
                await queue.abandon_all()
            await asyncio.sleep(_POLL_SEC)
    if command.state is CommandState.REFUSED:
        raise _refusal(kind, command.result)
    if command.state is CommandState.ABANDONED:
        raise LedgerUnavailable("follow command", kind, "the daemon stopped before it was done", "Run it again")
    return command.result


async def _tell_difference(settings: Settings) -> None:
    """Warn if the daemon has other settings than this command, because it uses its own."""
    async with open_heartbeat(settings.ledger, read_only=True) as heartbeat:
        live = await heartbeat.read() or {}
    replicas = live.get("cluster", {}).get("replicas", [live])
    digests = {it.get("settings") for it in replicas} - {None, digest_of_all(settings)}
    if differs := endpoints_of(settings).difference(live):
        reason = f"the daemon works with {differs.other}, not with {differs.own} ({differs.setting})"
    elif digests:
        reason = "a daemon has another API key, or other settings of collections and points, than this command"
    else:
        return
    log.warning("daemon.differs", reason=reason, what="the daemon carries out the command with its own settings")


def _refusal(kind: str, result: Mapping[str, Any]) -> ConnectorError:
    """The error that the daemon had, with its code."""
    mistaken = result["code"] == ConfigError.code
    error = (ConfigError if mistaken else CycleError)("command", kind, str(result["message"]))
    error.code = str(result["code"])
    return error


def _was_missed(command: Command) -> bool:
    """A daemon that starts abandons what it finds, for its sender may be gone. This one may have come just then."""
    return command.state is CommandState.ABANDONED and command.result.get("begun") is False
