"""Sends search queries in batches, within the limits of strict mode."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from qdrant_client import models

from connector.domain.errors import SinkMismatch
from connector.qdrant.connection import Connection, Transport
from connector.qdrant.failures import CollectionMissing
from connector.qdrant.session import Session

T = TypeVar("T")


async def as_many(request: Callable[[int], Awaitable[T]], *, most: int, least: int) -> T:
    """Ask for `most` points; halve the number while strict mode rejects it.

    Raises SinkMismatch if it rejects `least` too.
    """
    count = most
    while True:
        try:
            return await request(count)
        except CollectionMissing:
            raise
        except SinkMismatch:
            if count == least:
                raise
            count = max(least, count // 2)


async def queries(
    session: Session, collection: str, requests: list[models.QueryRequest]
) -> list[list[models.ScoredPoint]]:
    """The points of each query, in one request. Without their parameters if strict mode rejects those."""
    try:
        return await _answers(session, collection, requests)
    except CollectionMissing:
        raise
    except SinkMismatch:
        if not any(it.params for it in requests):
            raise
    return await _answers(session, collection, [_without_params(it) for it in requests])


async def _answers(
    session: Session, collection: str, requests: list[models.QueryRequest]
) -> list[list[models.ScoredPoint]]:
    async def ask(connection: Connection) -> list[models.QueryResponse]:
        exact = connection.transport is Transport.EMBEDDED
        asked = [_without_params(it) for it in requests] if exact else requests
        return await connection.client.query_batch_points(collection_name=collection, requests=asked)

    return [response.points for response in await session.call("search collection", collection, ask)]


def _without_params(request: models.QueryRequest) -> models.QueryRequest:
    return request.model_copy(update={"params": None})
