"""`connector forget`: removes an index's points and ledger rows, after confirmation."""

import signal
import sys
import time
from collections.abc import Collection, Mapping
from typing import Any

from connector.app import make_sink, open_app
from connector.cli.follow import daemon_runs, follow
from connector.cli.output import Exit, err, number, out, print_json
from connector.domain.errors import ConfigError
from connector.domain.ledger_model import Checkpoint
from connector.engine import maintenance
from connector.engine.discovery import ALL_INDEXES
from connector.engine.maintenance import Footprint
from connector.ledger.checkpoint_store import SqliteCheckpointStore
from connector.settings.connector_settings import Settings

_NOT_CONFIRMED = "nothing was removed: the removal was not confirmed. Answer y, or use --yes."


async def forget(settings: Settings, index_id: str, *, yes: bool, as_json: bool) -> Exit:
    if not index_id:
        raise ConfigError("forget index", "", "the index id is empty", "Name the index id")
    found, known = await _look(settings, index_id)
    if not found.assets and index_id not in known:
        raise _unknown(index_id, found, known)
    where = ", ".join(sorted(found.points)) or "no collection"
    err.print(f"Index {index_id}: {number(len(found.assets))} assets with {number(found.total)} points in {where}.")
    for collection, owner in found.foreign.items():
        err.print(f"Its points in {collection} belong to {owner} and will not be removed.")
    if settings.connector_indexes == ALL_INDEXES or index_id in settings.connector_indexes:
        err.print("CONNECTOR_INDEXES still includes this index: the next cycle will sync it again.")
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
    """True only for y or yes; an empty line, end of input or unreadable input means no."""
    err.print("Delete these points and ledger rows? [y/N]: ", end="", markup=False)
    sys.stderr.flush()
    # asyncio's own handler only records the first Ctrl-C and keeps waiting for input.
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
        return dict(await maintenance.forget(app.sink, app.ledger, settings.of_index(index_id), time.time()))


async def _look(settings: Settings, index_id: str) -> tuple[Footprint, Collection[str]]:
    """The index's points and rows, and the indexes that have a report in the ledger."""
    async with SqliteCheckpointStore(settings.ledger_path, read_only=True) as ledger:
        known = await ledger.reports()
        if settings.qdrant_url == "embedded" and daemon_runs(settings):
            # Only the daemon can open the embedded storage, so rely on the ledger.
            return _from_rows(await ledger.load(index_id)), known
        sink = make_sink(settings)
        try:
            return await maintenance.footprint(sink, ledger, settings.of_index(index_id)), known
        finally:
            await sink.close()


def _from_rows(rows: Mapping[str, Checkpoint]) -> Footprint:
    points: dict[str, dict[str, int]] = {}
    for name, row in rows.items():
        if row.applied:
            points.setdefault(row.applied.collection, {})[name] = row.applied.points
    return Footprint(rows, points, {})


def _unknown(index_id: str, found: Footprint, known: Collection[str]) -> ConfigError:
    if found.foreign:
        collection, owner = next(iter(found.foreign.items()))
        cause = f"its points in {collection} belong to {owner}"
        return ConfigError("forget index", index_id, cause, "Run `connector forget` with that connector")
    advice = f"Indexes in the ledger: {', '.join(known) or 'none'}"
    return ConfigError("forget index", index_id, "neither the ledger nor Qdrant has data of this index", advice)
