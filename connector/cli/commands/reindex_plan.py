"""`connector reindex plan`: what a reindex would do. Writes and creates nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connector.cli.commands.dry_run import PAGE, estimated_points
from connector.cli.opened_move import opened_move
from connector.cli.output import Exit, counted, number, print_json, put, span, text
from connector.cli.shared_storage import share_quota
from connector.domain.source_model import READY
from connector.ledger.ledger_opening import open_store
from connector.ports import Source
from connector.reindex.moves import Move
from connector.settings.connector_settings import Settings

_HANG = 2


@dataclass(frozen=True, slots=True)
class _Cost:
    """Of one index; `applied` assets are in the new collection already."""

    index_id: str
    index_name: str
    model: str | None
    assets: int
    applied: int
    points: int
    requests: int


async def plan(settings: Settings, alias: str, given: Sequence[str], *, create_alias: bool, as_json: bool) -> Exit:
    async with opened_move(settings, alias, given, create_alias=create_alias) as (move, source, _):
        costs = await _costs(move, source)
    document = await _document(settings, move, costs)
    if as_json:
        print_json(document)
    else:
        _print(document)
    return Exit.DONE


async def _costs(move: Move, source: Source) -> list[_Cost]:
    applied: dict[str, int] = {}
    if move.job:
        async with open_store(move.target.ledger, read_only=True) as ledger:
            for index in move.indexes:
                summary = await ledger.summary(index.index_id, move.target.connector_max_attempts)
                applied[index.index_id] = summary.applied
    found = []
    for index in move.indexes:
        assets = [it for it in (await source.snapshot(index)).assets.values() if it.status == READY]
        done = min(applied.get(index.index_id, 0), len(assets))
        listing = 1 + math.ceil(max(len(assets), 1) / PAGE)
        points = sum(estimated_points(asset) for asset in assets)
        requests = listing + len(assets) - done
        found.append(_Cost(index.index_id, index.name, index.model, len(assets), done, points, requests))
    return found


async def _document(settings: Settings, move: Move, costs: Sequence[_Cost]) -> dict[str, Any]:
    """As JSON values; the keys are public."""
    requests = sum(it.requests for it in costs)
    rate = (await share_quota(settings, move.target, move.changes)).connector_requests_per_minute
    return {
        "alias": move.alias,
        "alias_at": move.alias_at,
        "creates_alias": move.alias_at is None,
        "state": move.job.state.value if move.job else None,
        "from_collection": move.source.name,
        "from_model": move.source.model,
        "from_points": move.source.points,
        "to_collection": move.to_collection,
        "to_model": move.indexes[0].model,
        "exists": move.found is not None,
        "changes": {name: {"from": move.before.get(name), "to": value} for name, value in move.changes.items()},
        "indexes": [
            {
                "index_id": it.index_id,
                "index_name": it.index_name,
                "model": it.model,
                "assets": it.assets,
                "applied": it.applied,
                "points": it.points,
                "requests": it.requests,
            }
            for it in costs
        ],
        "assets": sum(it.assets for it in costs),
        "points": sum(it.points for it in costs),
        "requests": requests,
        "requests_per_minute": rate,
        "duration_sec": 60.0 * requests / rate if rate else None,
    }


def _print(found: dict[str, Any]) -> None:
    verb = "would be created and point" if found["creates_alias"] else "points"
    put(f"[bold]{text(found['alias'])}[/bold] {verb} to {text(found['alias_at'] or found['from_collection'])}")
    old, new = (f"{text(found[f'{side}_collection'])} ({found[f'{side}_model']})" for side in ("from", "to"))
    put(f"  from {old}, {counted(found['from_points'], 'point')}")
    put(f"  to   {new}, {'exists' if found['exists'] else 'will be created'}")
    for name, values in found["changes"].items():
        put(f"  {name}: {text(values['from'] or 'not set')} becomes {text(values['to'])}", hang=_HANG)
    for it in found["indexes"]:
        done = f", {number(it['applied'])} of them applied" if it["applied"] else ""
        assets = f"{counted(it['assets'], 'asset')} ready{done}"
        put(f"  {text(it['index_name'])} ({it['index_id']}): {assets}, about {counted(it['points'], 'point')}")
    rate, seconds = found["requests_per_minute"], found["duration_sec"]
    time = f", about {span(seconds, whole=True)} at {number(rate)} a minute" if rate else ""
    put(f"  {counted(found['requests'], 'request')}{time}", hang=_HANG)
