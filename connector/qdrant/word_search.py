"""Searches the sparse vectors of transcripts: the best points by words, and how much of the query each of them says.

Ranks alone would put a segment that shares only "the" with a query beside one that says all of it. Qdrant knows how
rare each word is, so each word is also searched alone, for one point: its score divided by its value is the rarity.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from qdrant_client import models

from connector.domain.bm25 import TRANSCRIPT_BM25, highest_rarity, share_of_query
from connector.domain.errors import SinkMismatch
from connector.qdrant.failures import CollectionMissing
from connector.qdrant.point_reads import sparse_vector
from connector.qdrant.query_batches import as_many, queries
from connector.qdrant.session import Session

MOST_WORDS = 64
"""The largest number of words of a query that are searched for."""


@dataclass(frozen=True, slots=True)
class WantedWords:
    """`indices` are distinct words, as `bm25.query_words` makes them; `points` is the size of the collection.

    Points that say less than `least_share` of the query are not found.
    """

    indices: tuple[int, ...]
    points: int
    least_share: float = 0.0


@dataclass(frozen=True, slots=True)
class SaidWords:
    """Point id -> share of the query, 0 to 1, of the best points by BM25, best first; `complete` if these are all."""

    shares: Mapping[str, float] = field(default_factory=dict)
    complete: bool = True


async def said(
    session: Session, collection: str, wanted: WantedWords, only: models.Filter | None, limit: int, least: int
) -> SaidWords:
    """At most `limit` points; at least `least` of them if strict mode allows no more.

    May have points of other programs.
    """
    indices = wanted.indices[:MOST_WORDS]
    alone = [_query((index,), None, 1) for index in indices] if len(indices) > 1 else []

    async def ask(candidates: int) -> tuple[int, list[list[models.ScoredPoint]]]:
        return candidates, await _answers(session, collection, [_query(indices, only, candidates), *alone])

    if not indices:
        return SaidWords()
    asked, (best, *firsts) = await as_many(ask, most=limit, least=least)
    absent = highest_rarity(wanted.points)
    rarity = {index: _rarity(index, found, absent) for index, found in zip(indices, firsts, strict=bool(firsts))}
    shares = {str(it.id): share_of_query(rarity, _values(it)) if rarity else 1.0 for it in best}
    enough = {point_id: share for point_id, share in shares.items() if share >= wanted.least_share}
    return SaidWords(enough, complete=len(best) < asked)


def _query(indices: Sequence[int], only: models.Filter | None, limit: int) -> models.QueryRequest:
    return models.QueryRequest(
        query=models.SparseVector(indices=list(indices), values=[1.0] * len(indices)),
        using=TRANSCRIPT_BM25,
        filter=only,
        limit=limit,
        with_payload=False,
        with_vector=[TRANSCRIPT_BM25],
    )


async def _answers(
    session: Session, collection: str, requests: list[models.QueryRequest]
) -> list[list[models.ScoredPoint]]:
    """One by one if strict mode rejects so many at once."""
    try:
        return await queries(session, collection, requests)
    except CollectionMissing:
        raise
    except SinkMismatch:
        return [(await queries(session, collection, [request]))[0] for request in requests]


def _rarity(index: int, found: Sequence[models.ScoredPoint], absent: float) -> float:
    """The inverse document frequency of a word, from the point that it found alone."""
    if not found:
        return absent
    value = _values(found[0]).get(index, 0.0)
    return found[0].score / value if value else absent


def _values(point: models.ScoredPoint) -> dict[int, float]:
    vectors = point.vector if isinstance(point.vector, dict) else {}
    found = sparse_vector(vectors.get(TRANSCRIPT_BM25))
    return dict(zip(found.indices, found.values, strict=True)) if found else {}
