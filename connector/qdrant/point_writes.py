"""Writes points: replaces those of an asset. Every write checks the acknowledgement."""

import asyncio
from collections.abc import Collection, Iterator, Sequence

from qdrant_client import grpc, models

from connector.domain.errors import ConnectorError, PointsRejected, RateLimited, Unavailable
from connector.domain.points import AssetPoints
from connector.qdrant import point_filters
from connector.qdrant.connection import Connection, Transport
from connector.qdrant.failures import require_acknowledged
from connector.qdrant.point_deletes import clear, delete, delete_ids, own_ids
from connector.qdrant.point_encoding import JSON_BYTES_PER_NUMBER, batches, rest_points
from connector.qdrant.point_reads import count
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
        await clear(session, collection, stale, index_id)
    await delete(session, others, index_id, asset)
    await _expect(session, collection, point_filters.of_revision(index_id, asset, revision), points.ids, index_id)


async def _expect(session: Session, collection: str, only: models.Filter, ids: Collection[str], index_id: str) -> None:
    """Verify that the collection holds these of our points; retry, because a replica may lag behind the write.

    Deletes points of ours that the asset does not have, although they carry its revision.
    """

    async def compare(_: Connection) -> None:
        found = await count(session, collection, only)
        if found > len(ids):  # more points of ours, or copies that somebody made
            ours = await own_ids(session, collection, only)
            surplus = [point_id for point_id in ours if str(point_id) not in wanted]
            if surplus:
                await delete_ids(session, collection, surplus, index_id)
            found = len(ours) - len(surplus)
        if found != len(ids):
            cause = f"found {found} points after the write, expected {len(ids)}"
            raise Unavailable("verify a write to collection", collection, cause, side="sink")

    wanted = set(ids)
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
        answer = await connection.upsert(request)
        return bool(answer.result.status == grpc.UpdateStatus.Completed)
    for wire, rows in parts:
        for some in batches(wire.points, rows, JSON_BYTES_PER_NUMBER):
            structs = rest_points(wire.points, some)
            result = await connection.client.upsert(collection_name=collection, points=structs, wait=True)
            if result.status is not models.UpdateStatus.COMPLETED:
                return False
    return True
