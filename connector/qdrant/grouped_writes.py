"""First writes of small assets: those that come at about the same time share a request.

Most libraries are thousands of short videos, and for them a request costs more than its points. A write waits for an
earlier one that is on its way, and for those of assets that are retrieved already. It does not wait for a retrieval.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from connector.domain.errors import ConnectorError, PointsRejected, RateLimited, SinkMismatch
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

_COMING: ContextVar[str | None] = ContextVar("coming", default=None)
"""The collection in which writes of others wait for the one of the running task."""


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
        self._coming = Counter[str]()
        self._came = asyncio.Event()

    @contextmanager
    def announce(self, collection: str, segments: int) -> Iterator[None]:
        """A `replace` of an asset with so many segments may follow in this block."""
        if segments > _POINTS:
            yield
            return
        self._coming[collection] += 1
        before = _COMING.set(collection)
        try:
            yield
        finally:
            self.arrive()
            _COMING.reset(before)

    def arrive(self) -> None:
        """The write of the running task, if others wait for it, has come or will not come."""
        if collection := _COMING.get():
            _COMING.set(None)
            self._coming[collection] -= 1
            self._came.set()

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
                    await self._gather(collection, waiting)
                    await self._write_next(collection, waiting)
        finally:
            if write in waiting:
                waiting.remove(write)
        if write.error:
            raise write.error
        if not write.stored:
            await self._by_itself(points, collection)

    async def _gather(self, collection: str, waiting: list[_Write]) -> None:
        """Wait for the announced writes to this collection: they need local work only, and none waits for this one."""
        while self._coming[collection] and len(waiting) < _AT_ONCE:
            self._came.clear()
            await self._came.wait()

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
        """False if Qdrant does not hold exactly these points of them afterwards, or refuses a request for so many."""
        try:
            parts = [(WirePoints(points), range(len(points))) for points in assets]
            await point_writes.store(self._session, collection, parts)
            return await self._holds_exactly(assets, collection)
        except (PointsRejected, SinkMismatch):
            return False  # one of them, or a condition with more values than strict mode allows
        except RateLimited as limit:
            if limit.retry_after is not None:
                raise
            return False  # more points than Qdrant's limiter accepts at once

    async def _holds_exactly(self, assets: list[AssetPoints], collection: str) -> bool:
        for index_id in {points.index_id for points in assets}:
            mine = [points for points in assets if points.index_id == index_id]
            only = point_filters.of_assets(index_id, [points.indexed_asset_id for points in mine])
            if await count(self._session, collection, only) != sum(map(len, mine)):
                return False
        return True
