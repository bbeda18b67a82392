"""Single requests to Qdrant. Writes check the acknowledgement."""

from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any

from qdrant_client import models

from connector.domain.errors import PointsRejected, SinkMismatch, Unavailable
from connector.domain.points import AssetPoints
from connector.qdrant.batches import upsert
from connector.qdrant.collection import PayloadIndex
from connector.qdrant.connection import Connection, Transport
from connector.qdrant.failures import CollectionMissing
from connector.qdrant.session import Session

PREFETCH_LIMIT = 100


async def find(session: Session, collection: str) -> models.CollectionInfo | None:
    try:
        return await session.call(
            "inspect Qdrant collection", collection, lambda on: on.client.get_collection(collection_name=collection)
        )
    except CollectionMissing:
        return None


async def aliases(session: Session) -> dict[str, str]:
    """Alias -> collection."""
    answer = await session.call("list Qdrant's aliases", "", lambda on: on.client.get_aliases())
    return {one.alias_name: one.collection_name for one in answer.aliases}


async def count(session: Session, collection: str, only: models.Filter | None) -> int:
    """Exact count. If strict mode forbids exact counts, list the points instead."""
    try:
        return await session.call("count points of collection", collection, partial(_count, collection, only))
    except CollectionMissing:
        raise
    except SinkMismatch:
        return sum([len(page) async for page in scroll(session, collection, only or models.Filter(), [])])


async def _count(collection: str, only: models.Filter | None, connection: Connection) -> int:
    answer = await connection.client.count(collection_name=collection, count_filter=only, exact=True)
    return answer.count


async def write(session: Session, collection: str, points: AssetPoints, rows: range) -> None:
    async def send(connection: Connection) -> None:
        _acknowledged(await upsert(connection, collection, points, rows), collection)

    await session.call("write points to collection", collection, send, refused=PointsRejected)


async def delete(session: Session, collection: str, ids: list[models.ExtendedPointId]) -> None:
    async def send(connection: Connection) -> None:
        selector = models.PointIdsList(points=ids)
        result = await connection.client.delete(collection_name=collection, points_selector=selector, wait=True)
        _acknowledged(_completed(result), collection)

    await session.call("delete points of collection", collection, send)


async def set_payload(
    session: Session, collection: str, payload: Mapping[str, Any], ids: list[models.ExtendedPointId]
) -> None:
    async def send(connection: Connection) -> None:
        result = await connection.client.set_payload(
            collection_name=collection, payload=dict(payload), points=ids, wait=True
        )
        _acknowledged(_completed(result), collection)

    await session.call("change payloads in collection", collection, send, refused=PointsRejected)


async def payloads(
    session: Session, collection: str, ids: list[models.ExtendedPointId]
) -> dict[models.ExtendedPointId, dict[str, Any]]:
    """The whole payload of each point."""
    records = await session.call(
        "read payloads of collection",
        collection,
        lambda on: on.client.retrieve(collection_name=collection, ids=ids, with_payload=True),
    )
    return {record.id: record.payload or {} for record in records}


async def overwrite_payloads(
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
        _acknowledged(all(map(_completed, results)), collection)

    await session.call("change payloads in collection", collection, send, refused=PointsRejected)


async def index_payload(session: Session, collection: str, key: str, index: PayloadIndex) -> None:
    async def send(connection: Connection) -> None:
        if connection.transport is Transport.EMBEDDED:
            return  # embedded storage filters without payload indexes
        result = await connection.client.create_payload_index(
            collection_name=collection, field_name=key, field_schema=index, wait=True
        )
        _acknowledged(_completed(result), collection)

    await session.call(f"index payload key {key} of collection", collection, send)


async def scroll(
    session: Session, collection: str, only: models.Filter, keys: list[str]
) -> AsyncIterator[list[models.Record]]:
    """Yield pages of points with these payload keys."""
    offset, limit = None, session.page_limit
    while True:
        try:
            request = partial(_page, collection, only, keys, limit, offset)
            records, offset = await session.call("list points of collection", collection, request)
        except CollectionMissing:
            raise
        except SinkMismatch:
            if limit == 1:
                raise
            limit //= 2  # strict mode may only allow smaller pages
            continue
        session.page_limit = min(session.page_limit, limit)
        yield records
        if offset is None:
            return


async def _page(
    collection: str, only: models.Filter, keys: list[str], limit: int, offset: Any, connection: Connection
) -> tuple[list[models.Record], Any]:
    return await connection.client.scroll(
        collection_name=collection,
        scroll_filter=only,
        limit=limit,
        offset=offset,
        with_payload=keys,
        with_vectors=False,
    )


async def facet(session: Session, collection: str, only: models.Filter, key: str, limit: int) -> dict[str, int] | None:
    """Payload value -> number of points; None if Qdrant rejects it (no payload index, or a strict mode limit)."""
    try:
        return await session.call(
            f"count points by {key} in collection", collection, partial(_facet, collection, only, key, limit)
        )
    except CollectionMissing:
        return {}
    except SinkMismatch:
        return None


async def _facet(collection: str, only: models.Filter, key: str, limit: int, connection: Connection) -> dict[str, int]:
    answer = await connection.client.facet(
        collection_name=collection, key=key, facet_filter=only, limit=limit, exact=True
    )
    counts = {str(hit.value): hit.count for hit in answer.hits}
    if connection.transport is Transport.EMBEDDED:
        # Embedded storage returns 32 hex digits as a UUID with hyphens.
        return {value.replace("-", ""): count for value, count in counts.items()}
    return counts


async def query(
    session: Session, collection: str, prefetches: Callable[[int], list[models.Prefetch]], keys: list[str], limit: int
) -> list[models.ScoredPoint]:
    """`prefetches` builds candidate lists of a given length; halve the length while strict mode rejects it."""
    candidates = max(limit, PREFETCH_LIMIT)
    while True:
        request = partial(_fused, collection, prefetches(candidates), keys, limit)
        try:
            return await session.call("search collection", collection, request)
        except CollectionMissing:
            raise
        except SinkMismatch:
            if candidates == limit:
                raise
            candidates = max(limit, candidates // 2)


async def _fused(
    collection: str, prefetches: list[models.Prefetch], keys: list[str], limit: int, connection: Connection
) -> list[models.ScoredPoint]:
    answer = await connection.client.query_points(
        collection_name=collection,
        prefetch=prefetches,
        query=models.FusionQuery(fusion=models.Fusion.RRF),
        limit=limit,
        with_payload=keys,
    )
    return answer.points


def _completed(result: models.UpdateResult) -> bool:
    return result.status is models.UpdateStatus.COMPLETED


def _acknowledged(completed: bool, collection: str) -> None:
    """Raise Unavailable if Qdrant responds 200 but only queued the write or stopped waiting for it."""
    if not completed:
        cause = "Qdrant did not confirm that the write is complete"
        raise Unavailable("write to collection", collection, cause, side="sink")
