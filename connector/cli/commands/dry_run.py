"""`connector plan`: dry run. Reads source, sink and ledger; writes and creates nothing."""

import math
from collections.abc import Sequence
from typing import Any

from connector.app import App, open_app
from connector.cli.output import Exit, clock, number, out, print_json, text
from connector.domain.errors import ConnectorError
from connector.domain.index_settings import IndexSettings
from connector.domain.source_model import IndexedAsset
from connector.engine.survey import CycleOptions, Survey
from connector.settings.connector_settings import Settings

# Marengo segments are 2 to 10 seconds long; the vendor's examples average about 6.
SEGMENT_SEC = 6.0
PAGE = 50


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
        return _document(await app.engine.surveyor.survey_all(settings, listing, CycleOptions()))
    except ConnectorError as error:
        nothing: dict[str, Any] = {
            "upserts": [],
            "refreshes": [],
            "deletes": [],
            "withheld": [],
            "withheld_because": None,
        }
        return {"index_id": settings.index_id, **nothing, "error": {"code": error.code, "message": str(error)}}


def _document(survey: Survey) -> dict[str, Any]:
    plan, index = survey.plan, survey.index
    absent = len(plan.deletes) + len(plan.forgets)
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
        "deletes": [_row(change.checkpoint.indexed_asset_id, survey) for change in plan.deletes],
        "withheld": [_row(change.checkpoint.indexed_asset_id, survey) for change in plan.withheld],
        "withheld_because": plan.withheld_because,
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


def _row(indexed_asset_id: str, survey: Survey) -> dict[str, Any]:
    applied = survey.rows[indexed_asset_id].applied
    return {"indexed_asset_id": indexed_asset_id, "points": applied.points if applied else None}


def _print(document: dict[str, Any]) -> None:
    out.print(f"[bold]{text(document.get('index_name') or '')} ({document['index_id']})[/bold]")
    if document["error"]:
        out.print(f"  [red]cannot plan:[/red] {text(document['error']['message'])}")
        return
    for change in document["upserts"]:
        length = clock(change["duration_sec"] or 0.0)
        name = text(f"{change['indexed_asset_id']} {change['filename'] or ''}")
        out.print(f"  upsert   {name} ({change['reason']}, {length}, about {change['points']} points)")
    for change in document["refreshes"]:
        out.print(f"  refresh  {text(change['indexed_asset_id'])} ({'deep' if change['deep'] else 'shallow'})")
    for word in ("deletes", "withheld"):
        for change in document[word]:
            name = text(change["indexed_asset_id"])
            out.print(f"  [red]{word.removesuffix('s'):8}[/red] {name} ({change['points']} points)")
    if document["withheld_because"]:
        out.print(f"  [yellow]deletes are withheld:[/yellow] {document['withheld_because']}")
    sizes = {word: len(document[word]) for word in ("upserts", "refreshes", "deletes", "withheld")}
    sizes |= {word: document[word] for word in ("unchanged", "waiting", "quarantined", "kept")}
    out.print("  " + ", ".join(f"{number(size)} {word}" for word, size in sizes.items()))
    out.print(f"  {number(document['requests'])} requests, about {number(document['points'])} points")
