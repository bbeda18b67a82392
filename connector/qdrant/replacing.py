"""Replaces an asset's points: writes new ones in batches, deletes old ones, then verifies the count."""

import asyncio
from collections.abc import Collection, Iterator

from qdrant_client import models

from connector.domain.errors import ConnectorError, PointsRejected, RateLimited, Unavailable
from connector.domain.points import AssetPoints
from connector.qdrant import filters, operations
from connector.qdrant.batches import batches
from connector.qdrant.connection import Connection
from connector.qdrant.failures import CollectionMissing
from connector.qdrant.own import clear, own_ids
from connector.qdrant.session import Session

BATCHES_IN_FLIGHT = 4


async def replace(session: Session, points: AssetPoints, collection: str, others: Collection[str]) -> None:
    """Write new points before deleting old ones, so that readers never see a gap. `others` must not alias `collection`.

    Verifies the count last, after every step that could delete a point.
    """
    index_id, asset, revision = points.index_id, points.indexed_asset_id, points.revision
    await upsert_all(session, points, collection)
    stale = filters.of_other_revisions(index_id, asset, revision)
    if await operations.count(session, collection, stale):
        await clear(session, collection, stale)
    await delete(session, others, index_id, asset)
    await _expect(session, collection, filters.of_revision(index_id, asset, revision), len(points))


async def delete(session: Session, collections: Collection[str], index_id: str, asset: str) -> None:
    """Delete the asset's points from all of the collections; skip missing collections."""
    only = filters.of_asset(index_id, asset)
    for collection in collections:
        try:
            await clear(session, collection, only)
        except CollectionMissing:
            continue


async def _expect(session: Session, collection: str, only: models.Filter, points: int) -> None:
    """Verify that the collection holds this many of our points; retry, because a replica may lag behind the write."""

    async def compare(_: Connection) -> None:
        found = await operations.count(session, collection, only)
        if found > points:
            found = len(await own_ids(session, collection, only))  # somebody copied our points
        if found != points:
            cause = f"found {found} points after the write, expected {points}"
            raise Unavailable("verify a write to collection", collection, cause, side="sink")

    await session.call("verify a write to collection", collection, compare)


async def upsert_all(session: Session, points: AssetPoints, collection: str) -> None:
    """Write all points; return when all are acknowledged. PointsRejected names one point; others may be stored."""
    pending = batches(points)
    failures: list[ConnectorError] = []
    async with asyncio.TaskGroup() as group:
        for _ in range(BATCHES_IN_FLIGHT):
            group.create_task(_work(session, points, collection, pending, failures))
    if failures:
        raise failures[0]


async def _work(
    session: Session, points: AssetPoints, collection: str, pending: Iterator[range], failures: list[ConnectorError]
) -> None:
    """Write batches until none are left or any worker fails; the other batches would fail for the same reason."""
    for rows in pending:
        try:
            await _upsert(session, points, collection, rows)
        except ConnectorError as failure:
            failures.append(failure)
        if failures:
            return


async def _upsert(session: Session, points: AssetPoints, collection: str, rows: range) -> None:
    """Write one batch. If Qdrant rejects it, split it in halves, down to the rejected point."""
    try:
        await operations.write(session, collection, points, rows)
    except PointsRejected as refusal:
        if len(rows) == 1:
            raise _named(points, rows.start, collection, refusal) from refusal
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
