"""Writes points: replaces those of an asset, changes payload keys. Every write checks the acknowledgement."""

import asyncio
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from qdrant_client import grpc, models

from connector.domain.errors import ConnectorError, PointsRejected, RateLimited, Unavailable
from connector.domain.points import ID_KEYS, AssetPoints
from connector.qdrant import point_filters
from connector.qdrant.connection import TIMEOUT_SEC, Connection, Transport
from connector.qdrant.failures import completed, require_acknowledged
from connector.qdrant.point_deletes import clear, delete, own_ids
from connector.qdrant.point_encoding import (
    BATCH_BYTES,
    BATCH_POINTS,
    JSON_BYTES_PER_NUMBER,
    batches,
    rest_points,
)
from connector.qdrant.point_filters import own
from connector.qdrant.point_reads import count, scroll
from connector.qdrant.point_wire import WirePoints, upsert_request
from connector.qdrant.session import Session

BATCHES_IN_FLIGHT = 4

_ENCODED_AT_ONCE = 64
"""Points that are encoded on the event loop, in about 2 ms: a thread would take longer."""


async def replace(
    session: Session, points: AssetPoints, collection: str, others: Collection[str], *, first: bool = False
) -> None:
    """Write new points before deleting old ones, so that readers never see a gap. `others` must not alias `collection`.

    `first`: the asset had no points. Verifies the count last, after every step that could delete a point.
    """
    index_id, asset, revision = points.index_id, points.indexed_asset_id, points.revision
    await _upsert_all(session, points, collection)
    if first and await count(session, collection, point_filters.of_asset(index_id, asset)) == len(points):
        return
    stale = point_filters.of_other_revisions(index_id, asset, revision)
    if await count(session, collection, stale):
        await clear(session, collection, stale)
    await delete(session, others, index_id, asset)
    await _expect(session, collection, point_filters.of_revision(index_id, asset, revision), len(points))


async def _expect(session: Session, collection: str, only: models.Filter, points: int) -> None:
    """Verify that the collection holds this many of our points; retry, because a replica may lag behind the write."""

    async def compare(_: Connection) -> None:
        found = await count(session, collection, only)
        if found > points:
            found = len(await own_ids(session, collection, only))  # somebody copied our points
        if found != points:
            cause = f"found {found} points after the write, expected {points}"
            raise Unavailable("verify a write to collection", collection, cause, side="sink")

    await session.call("verify a write to collection", collection, compare)


async def _upsert_all(session: Session, points: AssetPoints, collection: str) -> None:
    """Write all points; return when all are acknowledged. PointsRejected names one point; others may be stored."""
    wire, pending = WirePoints(points), list(batches(points))
    if len(pending) == 1:
        await _upsert(session, wire, collection, pending[0])
        return
    left, failures = iter(pending), list[ConnectorError]()
    async with asyncio.TaskGroup() as group:
        for _ in range(BATCHES_IN_FLIGHT):
            group.create_task(_work(session, wire, collection, left, failures))
    if failures:
        raise failures[0]


async def _work(
    session: Session, points: WirePoints, collection: str, pending: Iterator[range], failures: list[ConnectorError]
) -> None:
    """Write batches until none are left or any worker fails; the other batches would fail for the same reason."""
    for rows in pending:
        try:
            await _upsert(session, points, collection, rows)
        except ConnectorError as failure:
            failures.append(failure)
        if failures:
            return


async def _upsert(session: Session, points: WirePoints, collection: str, rows: range) -> None:
    """Write one batch. If Qdrant rejects it, split it in halves, down to the rejected point."""
    try:
        await store(session, collection, [(points, rows)])
    except PointsRejected as refusal:
        if len(rows) == 1:
            raise _named(points.points, rows.start, collection, refusal) from refusal
    except RateLimited as limit:
        # A 429 without a retry time means that the batch exceeds the limiter's capacity.
        if len(rows) == 1 or limit.retry_after is not None:
            raise
    else:
        return
    middle = len(rows) // 2
    await _upsert(session, points, collection, rows[:middle])
    await _upsert(session, points, collection, rows[middle:])


def _named(points: AssetPoints, row: int, collection: str, refusal: PointsRejected) -> PointsRejected:
    start, end = int(points.start_ms[row]) / 1000, int(points.end_ms[row]) / 1000
    what = f"point {points.ids[row]} ({points.scopes[row]}, {start:g} to {end:g} seconds) of collection {collection}"
    return PointsRejected("write points of asset", points.indexed_asset_id, f"{what}: {refusal.cause}", refusal.advice)


async def store(session: Session, collection: str, parts: Sequence[tuple[WirePoints, range]]) -> None:
    """Write these rows of one or more assets in one request."""

    async def send(connection: Connection) -> None:
        require_acknowledged(await _send_batch(connection, collection, parts), collection)

    await session.call("write points to collection", collection, send, refused=PointsRejected)


async def _send_batch(connection: Connection, collection: str, parts: Sequence[tuple[WirePoints, range]]) -> bool:
    """Return True if Qdrant stored the points."""
    if connection.transport is Transport.GRPC:
        if sum(len(rows) for _, rows in parts) <= _ENCODED_AT_ONCE:
            request = upsert_request(collection, parts)
        else:
            request = await asyncio.to_thread(upsert_request, collection, parts)
        answer = await connection.client.grpc_points.Upsert(request, timeout=TIMEOUT_SEC)
        return bool(answer.result.status == grpc.UpdateStatus.Completed)
    for wire, rows in parts:
        for some in batches(wire.points, rows, JSON_BYTES_PER_NUMBER):
            structs = rest_points(wire.points, some)
            result = await connection.client.upsert(collection_name=collection, points=structs, wait=True)
            if result.status is not models.UpdateStatus.COMPLETED:
                return False
    return True


async def patch(session: Session, collection: str, index_id: str, asset: str, payload: Mapping[str, Any]) -> None:
    """Set these payload keys on our points of the asset; keep other keys and vectors.

    Qdrant's set_payload removes a key whose new value is null. For nulls, overwrite the payload of the points that do
    not have them yet; in a typical refresh there are none.
    """
    present = {key: value for key, value in payload.items() if value is not None}
    absent = payload.keys() - present.keys()
    only = point_filters.of_asset(index_id, asset)
    async for records in scroll(session, collection, only, [*ID_KEYS, *sorted(absent)]):
        ours = own(records)
        if ours and present:
            await _set_payload(session, collection, present, [record.id for record in ours])
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
    records = await session.call(
        "read payloads of collection",
        collection,
        lambda on: on.client.retrieve(collection_name=collection, ids=ids, with_payload=True),
    )
    return {record.id: record.payload or {} for record in records}


async def _overwrite_payloads(
    session: Session, collection: str, payloads: Mapping[models.ExtendedPointId, dict[str, Any]]
) -> None:
    """Replace the whole payload of each point."""
    operations = [
        models.OverwritePayloadOperation(overwrite_payload=models.SetPayload(payload=payload, points=[point_id]))
        for point_id, payload in payloads.items()
    ]

    async def send(connection: Connection) -> None:
        results = await connection.client.batch_update_points(
            collection_name=collection, update_operations=operations, wait=True
        )
        require_acknowledged(all(map(completed, results)), collection)

    await session.call("change payloads in collection", collection, send, refused=PointsRejected)
