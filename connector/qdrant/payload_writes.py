"""Changes payload keys of points. Every write checks the acknowledgement."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from qdrant_client import models

from connector.domain.errors import PointsRejected
from connector.domain.payload_profile import DERIVED_KEYS, SOURCE_KEYS, PayloadProfile, derived_keys
from connector.domain.points import ID_KEYS
from connector.qdrant import point_filters
from connector.qdrant.connection import Connection
from connector.qdrant.failures import completed, require_acknowledged
from connector.qdrant.point_encoding import BATCH_BYTES, BATCH_POINTS
from connector.qdrant.point_filters import own
from connector.qdrant.point_reads import scroll
from connector.qdrant.session import Session

Payloads = Mapping[models.ExtendedPointId, Mapping[str, Any]]
"""By point id."""


async def patch(
    session: Session,
    collection: str,
    index_id: str,
    asset: str,
    payload: Mapping[str, Any],
    payload_profile: PayloadProfile,
) -> None:
    """Set these payload keys on our points of the asset; keep other keys and vectors. See `Sink.set_payload`.

    Qdrant's set_payload removes a key whose new value is null. For nulls, overwrite the payload of the points that do
    not have them yet; in a typical refresh there are none.
    """
    present = {key: value for key, value in payload.items() if value is not None}
    absent = payload.keys() - present.keys()
    only = point_filters.of_asset(index_id, asset)
    extra = DERIVED_KEYS if payload_profile == "none" else SOURCE_KEYS
    async for records in scroll(session, collection, only, [*ID_KEYS, *sorted(absent), *extra]):
        ours = own(records)
        if payload_profile == "none":
            await _remove(session, collection, [it.id for it in ours if (it.payload or {}).keys() >= set(DERIVED_KEYS)])
            if ours and present:
                await _set_payload(session, collection, present, [record.id for record in ours])
        else:
            stored = {it.id: {**(it.payload or {}), **payload} for it in ours}
            changed = {key: present | derived_keys(payload_profile, it) for key, it in stored.items()}
            await _set_payloads(session, collection, changed)
        stale = [record.id for record in ours if not _all_null(record.payload or {}, absent)]
        if stale:
            await _overwrite(session, collection, stale, dict.fromkeys(absent))


def _all_null(payload: Mapping[str, Any], keys: Collection[str]) -> bool:
    return payload.keys() >= set(keys) and all(payload[key] is None for key in keys)


async def _overwrite(session: Session, collection: str, ids: list[Any], nulls: Mapping[str, None]) -> None:
    """Overwrite whole payloads in batches of limited size; payloads of one asset have about the same size."""
    [first] = (await _payloads(session, collection, ids[:1])).values() or [{}]
    at_once = max(1, min(BATCH_POINTS, BATCH_BYTES // len(json.dumps(first))))
    for start in range(0, len(ids), at_once):
        payloads = await _payloads(session, collection, ids[start : start + at_once])
        changed = {point_id: {**payload, **nulls} for point_id, payload in payloads.items()}
        if changed:
            await _overwrite_payloads(session, collection, changed)


async def _set_payload(
    session: Session, collection: str, payload: Mapping[str, Any], ids: list[models.ExtendedPointId]
) -> None:
    async def send(connection: Connection) -> None:
        result = await connection.client.set_payload(
            collection_name=collection, payload=dict(payload), points=ids, wait=True
        )
        require_acknowledged(completed(result), collection)

    await session.call("change payloads in collection", collection, send, refused=PointsRejected)


async def _payloads(
    session: Session, collection: str, ids: list[models.ExtendedPointId]
) -> dict[models.ExtendedPointId, dict[str, Any]]:
    """The whole payload of each point."""
    only = models.Filter(must=[models.HasIdCondition(has_id=ids)])
    pages = [page async for page in scroll(session, collection, only, None)]
    return {record.id: record.payload or {} for page in pages for record in page}


async def _set_payloads(session: Session, collection: str, payloads: Payloads) -> None:
    """Set these keys of each point. In one operation per point: payload operations are what Qdrant is slow at."""
    for some in _batches(payloads):
        operations = [
            models.SetPayloadOperation(set_payload=models.SetPayload(payload=payload, points=[point_id]))
            for point_id, payload in some.items()
        ]
        await _send(session, collection, operations)


async def _remove(session: Session, collection: str, ids: list[models.ExtendedPointId]) -> None:
    """Remove the derived keys."""
    if ids:
        keys = models.DeletePayload(keys=list(DERIVED_KEYS), points=ids)
        await _send(session, collection, [models.DeletePayloadOperation(delete_payload=keys)])


def _batches(payloads: Payloads) -> Iterator[dict[models.ExtendedPointId, dict[str, Any]]]:
    """At most BATCH_POINTS and about BATCH_BYTES per batch; a larger one goes alone."""
    some, size = dict[models.ExtendedPointId, dict[str, Any]](), 0
    for point_id, payload in payloads.items():
        more = len(json.dumps(payload))
        if some and (len(some) == BATCH_POINTS or size + more > BATCH_BYTES):
            yield some
            some, size = {}, 0
        some[point_id] = dict(payload)
        size += more
    if some:
        yield some


async def _overwrite_payloads(
    session: Session, collection: str, payloads: Mapping[models.ExtendedPointId, dict[str, Any]]
) -> None:
    """Replace the whole payload of each point."""
    await _send(
        session,
        collection,
        [
            models.OverwritePayloadOperation(overwrite_payload=models.SetPayload(payload=payload, points=[point_id]))
            for point_id, payload in payloads.items()
        ],
    )


async def _send(session: Session, collection: str, operations: Sequence[models.UpdateOperation]) -> None:
    async def send(connection: Connection) -> None:
        results = await connection.client.batch_update_points(
            collection_name=collection, update_operations=operations, wait=True
        )
        require_acknowledged(all(map(completed, results)), collection)

    await session.call("change payloads in collection", collection, send, refused=PointsRejected)
