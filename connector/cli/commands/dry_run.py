"""`connector plan`: dry run. Reads source, sink and ledger; writes and creates nothing."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from connector.app import App, open_app
from connector.cli.output import Exit, clock, counted, number, print_json, put, text
from connector.domain import timestamps
from connector.domain.errors import ConnectorError
from connector.domain.index_settings import IndexSettings
from connector.domain.ledger_model import Checkpoint
from connector.domain.source_model import IndexedAsset
from connector.engine.survey import CycleOptions, Survey
from connector.settings.connector_settings import Settings

# Marengo segments are 2 to 10 seconds long; the vendor's examples average about 6.
SEGMENT_SEC = 6.0
PAGE = 50
_HANG = 11
_CHANGES = {"upsert": "upserts", "refresh": "refreshes", "delete": "deletes"}
_WAITING = ("withheld", "pending")
_STATES = ("unchanged", "waiting", "quarantined", "kept")


async def plan(settings: Settings, only: Sequence[str], *, as_json: bool) -> Exit:
    async with open_app(settings, "plan", read_only=True) as app:
        documents = [await _of_index(app, index) for index in await app.indexes(only)]
    if as_json:
        print_json({"indexes": documents})
    else:
        for document in documents:
            _print(document)
    if any(document["error"] for document in documents):
        return Exit.UNAVAILABLE
    return Exit.INCOMPLETE if any(document["withheld"] for document in documents) else Exit.DONE


async def _of_index(app: App, settings: IndexSettings) -> dict[str, Any]:
    try:
        index = await app.source.index(settings.index_id)
        listing = await app.engine.surveyor.listing(settings, index)
        survey = await app.engine.surveyor.survey_all(settings, listing, CycleOptions())
        return _document(survey, settings.delete_grace)
    except ConnectorError as error:
        nothing: dict[str, Any] = {
            "upserts": [],
            "refreshes": [],
            "deletes": [],
            "withheld": [],
            "pending": [],
            "withheld_because": None,
        }
        return {
            "index_id": settings.index_id,
            "index_name": None,
            **nothing,
            "error": {"code": error.code, "message": str(error)},
        }


def _document(survey: Survey, grace: float) -> dict[str, Any]:
    plan, index = survey.plan, survey.index
    absent = len(plan.deletes) + len(plan.absent) + len(plan.forgets)
    confirming = absent + 2 if absent else 0
    listing = 1 + math.ceil(max(len(survey.snapshot.assets), 1) / PAGE)
    return {
        "index_id": index.index_id,
        "index_name": index.name,
        "model": index.model,
        "listed": len(survey.snapshot.assets),
        "complete": survey.snapshot.complete,
        "upserts": [
            {**_asset(change.asset), "reason": change.reason.value, "points": estimated_points(change.asset)}
            for change in plan.upserts
        ],
        "refreshes": [
            {**_asset(survey.snapshot.assets[change.indexed_asset_id]), "deep": change.deep}
            for change in plan.refreshes
        ],
        "deletes": [_row(change.checkpoint) for change in plan.deletes],
        "withheld": [_row(change.checkpoint) for change in plan.withheld],
        "withheld_because": plan.withheld_because,
        "pending": [_pending(row, grace) for row in (*plan.pending, *plan.absent)],
        "unchanged": plan.unchanged,
        "waiting": len(plan.waiting),
        "quarantined": len(plan.quarantined),
        "kept": plan.kept,
        "requests": listing + len(plan.upserts) + len(plan.refreshes) + confirming,
        "points": sum(estimated_points(change.asset) for change in plan.upserts),
        "error": None,
    }


def estimated_points(asset: IndexedAsset) -> int:
    return math.ceil((asset.duration_sec or 0.0) / SEGMENT_SEC)


def _asset(asset: IndexedAsset) -> dict[str, Any]:
    return {
        "indexed_asset_id": asset.indexed_asset_id,
        "filename": asset.filename,
        "duration_sec": asset.duration_sec,
    }


def _row(row: Checkpoint) -> dict[str, Any]:
    return {
        "indexed_asset_id": row.indexed_asset_id,
        "filename": row.listed.filename if row.listed else None,
        "points": row.applied.points if row.applied else None,
    }


def _pending(row: Checkpoint, grace: float) -> dict[str, Any]:
    """`due` is null while the source has not yet confirmed that the asset is gone, which starts the grace period."""
    since = row.absent_since
    return {**_row(row), "due": None if since is None else timestamps.text(since + grace)}


def _print(document: dict[str, Any]) -> None:
    name = text(
        f"{document['index_name']} ({document['index_id']})" if document["index_name"] else document["index_id"]
    )
    put(f"[bold]{name}[/bold]")
    if document["error"]:
        put(f"  [error]cannot plan:[/error] {text(document['error']['message'])}", hang=2)
        return
    for change in document["upserts"]:
        length = clock(change["duration_sec"] or 0.0)
        put(f"  upsert   {_named(change)} ({change['reason']}, {length}, about {_points(change)})", hang=_HANG)
    for change in document["refreshes"]:
        put(f"  refresh  {_named(change)} ({'deep' if change['deep'] else 'shallow'})", hang=_HANG)
    for change in document["deletes"]:
        put(f"  [error]delete[/error]   {_named(change)} ({_points(change)})", hang=_HANG)
    for change in document["withheld"]:
        put(f"  [warning]withheld[/warning] {_named(change)} ({_points(change)})", hang=_HANG)
    for change in document["pending"]:
        when = f"deleted after {change['due']}" if change["due"] else "the grace period starts"
        put(f"  [warning]pending[/warning]  {_named(change)} ({_points(change)}, {when})", hang=_HANG)
    if document["withheld_because"]:
        put(f"  [warning]deletes are withheld:[/warning] {text(document['withheld_because'])}", hang=2)
    _print_counts(document)


def _named(change: Mapping[str, Any]) -> str:
    return text(f"{change['indexed_asset_id']} {change['filename'] or ''}".rstrip())


def _points(change: Mapping[str, Any]) -> str:
    return "number of points unknown" if change["points"] is None else counted(change["points"], "point")


def _print_counts(document: Mapping[str, Any]) -> None:
    """What the plan contains and what it costs. Counts of zero are left out."""
    sizes = {word: len(document[f"{word}s"]) for word in ("upsert", "delete")}
    sizes["refresh"] = len(document["refreshes"])
    parts = [counted(sizes[word], word, many) for word, many in _CHANGES.items() if sizes[word]]
    others = {word: len(document[word]) for word in _WAITING} | {word: document[word] for word in _STATES}
    parts += [f"{number(count)} {word}" for word, count in others.items() if count]
    put(f"  {', '.join(parts) or 'no assets'}", hang=2)
    about = f", about {counted(document['points'], 'point')}" if document["points"] else ""
    put(f"  {counted(document['requests'], 'request')}{about}", hang=2)
