"""Checks whether the key may write, without writing.

Measured with Qdrant 1.16: a key that may only read gets 403 for these two requests, as for every write.
"""

from qdrant_client import models

from connector.domain.errors import SinkMismatch
from connector.domain.sink_model import CollectionInfo
from connector.qdrant.connection import Connection, Transport
from connector.qdrant.session import Session


async def check_write_access(session: Session, collection: CollectionInfo | None) -> None:
    """As the port says."""
    if collection is None:
        await session.call("create collections with", "this key", _change_no_alias)
        return

    async def delete_nothing(connection: Connection) -> None:
        if connection.transport is not Transport.EMBEDDED:
            await connection.client.delete(collection.name, points_selector=models.PointIdsList(points=[]))

    try:
        await session.call("write points to collection", collection.name, delete_nothing)
    except SinkMismatch:
        return  # a key that may write is told that the request is empty


async def _change_no_alias(connection: Connection) -> None:
    if connection.transport is not Transport.EMBEDDED:
        await connection.client.update_collection_aliases(change_aliases_operations=[])
