"""`connector forget`: removes an index's points and ledger rows, after confirmation."""

import signal
import sys
import time
from collections.abc import Collection, Mapping
from typing import Any

from connector.app import make_sink, open_app
from connector.cli.follow import daemon_runs, follow
from connector.cli.output import Exit, counted, err, number, out, print_json, text
from connector.domain.errors import ConfigError
from connector.domain.ledger_model import Checkpoint
from connector.engine import maintenance
from connector.engine.discovery import ALL_INDEXES
from connector.engine.maintenance import Footprint
from connector.ledger.ledger_opening import open_store
from connector.settings.connector_settings import Settings

_NOT_CONFIRMED = "nothing was removed: the removal was not confirmed. Answer y, or use --yes."


async def forget(settings: Settings, index_id: str, *, yes: bool, as_json: bool) -> Exit:
    if not index_id:
        raise ConfigError("forget index", "", "the index id is empty", "Name the index id")
    found, known = await _find(settings, index_id)
    if not found.assets and index_id not in known:
        raise _unknown(index_id, found, known)
    _show(index_id, known.get(index_id, {}).get("index_name"), found)
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


def _show(index_id: str, name: str | None, found: Footprint) -> None:
    """Everything that will be deleted."""
    shown = text(f"{name} ({index_id})" if name else index_id)
    total = f"{counted(len(found.assets), 'asset')} with {counted(found.total, 'point')}"
    err.print(f"Index {shown}: {total} will be deleted:")
    for collection, assets in sorted(found.points.items()):
        held = f"{counted(sum(assets.values()), 'point')} of {counted(len(assets), 'asset')}"
        err.print(f"  from collection {text(collection)}: {held}")
    err.print(f"  from the ledger: {counted(len(found.rows), 'row')}, the reports and the history of the index")


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
    if await daemon_runs(settings):
        return dict(await follow(settings, "forget", {"index_id": index_id}))
    async with open_app(settings, "forget") as app:
        return dict(await maintenance.forget(app.sink, app.ledger, settings.of_index(index_id), time.time()))


async def _find(settings: Settings, index_id: str) -> tuple[Footprint, Mapping[str, Mapping[str, Any]]]:
    """The index's points and rows, and the last report of each index in the ledger."""
    async with open_store(settings.ledger, read_only=True) as ledger:
        known = await ledger.reports()
        if settings.qdrant_url == "embedded" and await daemon_runs(settings):
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
