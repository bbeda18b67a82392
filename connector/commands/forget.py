"""`connector forget`: removes an index's points and rows, after showing what and asking."""

import signal
import sys
import time
from typing import Any

from connector import operations
from connector.app import open_app
from connector.checkpoints import SqliteCheckpointStore
from connector.commands.follow import daemon_runs, follow
from connector.commands.output import Exit, err, number, out, print_json
from connector.errors import ConfigError
from connector.settings import ALL_INDEXES, Settings

_NOT_CONFIRMED = "nothing was removed, since nobody answered yes. Answer y, or give --yes."


async def forget(settings: Settings, index_id: str, *, yes: bool, as_json: bool) -> Exit:
    async with SqliteCheckpointStore(settings.ledger_path, read_only=True) as ledger:
        rows, known = await ledger.load(index_id), await ledger.reports()
    if not rows and index_id not in known:
        advice = f"Known are: {', '.join(known) or 'none'}"
        raise ConfigError("forget index", index_id, "the ledger does not know it", advice)
    points = sum(row.applied.points for row in rows.values() if row.applied)
    collections = sorted(set[str]().union(*(row.collections for row in rows.values())))
    where = ", ".join(collections) or "no collection"
    err.print(f"Index {index_id}: {number(len(rows))} assets with {number(points)} points in {where}.")
    if settings.connector_indexes == ALL_INDEXES or index_id in settings.connector_indexes:
        err.print("It is still among CONNECTOR_INDEXES: the next cycle brings it back.")
    if not yes and not _confirmed():
        err.print("Nothing was removed.")
        if as_json:
            print_json({"index_id": index_id, "error": {"code": "not_confirmed", "message": _NOT_CONFIRMED}})
        return Exit.INCOMPLETE
    result = await _carry_out(settings, index_id)
    if as_json:
        print_json({"index_id": index_id, **result})
    else:
        out.print(f"Forgotten: {number(result['assets'])} assets, {number(result['points'])} points.")
    return Exit.DONE


def _confirmed() -> bool:
    """Only a yes is one: not an empty line, nor the end of the input, nor an input that cannot be read."""
    err.print("Delete these points and rows? [y/N]: ", end="", markup=False)
    sys.stderr.flush()
    # asyncio's own handler would only note the first Ctrl-C, and wait on for an answer.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        answer = sys.stdin.readline()
    except OSError:
        answer = ""
    finally:
        signal.signal(signal.SIGINT, before)
    if not answer.endswith("\n"):
        err.print()
    return answer.strip().lower() in ("y", "yes")


async def _carry_out(settings: Settings, index_id: str) -> dict[str, Any]:
    if daemon_runs(settings):
        return dict(await follow(settings, "forget", {"index_id": index_id}))
    async with open_app(settings, "forget") as app:
        return dict(await operations.forget(app.sink, app.ledger, index_id, time.time()))
