"""`connector status`: the state in the ledger and of the daemon that owns it. Asks neither source nor sink itself."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from connector.cli.daemon_http import reasons
from connector.cli.output import Exit, clock, number, out, print_json, text
from connector.ledger.checkpoint_store import SqliteCheckpointStore
from connector.ledger.heartbeat import Heartbeat
from connector.ledger.index_states import index_states
from connector.ledger.lock import owning_command
from connector.settings.connector_settings import Settings

_ANSWER_SEC = 8.0
_LIMITS = {
    "rate_limit": "waiting for the rate limit of requests to TwelveLabs",
    "source": "the responses of TwelveLabs",
    "sink": "the responses of Qdrant",
}


async def status(settings: Settings, *, as_json: bool) -> Exit:
    path = settings.ledger_path
    async with SqliteCheckpointStore(path, read_only=True) as ledger, Heartbeat(path, read_only=True) as heartbeat:
        daemon = await heartbeat.read() if owning_command(settings.lock_path) == "run" else None
        live = daemon["indexes"] if daemon else {}
        indexes = await index_states(ledger, settings.connector_max_attempts, time.time(), live)
    if daemon:
        daemon = {**daemon, "not_ready": await asyncio.to_thread(reasons, settings, _ANSWER_SEC)}
    if as_json:
        print_json({"ledger": str(path), "daemon": daemon, "indexes": indexes})
        return Exit.DONE
    _print_all(daemon, indexes)
    return Exit.DONE


def _print_all(daemon: Mapping[str, Any] | None, indexes: Sequence[Mapping[str, Any]]) -> None:
    if daemon:
        out.print(f"The daemon is {daemon['state']} (process {daemon['pid']}).")
        if daemon.get("limited_by"):
            out.print(f"  what takes most of the time: {_LIMITS[daemon['limited_by']]}")
        for name, reason in daemon["not_ready"].items():
            out.print(f"  [error]not ready, {text(name)}:[/error] {text(reason)}")
    elif not indexes:
        out.print("Nothing has been synced yet: run `connector sync` or `connector run`.")
    live = dict(daemon["indexes"]) if daemon else {}
    for index in indexes:
        _print(index)
        _print_live(live.pop(index["index_id"], None))
    for index_id, state in live.items():
        out.print(f"[bold]{text(index_id)}[/bold]")
        _print_live(state)


def _print_live(live: Mapping[str, Any] | None) -> None:
    if live is None:
        return
    progress = f", {number(live['done'])} of {number(live['planned'])} changes done" if live["planned"] else ""
    out.print(f"  now: {live['doing']}{progress}")
    upcoming = {"next poll": live.get("next_poll_at"), "next full cycle": live.get("next_cycle_at")}
    if any(upcoming.values()):
        out.print("  " + ", ".join(f"{what}: at {at}" for what, at in upcoming.items() if at))
    if live["error"]:
        out.print(f"  [error]failing:[/error] {text(live['error']['message'])}")


def _print(index: Mapping[str, Any]) -> None:
    name = f"{index['index_name']} ({index['index_id']})" if index["index_name"] else index["index_id"]
    out.print(f"[bold]{text(name)}[/bold]" + (f", {text(index['model'])}" if index["model"] else ""))
    out.print(
        f"  {number(index['applied'])} of {number(index['assets'])} assets applied, {number(index['points'])} points"
    )
    if index["backlog"]:
        waiting = ", ".join(f"{number(count)} {priority}" for priority, count in index["backlog"].items())
        remaining = index["remaining_sec"]
        rest = "" if remaining is None else f"; about {clock(remaining)} at {index['assets_per_minute']:g} a minute"
        out.print(f"  waiting to be retrieved: {waiting}{rest}")
    if index["last_cycle"]:
        error = index["last_cycle"]["error"]
        ended = f" at {index['last_cycle_at']}" if index["last_cycle_at"] else ""
        how = "failed" if error else "interrupted" if index["last_cycle"]["interrupted"] else "done"
        out.print(f"  last cycle:{ended}, {how} in {index['last_cycle']['duration_sec']:.1f} s")
        if error:
            out.print(f"  [error]failed:[/error] {text(error['message'])}")
            out.print(f"  last success: {index['last_success_at'] or 'never'}")
    if index["lag_sec"] is not None:
        out.print(f"  lag: {index['lag_sec']:.1f} s, worst of the last hour {index['worst_lag_sec'] or 0.0:.1f} s")
    if index["withheld"]:
        out.print(f"  [warning]{index['withheld']} deletes withheld:[/warning] {text(index['withheld_because'])}")
        problems = index["last_cycle"]["problems"] if index["last_cycle"] else ()
        for problem in (it for it in problems if it["state"] == "withheld"):
            out.print(f"    {text(problem.get('filename') or problem['indexed_asset_id'])}")
        out.print("  list them with `connector plan`; allow them once with `connector sync --allow-deletes`")
    _print_problems(index)


def _print_problems(index: Mapping[str, Any]) -> None:
    for name in index["opened"]:
        out.print(f"  started but not finished: {name}")
    for word in ("deferred", "failed", "quarantined"):
        for problem in index[word]:
            file = f"{problem['filename']}, " if problem["filename"] else ""
            retry = "" if word == "quarantined" or not problem["due"] else f", next attempt {problem['due']}"
            name = f"{problem['indexed_asset_id']} ({file}{problem['attempts']} attempts{retry})"
            out.print(f"  [warning]{word}[/warning] {text(name)}: {text(problem['reason'])}")
    more = sum(index["counts"].values()) - sum(len(index[word]) for word in index["counts"])
    if more > 0:
        out.print(f"  and {number(more)} more")
