"""First writes of small assets: those that wait while an earlier one is on its way share the next request.

Most libraries are thousands of short videos, and for them a request costs more than its points.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass

from connector.domain.errors import ConnectorError, PointsRejected, RateLimited
from connector.domain.points import AssetPoints
from connector.qdrant import point_filters, point_writes
from connector.qdrant.point_encoding import BATCH_BYTES, BATCH_POINTS, size_of
from connector.qdrant.point_reads import count
from connector.qdrant.point_wire import WirePoints
from connector.qdrant.session import Session

_AT_ONCE = 8
_POINTS = BATCH_POINTS // _AT_ONCE
_BYTES = BATCH_BYTES // _AT_ONCE
"""An asset with at most so many points and bytes is small: a request with `_AT_ONCE` of them is within both limits."""


@dataclass(slots=True, eq=False)
class _Write:
    """An asset that waits to be written. If it is ended and not stored, it has to be written by itself."""

    points: AssetPoints
    ended: bool = False
    stored: bool = False
    error: ConnectorError | None = None


class GroupedWrites:
    """In each collection, one request with small assets is in flight at a time."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._waiting: defaultdict[str, list[_Write]] = defaultdict(list)
        self._turn: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def replace(self, points: AssetPoints, collection: str) -> None:
        """As `point_writes.replace` for an asset that has no points yet, and no other collection."""
        if not 0 < len(points) <= _POINTS or size_of(points) > _BYTES:
            await self._by_itself(points, collection)
            return
        write, waiting = _Write(points), self._waiting[collection]
        waiting.append(write)
        try:
            async with self._turn[collection]:
                if not write.ended:
                    await self._write_next(collection, waiting)
        finally:
            if write in waiting:
                waiting.remove(write)
        if write.error:
            raise write.error
        if not write.stored:
            await self._by_itself(points, collection)

    async def _write_next(self, collection: str, waiting: list[_Write]) -> None:
        group = waiting[:_AT_ONCE]
        stored, error = False, None
        try:
            if len(group) == 1:
                await self._by_itself(group[0].points, collection)
                stored = True
            else:
                stored = await self._together([it.points for it in group], collection)
        except ConnectorError as raised:
            error = raised
        for write in group:
            write.ended, write.stored, write.error = True, stored, error
            waiting.remove(write)

    async def _by_itself(self, points: AssetPoints, collection: str) -> None:
        await point_writes.replace(self._session, points, collection, (), first=True)

    async def _together(self, assets: list[AssetPoints], collection: str) -> bool:
        """False if Qdrant does not hold exactly these points of them afterwards, or rejects some."""
        try:
            parts = [(WirePoints(points), range(len(points))) for points in assets]
            await point_writes.store(self._session, collection, parts)
        except PointsRejected:
            return False
        except RateLimited as limit:
            if limit.retry_after is not None:
                raise
            return False  # more points than Qdrant's limiter accepts at once
        for index_id in {points.index_id for points in assets}:
            mine = [points for points in assets if points.index_id == index_id]
            only = point_filters.of_assets(index_id, [points.indexed_asset_id for points in mine])
            if await count(self._session, collection, only) != sum(map(len, mine)):
                return False
        return True
