"""Deletes our own points of an asset, then verifies the delete. Never touches other points."""

from collections.abc import Collection

from qdrant_client import models

from connector.domain.errors import Unavailable
from connector.domain.events import PointsDeleted
from connector.domain.points import ID_KEYS
from connector.qdrant import point_filters
from connector.qdrant.connection import Connection
from connector.qdrant.failures import CollectionMissing, completed, require_acknowledged
from connector.qdrant.point_filters import own
from connector.qdrant.point_reads import scroll
from connector.qdrant.session import Session


async def delete(session: Session, collections: Collection[str], index_id: str, asset: str) -> None:
    """Delete the asset's points from all of the collections; skip missing collections."""
    only = point_filters.of_asset(index_id, asset)
    for collection in collections:
        try:
            await clear(session, collection, only, index_id)
        except CollectionMissing:
            continue


async def clear(session: Session, collection: str, only: models.Filter, index_id: str) -> None:
    """Delete our points among the selected ones, then verify, because a replica may lag behind the write.

    `only` selects points of this index.
    """

    async def look_again(_: Connection) -> None:
        if left := await own_ids(session, collection, only):
            cause = f"{len(left)} points still exist after the delete"
            raise Unavailable("verify a delete in collection", collection, cause, side="sink")

    if ids := await own_ids(session, collection, only):
        await delete_ids(session, collection, ids, index_id)
        await session.call("verify a delete in collection", collection, look_again)


async def own_ids(session: Session, collection: str, only: models.Filter) -> list[models.ExtendedPointId]:
    return [record.id async for records in scroll(session, collection, only, ID_KEYS) for record in own(records)]


async def delete_ids(session: Session, collection: str, ids: list[models.ExtendedPointId], index_id: str) -> None:
    async def send(connection: Connection) -> None:
        selector = models.PointIdsList(points=ids)
        result = await connection.client.delete(collection_name=collection, points_selector=selector, wait=True)
        require_acknowledged(completed(result), collection)

    await session.call("delete points of collection", collection, send)
    session.observe(PointsDeleted(index_id, len(ids)))
