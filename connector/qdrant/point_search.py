"""Searches points: one query per named vector, and the ranks fused here, because the similarities are needed too."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qdrant_client import models

from connector.domain.arrays import Float32
from connector.domain.bm25 import TRANSCRIPT_BM25
from connector.domain.fusion import fuse
from connector.domain.points import ID_KEYS, is_own
from connector.domain.sink_model import FoundPoint, Hit, RankedPoints
from connector.qdrant import point_filters
from connector.qdrant.connection import Connection
from connector.qdrant.query_batches import as_many, queries
from connector.qdrant.session import Session
from connector.qdrant.word_search import SaidWords, WantedWords, said

CANDIDATES = 100
OVERSAMPLING = 2.0
"""Of a quantized collection, so many times the points are found by int8, and the best are chosen by full vectors."""
_NEAREST = 10
"""So many of the nearest points are read, because the first ones may belong to other programs."""
_HIT_KEYS = [*ID_KEYS, "index_name", "embedding_options", "filename", "transcript"]


async def search(
    session: Session,
    collection: str,
    vector: Float32,
    options: Mapping[str, float | None],
    index_ids: Sequence[str],
    limit: int,
    oversampling: float | None,
) -> list[Hit]:
    """`options` maps the named vectors to search to the lowest similarity that counts, or None."""
    wanted = WantedVectors(dict.fromkeys(options, vector), options, oversampling=oversampling)
    only = point_filters.of_indexes(index_ids)
    return [_hit(point) for point in await fused(session, collection, wanted, only, limit, _HIT_KEYS)]


@dataclass(frozen=True, slots=True, eq=False)
class WantedVectors:
    """The vector to search each named vector for, shape (dimension,), and the lowest similarity that counts there.

    `words` are searched in `transcript-bm25`. `weights` of all these; None for 1 each. `oversampling` is for
    quantized vectors; None leaves it to Qdrant. `candidates` are how many of each are ranked, or fewer if strict mode
    allows no more; None for as many as the limit needs, so that another limit may rank them otherwise.
    """

    vectors: Mapping[str, Float32]
    at_least: Mapping[str, float | None]
    weights: Mapping[str, float] | None = None
    words: WantedWords | None = None
    oversampling: float | None = None
    candidates: int | None = None


async def fused(
    session: Session, collection: str, wanted: WantedVectors, only: models.Filter | None, limit: int, keys: list[str]
) -> RankedPoints:
    """The best points over all named vectors, best first, with these payload keys. Omits points of other programs."""
    most, precisely = wanted.candidates or max(limit, CANDIDATES), _precisely(wanted.oversampling)
    least = 1 if wanted.candidates else limit

    async def ask(candidates: int) -> tuple[int, list[list[models.ScoredPoint]]]:
        lists = [
            _nearest(vector, name, only, candidates, [], wanted.at_least.get(name), precisely)
            for name, vector in wanted.vectors.items()
        ]
        return candidates, await queries(session, collection, lists)

    asked, answers = await as_many(ask, most=most, least=least) if wanted.vectors else (most, [])
    lists = dict(zip(wanted.vectors, answers, strict=True))
    similar: dict[str, dict[str, float]] = {}
    for name, points in lists.items():
        for point in points:
            similar.setdefault(str(point.id), {})[name] = point.score
    ranks = {name: [str(it.id) for it in points] for name, points in lists.items()}
    words = await said(session, collection, wanted.words, only, most, least) if wanted.words else SaidWords()
    for point_id, share in words.shares.items():
        similar.setdefault(point_id, {})[TRANSCRIPT_BM25] = share
    fusing = {**ranks, TRANSCRIPT_BM25: [*words.shares]}
    ranked = fuse(fusing, wanted.weights or {}, {TRANSCRIPT_BM25: words.shares})
    payloads = await _payloads(session, collection, [it for it, _ in ranked[:limit]], keys)
    return RankedPoints(
        [_found(it, score, payloads[it], similar) for it, score in ranked[:limit] if it in payloads],
        complete=len(ranked) <= limit and words.complete and all(len(it) < asked for it in answers),
        most_said=max(words.shares.values(), default=0.0),
    )


async def best_similarities(
    session: Session,
    collection: str,
    vectors: Mapping[str, Float32],
    only: models.Filter | None,
    oversampling: float | None,
) -> dict[str, float]:
    """Named vector -> the highest cosine similarity among our own points. A vector that no point has is left out."""

    async def nearest(count: int) -> list[list[models.ScoredPoint]]:
        precisely = _precisely(oversampling)
        lists = [_nearest(vector, name, only, count, [*ID_KEYS], None, precisely) for name, vector in vectors.items()]
        return await queries(session, collection, lists)

    lists = await as_many(nearest, most=_NEAREST, least=1)
    return {name: own[0].score for name, points in zip(vectors, lists, strict=True) if (own := _own(points))}


def _precisely(oversampling: float | None) -> models.SearchParams | None:
    """Without effect on vectors that are not quantized. By itself, Qdrant answers with similarities of int8 vectors."""
    if oversampling is None:
        return None
    return models.SearchParams(quantization=models.QuantizationSearchParams(rescore=True, oversampling=oversampling))


def _nearest(
    vector: Float32,
    option: str,
    only: models.Filter | None,
    limit: int,
    keys: list[str],
    least: float | None,
    params: models.SearchParams | None,
) -> models.QueryRequest:
    return models.QueryRequest(
        query=vector.tolist(),
        using=option,
        filter=only,
        limit=limit,
        score_threshold=least,
        params=params,
        with_payload=keys or False,
    )


def _own(points: Collection[models.ScoredPoint]) -> list[models.ScoredPoint]:
    return [point for point in points if point.payload and is_own(str(point.id), point.payload)]


async def _payloads(
    session: Session, collection: str, point_ids: Sequence[str], keys: list[str]
) -> dict[str, dict[str, Any]]:
    """The payloads of our own points among these."""
    uuids = [it for it in point_ids if not it.isdecimal()]  # a number is the id of another program's point
    if not uuids:
        return {}

    async def ask(connection: Connection) -> list[models.Record]:
        return await connection.client.retrieve(
            collection_name=collection, ids=uuids, with_payload=keys, with_vectors=False
        )

    records = await session.call("read points of collection", collection, ask)
    return {str(it.id): it.payload or {} for it in point_filters.own(records)}


def _found(
    point_id: str, score: float, payload: Mapping[str, Any] | None, similar: Mapping[str, Mapping[str, float]]
) -> FoundPoint:
    return FoundPoint(point_id, score, payload or {}, similar.get(point_id, {}))


def _hit(point: FoundPoint) -> Hit:
    payload = point.payload
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
        similarities=point.similarities,
    )


def _text(value: Any) -> str | None:
    """A value of another type counts as absent, because anybody can change a payload."""
    return value if isinstance(value, str) else None
