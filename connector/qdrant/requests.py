"""Single requests, each with its acknowledgement checked: what the sink is made of."""

from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

from qdrant_client import models

from connector.errors import PointsRejected, Unavailable
from connector.points import AssetPoints
from connector.qdrant.batches import upsert
from connector.qdrant.collection import PayloadIndex
from connector.qdrant.connection import Connection, Transport
from connector.qdrant.failures import CollectionMissing
from connector.qdrant.session import Session


async def find(session: Session, collection: str) -> models.CollectionInfo | None:
    try:
        return await session.call(
            "inspect Qdrant collection", collection, lambda on: on.client.get_collection(collection_name=collection)
        )
    except CollectionMissing:
        return None


async def count(session: Session, collection: str, only: models.Filter | None) -> int:
    return await session.call("count points of collection", collection, partial(_count, collection, only))


async def expect(session: Session, collection: str, only: models.Filter, points: int) -> None:
    """Counts until the collection holds as many points; a replica may lag behind the write. Raises Unavailable."""

    async def compare(connection: Connection) -> None:
        found = await _count(collection, only, connection)
        if found != points:
            cause = f"{found} points are there after a write that left {points}"
            raise Unavailable("verify a write to collection", collection, cause, side="sink")

    await session.call("count points of collection", collection, compare)


async def _count(collection: str, only: models.Filter | None, connection: Connection) -> int:
    answer = await connection.client.count(collection_name=collection, count_filter=only, exact=True)
    return answer.count


async def write(session: Session, collection: str, points: AssetPoints, rows: range) -> None:
    async def send(connection: Connection) -> None:
        _acknowledged(await upsert(connection, collection, points, rows), collection)

    await session.call("write points to collection", collection, send, refused=PointsRejected)


async def delete(session: Session, collection: str, only: models.Filter) -> None:
    async def send(connection: Connection) -> None:
        selector = models.FilterSelector(filter=only)
        result = await connection.client.delete(collection_name=collection, points_selector=selector, wait=True)
        _acknowledged(_completed(result), collection)

    await session.call("delete points of collection", collection, send)


async def set_payload(session: Session, collection: str, payload: Mapping[str, Any], only: models.Filter) -> None:
    async def send(connection: Connection) -> None:
        result = await connection.client.set_payload(
            collection_name=collection, payload=dict(payload), points=only, wait=True
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
    """Each point has exactly its payload."""
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
            return  # embedded storage has none and filters without
        result = await connection.client.create_payload_index(
            collection_name=collection, field_name=key, field_schema=index, wait=True
        )
        _acknowledged(_completed(result), collection)

    await session.call(f"index payload key {key} of collection", collection, send)


async def scroll(
    session: Session, collection: str, only: models.Filter, keys: list[str], limit: int
) -> AsyncIterator[list[models.Record]]:
    """Pages of points with these payload keys; none where there is no such collection."""
    page: Any = None
    while True:
        try:
            records, page = await session.call(
                "list points of collection", collection, partial(_page, collection, only, keys, limit, page)
            )
        except CollectionMissing:
            if page is None:
                return
            raise
        yield records
        if page is None:
            return


async def _page(
    collection: str, only: models.Filter, keys: list[str], limit: int, page: Any, connection: Connection
) -> tuple[list[models.Record], Any]:
    return await connection.client.scroll(
        collection_name=collection,
        scroll_filter=only,
        limit=limit,
        offset=page,
        with_payload=keys,
        with_vectors=False,
    )


async def query(
    session: Session, collection: str, prefetches: list[models.Prefetch], keys: list[str], limit: int
) -> list[models.ScoredPoint]:
    answer = await session.call(
        "search collection",
        collection,
        lambda on: on.client.query_points(
            collection_name=collection,
            prefetch=prefetches,
            query=models.FusionQuery(fusion=models.Fusion.RRF),
            limit=limit,
            with_payload=keys,
        ),
    )
    return answer.points


def _completed(result: models.UpdateResult) -> bool:
    return result.status is models.UpdateStatus.COMPLETED


def _acknowledged(completed: bool, collection: str) -> None:
    """Qdrant answers 200 with another status where it has only queued the write, or stopped waiting for it."""
    if not completed:
        cause = "Qdrant did not confirm that the write is complete"
        raise Unavailable("write to collection", collection, cause, side="sink")
