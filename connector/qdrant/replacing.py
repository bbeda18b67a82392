"""Replacing an asset's points: new ones written in batches, old ones cleared, then the count of the whole."""

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
    """New points before old ones go: a reader never sees a hole. `others` must not be `collection` by another name.

    The count comes after everything else that could have deleted a point.
    """
    index_id, asset, revision = points.index_id, points.indexed_asset_id, points.revision
    await upsert_all(session, points, collection)
    stale = filters.of_other_revisions(index_id, asset, revision)
    if await operations.count(session, collection, stale):
        await clear(session, collection, stale)
    await delete(session, others, index_id, asset)
    await _expect(session, collection, filters.of_revision(index_id, asset, revision), len(points))


async def delete(session: Session, collections: Collection[str], index_id: str, asset: str) -> None:
    """The asset's points go from all of the collections; one that does not exist holds none."""
    only = filters.of_asset(index_id, asset)
    for collection in collections:
        try:
            await clear(session, collection, only)
        except CollectionMissing:
            continue


async def _expect(session: Session, collection: str, only: models.Filter, points: int) -> None:
    """Counts until the collection holds so many points of ours; a replica may lag behind the write."""

    async def compare(_: Connection) -> None:
        found = await operations.count(session, collection, only)
        if found > points:
            found = len(await own_ids(session, collection, only))  # somebody has copied points of ours
        if found != points:
            cause = f"{found} points are there after a write that left {points}"
            raise Unavailable("verify a write to collection", collection, cause, side="sink")

    await session.call("verify a write to collection", collection, compare)


async def upsert_all(session: Session, points: AssetPoints, collection: str) -> None:
    """Returns when every point is acknowledged. Raises PointsRejected, naming a point; others may be stored then."""
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
    """Takes batches until there are no more, or until one of any worker has failed: they fail for one reason."""
    for rows in pending:
        try:
            await _upsert(session, points, collection, rows)
        except ConnectorError as failure:
            failures.append(failure)
        if failures:
            return


async def _upsert(session: Session, points: AssetPoints, collection: str, rows: range) -> None:
    """A batch that cannot be accepted as it is goes again in halves, down to the point that is to blame."""
    try:
        await operations.write(session, collection, points, rows)
    except PointsRejected as refusal:
        if len(rows) == 1:
            raise _named(points, rows.start, collection, refusal) from refusal
    except RateLimited as limit:
        # Without a time to wait, the batch is larger than the limiter's whole capacity.
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
