"""Our own points: recognized by recomputing each point's id, changed and deleted by id. Never touches other points."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from qdrant_client import models

from connector.domain.errors import Unavailable
from connector.domain.points import is_own
from connector.qdrant import filters, operations
from connector.qdrant.batches import BATCH_BYTES, BATCH_POINTS
from connector.qdrant.connection import Connection
from connector.qdrant.session import Session

ID_KEYS = [
    "index_id",
    "indexed_asset_id",
    "embedding_model",
    "embedding_scope",
    "start_offset_sec",
    "end_offset_sec",
]
"""The payload keys from which a point's id is computed."""


def own(records: Iterable[models.Record]) -> list[models.Record]:
    """The points that this connector wrote. The records must contain ID_KEYS."""
    return [record for record in records if is_own(str(record.id), record.payload or {})]


async def own_ids(session: Session, collection: str, only: models.Filter) -> list[models.ExtendedPointId]:
    return [
        record.id async for records in operations.scroll(session, collection, only, ID_KEYS) for record in own(records)
    ]


async def clear(session: Session, collection: str, only: models.Filter) -> None:
    """Delete our points among the selected ones, then verify, because a replica may lag behind the write."""

    async def look_again(_: Connection) -> None:
        if left := await own_ids(session, collection, only):
            cause = f"{len(left)} points still exist after the delete"
            raise Unavailable("verify a delete in collection", collection, cause, side="sink")

    if ids := await own_ids(session, collection, only):
        await operations.delete(session, collection, ids)
        await session.call("verify a delete in collection", collection, look_again)


async def patch(session: Session, collection: str, index_id: str, asset: str, payload: Mapping[str, Any]) -> None:
    """Set these payload keys on our points of the asset; keep other keys and vectors.

    Qdrant's set_payload removes a key whose new value is null. For nulls, overwrite the payload of the points that do
    not have them yet; in a typical refresh there are none.
    """
    present = {key: value for key, value in payload.items() if value is not None}
    absent = payload.keys() - present.keys()
    only = filters.of_asset(index_id, asset)
    async for records in operations.scroll(session, collection, only, [*ID_KEYS, *sorted(absent)]):
        ours = own(records)
        if ours and present:
            await operations.set_payload(session, collection, present, [record.id for record in ours])
        stale = [record.id for record in ours if not _all_null(record.payload or {}, absent)]
        if stale:
            await _overwrite(session, collection, stale, dict.fromkeys(absent))


def _all_null(payload: Mapping[str, Any], keys: Collection[str]) -> bool:
    return payload.keys() >= set(keys) and all(payload[key] is None for key in keys)


async def _overwrite(session: Session, collection: str, ids: list[Any], nulls: Mapping[str, None]) -> None:
    """Overwrite whole payloads in batches of limited size; payloads of one asset have about the same size."""
    [first] = (await operations.payloads(session, collection, ids[:1])).values() or [{}]
    at_once = max(1, min(BATCH_POINTS, BATCH_BYTES // len(json.dumps(first))))
    for start in range(0, len(ids), at_once):
        payloads = await operations.payloads(session, collection, ids[start : start + at_once])
        changed = {point_id: {**payload, **nulls} for point_id, payload in payloads.items()}
        if changed:
            await operations.overwrite_payloads(session, collection, changed)
