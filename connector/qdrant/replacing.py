"""Writing all points of an asset: batches in flight, and the one point that Qdrant refuses found by bisection."""

import asyncio
from collections.abc import Iterator

from connector.errors import ConnectorError, PointsRejected, RateLimited
from connector.points import AssetPoints
from connector.qdrant import requests
from connector.qdrant.batches import batches
from connector.qdrant.session import Session

BATCHES_IN_FLIGHT = 4


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
        await requests.write(session, collection, points, rows)
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
