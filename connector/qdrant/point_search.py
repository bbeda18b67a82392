"""Searches points: one query per named vector, fused by Qdrant, and the similarities behind the fused ranks."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from qdrant_client import models

from connector.domain.arrays import Float32
from connector.domain.errors import SinkMismatch
from connector.domain.points import ID_KEYS, is_own
from connector.domain.sink_model import Hit, Similarities
from connector.qdrant import point_filters
from connector.qdrant.connection import Connection
from connector.qdrant.failures import CollectionMissing
from connector.qdrant.session import Session

CANDIDATES = 100
SAMPLE = 100
_NEAREST = 10
"""So many of the nearest points are read, because the first ones may belong to other programs."""
_HIT_KEYS = [*ID_KEYS, "index_name", "embedding_options", "filename", "transcript"]

T = TypeVar("T")


async def search(
    session: Session,
    collection: str,
    vector: Float32,
    options: Mapping[str, float | None],
    index_ids: Sequence[str],
    limit: int,
) -> list[Hit]:
    """`options` maps the named vectors to search to the lowest similarity that counts, or None."""

    async def ask(candidates: int) -> list[list[models.ScoredPoint]]:
        lists = [_nearest(vector, name, index_ids, candidates, [], least) for name, least in options.items()]
        return await _queries(session, collection, [_fused(lists, limit), *lists])

    fused, *lists = await _as_many(ask, most=max(limit, CANDIDATES), least=limit)
    similarities: dict[str, dict[str, float]] = {}
    for name, points in zip(options, lists, strict=True):
        for point in points:
            similarities.setdefault(str(point.id), {})[name] = point.score
    return [_hit(point, similarities.get(str(point.id), {})) for point in _own(fused)]


async def similarities(
    session: Session, collection: str, vector: Float32, options: Sequence[str], index_ids: Sequence[str]
) -> dict[str, Similarities]:
    async def nearest(count: int) -> list[list[models.ScoredPoint]]:
        lists = [_nearest(vector, name, index_ids, count, [*ID_KEYS], None) for name in options]
        return await _queries(session, collection, lists)

    lists = await _as_many(nearest, most=_NEAREST, least=1)
    best = {name: own[0].score for name, points in zip(options, lists, strict=True) if (own := _own(points))}
    return {
        name: Similarities(score, await _sample(session, collection, vector, name, index_ids))
        for name, score in best.items()
    }


async def _sample(
    session: Session, collection: str, vector: Float32, option: str, index_ids: Sequence[str]
) -> tuple[float, ...]:
    """Similarities of the first points in the order of their ids.

    Ids are hashes, so this is a random sample, and the same one in every call.
    """

    async def first(count: int) -> list[models.Record]:
        request = partial(_first, collection, point_filters.having(option, index_ids), count, option)
        return await session.call("read points of collection", collection, request)

    records = point_filters.own(await _as_many(first, most=SAMPLE, least=1))
    stored = [record.vector[option] for record in records if isinstance(record.vector, dict)]
    if not stored:
        return ()
    rows = np.asarray(stored, np.float32)
    cosines = rows @ vector / (np.linalg.norm(rows, axis=1) * np.linalg.norm(vector))
    return tuple(float(cosine) for cosine in cosines)


async def _first(
    collection: str, only: models.Filter, limit: int, option: str, connection: Connection
) -> list[models.Record]:
    records, _ = await connection.client.scroll(
        collection_name=collection, scroll_filter=only, limit=limit, with_payload=[*ID_KEYS], with_vectors=[option]
    )
    return records


async def _as_many(request: Callable[[int], Awaitable[T]], *, most: int, least: int) -> T:
    """Ask for `most` points; halve the number while strict mode rejects it. Raises SinkMismatch at `least`."""
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


def _nearest(
    vector: Float32, option: str, index_ids: Sequence[str], limit: int, keys: list[str], least: float | None
) -> models.QueryRequest:
    return models.QueryRequest(
        query=vector.tolist(),
        using=option,
        filter=point_filters.of_indexes(index_ids),
        limit=limit,
        score_threshold=least,
        with_payload=keys or False,
    )


def _fused(lists: Iterable[models.QueryRequest], limit: int) -> models.QueryRequest:
    """Fuses the candidates of all lists. Every list has the filter."""
    prefetches = [
        models.Prefetch(
            query=it.query, using=it.using, filter=it.filter, limit=it.limit, score_threshold=it.score_threshold
        )
        for it in lists
    ]
    return models.QueryRequest(
        prefetch=prefetches, query=models.FusionQuery(fusion=models.Fusion.RRF), limit=limit, with_payload=_HIT_KEYS
    )


async def _queries(
    session: Session, collection: str, requests: list[models.QueryRequest]
) -> list[list[models.ScoredPoint]]:
    async def ask(connection: Connection) -> list[models.QueryResponse]:
        return await connection.client.query_batch_points(collection_name=collection, requests=requests)

    return [response.points for response in await session.call("search collection", collection, ask)]


def _own(points: Collection[models.ScoredPoint]) -> list[models.ScoredPoint]:
    return [point for point in points if point.payload and is_own(str(point.id), point.payload)]


def _hit(point: models.ScoredPoint, similarities: Mapping[str, float]) -> Hit:
    payload = point.payload or {}
    options = payload.get("embedding_options")
    return Hit(
        score=point.score,
        index_id=payload["index_id"],
        index_name=_text(payload.get("index_name")),
        indexed_asset_id=payload["indexed_asset_id"],
        filename=_text(payload.get("filename")),
        start_offset_sec=payload["start_offset_sec"],
        end_offset_sec=payload["end_offset_sec"],
        embedding_options=tuple(map(str, options)) if isinstance(options, list) else (),
        transcript=_text(payload.get("transcript")),
        similarities=similarities,
    )


def _text(value: Any) -> str | None:
    """A value of another type counts as absent, because anybody can change a payload."""
    return value if isinstance(value, str) else None
