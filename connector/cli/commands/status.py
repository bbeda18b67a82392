"""`connector status`: the state in the ledger and of the daemon that owns it; contacts neither source nor sink."""

import time
from collections.abc import Mapping
from typing import Any

from connector.cli.output import Exit, clock, number, out, print_json, text
from connector.ledger.checkpoint_store import SqliteCheckpointStore
from connector.ledger.heartbeat import Heartbeat
from connector.ledger.index_states import index_states
from connector.ledger.lock import owning_command
from connector.settings.connector_settings import Settings


async def status(settings: Settings, *, as_json: bool) -> Exit:
    path = settings.ledger_path
    async with SqliteCheckpointStore(path, read_only=True) as ledger, Heartbeat(path, read_only=True) as heartbeat:
        indexes = await index_states(ledger, settings.connector_max_attempts, time.time())
        daemon = await heartbeat.read() if owning_command(settings.lock_path) == "run" else None
    if as_json:
        print_json({"ledger": str(path), "daemon": daemon, "indexes": indexes})
        return Exit.DONE
    if daemon:
        out.print(f"The daemon is {daemon['state']} (process {daemon['pid']}).")
    elif not indexes:
        out.print("Nothing has been synced yet: run `connector sync` or `connector run`.")
    for index in indexes:
        _print(index)
        if daemon and index["index_id"] in daemon["indexes"]:
            _print_live(daemon["indexes"][index["index_id"]])
    return Exit.DONE


def _print_live(live: Mapping[str, Any]) -> None:
    progress = f", {number(live['done'])} of {number(live['planned'])} changes done" if live["planned"] else ""
    out.print(f"  now: {live['doing']}{progress}")
    if live["error"]:
        out.print(f"  [red]failing:[/red] {text(live['error']['message'])}")


def _print(index: Mapping[str, Any]) -> None:
    out.print(f"[bold]{text(index['index_name'] or '')} ({index['index_id']})[/bold]")
    out.print(
        f"  {number(index['applied'])} of {number(index['assets'])} assets applied, {number(index['points'])} points"
    )
    if index["backlog"]:
        waiting = ", ".join(f"{number(count)} {priority}" for priority, count in index["backlog"].items())
        remaining = index["remaining_sec"]
        rest = "" if remaining is None else f"; about {clock(remaining)} at {index['assets_per_minute']:g} a minute"
        out.print(f"  waiting to be retrieved: {waiting}{rest}")
    if index["last_cycle"]:
        lag = "" if index["lag_sec"] is None else f", lag {index['lag_sec']:.1f} s"
        out.print(f"  last cycle: {index['last_cycle']['duration_sec']:.1f} s{lag}")
        if index["last_cycle"]["error"]:
            out.print(f"  [red]failed:[/red] {text(index['last_cycle']['error']['message'])}")
    if index["withheld"]:
        out.print(f"  [yellow]{index['withheld']} deletes withheld:[/yellow] {text(index['withheld_because'])}")
    _print_problems(index)


def _print_problems(index: Mapping[str, Any]) -> None:
    for name in index["opened"]:
        out.print(f"  started but not finished: {name}")
    for word in ("deferred", "failed", "quarantined"):
        for problem in index[word]:
            name = text(f"{problem['indexed_asset_id']} ({problem['attempts']} attempts)")
            out.print(f"  [yellow]{word}[/yellow] {name}: {text(problem['reason'])}")
    more = sum(index["counts"].values()) - sum(len(index[word]) for word in index["counts"])
    if more > 0:
        out.print(f"  and {number(more)} more")
