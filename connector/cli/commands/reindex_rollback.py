"""`connector reindex rollback`: move the alias back, if the old collection is still what it was. Needs Qdrant only."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from connector.app import make_sink
from connector.cli.moved_alias import moved_document, print_moved, print_settings
from connector.cli.output import Exit, counted, number, print_json, put, span, text
from connector.domain import timestamps
from connector.domain.errors import LedgerUnavailable
from connector.domain.reindex_job import ReindexJob, must_move
from connector.ledger.ledger_opening import open_store
from connector.reindex.alias_move import move_alias, settle
from connector.reindex.moves import current_job
from connector.reindex.way_back import LedgerView, WayBack, find_way_back, view_of
from connector.settings.connector_settings import Settings
from connector.settings.target_settings import with_values

_HANG = 2


async def rollback(settings: Settings, alias: str, *, as_json: bool) -> Exit:
    job, directory = current_job(settings, alias), settings.connector_data_dir
    way_back, took_sec = None, None
    sink = make_sink(settings)
    try:
        if must_move(job, await sink.aliases.target(alias), back=True):
            older, newer = await _view(settings, job.before), await _view(settings, job.changes)
            way_back = await find_way_back(job, sink, older, newer)
            moved = await move_alias(directory, job, sink, back=True)
            job, took_sec = moved.job, moved.took_sec
        else:
            job = settle(directory, job, job.from_collection)
    finally:
        await sink.close()
    _show(job, took_sec, way_back, as_json=as_json)
    return Exit.DONE


async def _view(settings: Settings, values: Mapping[str, str | None]) -> LedgerView | None:
    """The ledger of these values. None also if it cannot be read: searchers must not wait for it to be mended."""
    with suppress(LedgerUnavailable):
        async with open_store(with_values(settings, values).ledger, read_only=True) as ledger:
            return await view_of(ledger)
    return None


def _show(job: ReindexJob, took_sec: float | None, way_back: WayBack | None, *, as_json: bool) -> None:
    if as_json:
        document = moved_document(job, job.from_collection, took_sec, job.before)
        print_json(document | {"behind": _behind(way_back) if way_back else None})
        return
    print_moved(job, job.from_collection, took_sec, "moved back")
    if way_back:
        _print_behind(job, way_back)
    print_settings(job.before)
    put(f"{text(job.to_collection)} stays as it is; forward again: `connector reindex switch {text(job.alias)}`")


def _behind(way_back: WayBack) -> dict[str, Any]:
    """As JSON values; the keys are public."""
    older, newer = way_back.older, way_back.newer
    return {
        "points": way_back.points,
        "ledger_points": older and older.points,
        "assets": older and older.assets,
        "newer_assets": newer and newer.assets,
        "synced_at": timestamps.text(older.synced_at) if older and older.synced_at else None,
    }


def _print_behind(job: ReindexJob, way_back: WayBack) -> None:
    older, newer = way_back.older, way_back.newer
    if older is None:
        put("  [warning]Its ledger cannot be read, so nothing is known of how far it is behind.[/warning]", hang=_HANG)
        return
    since = f"{span(max(time.time() - older.synced_at, 0.0), whole=True)} ago" if older.synced_at else "never"
    more = f"; {text(job.to_collection)} has {number(newer.assets)}" if newer else ""
    put(f"  It has {counted(older.assets, 'asset')}{more}. Its last complete cycle was {since}.", hang=_HANG)
    if way_back.points < older.points:
        points = f"{number(way_back.points)} of the {counted(older.points, 'point')}"
        put(f"  [warning]It has only {points} that its ledger expects:[/warning] run `connector verify`", hang=_HANG)
