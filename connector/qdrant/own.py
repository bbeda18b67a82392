"""Our own points: found by computing each point's id, then changed or deleted by id. Nobody else's is ever touched."""

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
"""The payload keys that a point's id is computed from."""


def own(records: Iterable[models.Record]) -> list[models.Record]:
    """Those of the points that this program wrote; they must have been read with ID_KEYS."""
    return [record for record in records if is_own(str(record.id), record.payload or {})]


async def own_ids(session: Session, collection: str, only: models.Filter) -> list[models.ExtendedPointId]:
    return [
        record.id async for records in operations.scroll(session, collection, only, ID_KEYS) for record in own(records)
    ]


async def clear(session: Session, collection: str, only: models.Filter) -> None:
    """Deletes our points among the selected ones, and looks again: a replica may lag behind the write."""

    async def look_again(_: Connection) -> None:
        if left := await own_ids(session, collection, only):
            cause = f"{len(left)} points are still there after they were deleted"
            raise Unavailable("verify a delete in collection", collection, cause, side="sink")

    if ids := await own_ids(session, collection, only):
        await operations.delete(session, collection, ids)
        await session.call("verify a delete in collection", collection, look_again)


async def patch(session: Session, collection: str, index_id: str, asset: str, payload: Mapping[str, Any]) -> None:
    """Every point of ours of the asset has these keys with these values; its other keys and its vectors stay.

    Qdrant's set_payload removes a key whose new value is null. So nulls go by overwriting the payload of the points
    that do not have them already; in a usual refresh there are none.
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
    """Whole payloads in requests of bounded size; those of one asset are about equally large."""
    [first] = (await operations.payloads(session, collection, ids[:1])).values() or [{}]
    at_once = max(1, min(BATCH_POINTS, BATCH_BYTES // len(json.dumps(first))))
    for start in range(0, len(ids), at_once):
        payloads = await operations.payloads(session, collection, ids[start : start + at_once])
        changed = {point_id: {**payload, **nulls} for point_id, payload in payloads.items()}
        if changed:
            await operations.overwrite_payloads(session, collection, changed)
