"""Reads points: counts and lists them, and turns them into manifests."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from qdrant_client import grpc, models
from qdrant_client.conversions.conversion import RestToGrpc

from connector.domain.errors import SinkMismatch
from connector.domain.points import ID_KEYS
from connector.domain.sink_model import SinkAsset
from connector.qdrant.connection import TIMEOUT_SEC, Connection, Transport
from connector.qdrant.failures import CollectionMissing
from connector.qdrant.point_filters import own
from connector.qdrant.session import Session

MANIFEST_KEYS = [*ID_KEYS, "revision", "metadata_revision", "fingerprint", "asset_points"]
_HITS_AT_ONCE = 10_000
"""So many values of a facet are read before other tasks of the event loop get their turn."""


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


async def scroll(
    session: Session, collection: str, only: models.Filter, keys: Sequence[str]
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
    collection: str, only: models.Filter, keys: Sequence[str], limit: int, offset: Any, connection: Connection
) -> tuple[list[models.Record], Any]:
    return await connection.client.scroll(
        collection_name=collection,
        scroll_filter=only,
        limit=limit,
        offset=offset,
        with_payload=list(keys),
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
    if connection.transport is Transport.GRPC:
        return await _grpc_facet(collection, only, key, limit, connection)
    answer = await connection.client.facet(
        collection_name=collection, key=key, facet_filter=only, limit=limit, exact=True
    )
    counts = {str(hit.value): hit.count for hit in answer.hits}
    if connection.transport is Transport.EMBEDDED:
        # Embedded storage returns 32 hex digits as a UUID with hyphens.
        return {value.replace("-", ""): count for value, count in counts.items()}
    return counts


async def _grpc_facet(
    collection: str, only: models.Filter, key: str, limit: int, connection: Connection
) -> dict[str, int]:
    """Reads the answer itself: qdrant-client makes two objects of each of 100,000 values."""
    request = grpc.FacetCounts(
        collection_name=collection, key=key, filter=RestToGrpc.convert_filter(only), limit=limit, exact=True
    )
    answer = await connection.client.grpc_points.Facet(request, timeout=TIMEOUT_SEC)
    hits, counts = answer.hits, dict[str, int]()
    for first in range(0, len(hits), _HITS_AT_ONCE):
        counts |= {hit.value.string_value: hit.count for hit in hits[first : first + _HITS_AT_ONCE]}
        await asyncio.sleep(0)
    return counts


@dataclass(slots=True)
class Manifest:
    """Groups our own points by asset, page by page."""

    _revisions: dict[str, Counter[str]] = field(default_factory=dict)
    _metadata: dict[str, Counter[str]] = field(default_factory=dict)
    _claims: dict[str, set[tuple[str | None, int | None]]] = field(default_factory=dict)

    def add(self, records: Iterable[models.Record]) -> None:
        for record in own(records):
            payload = record.payload or {}
            asset = payload["indexed_asset_id"]
            self._revisions.setdefault(asset, Counter())[_text(payload.get("revision")) or ""] += 1
            self._metadata.setdefault(asset, Counter())[_text(payload.get("metadata_revision")) or ""] += 1
            claim = (_text(payload.get("fingerprint")), _number(payload.get("asset_points")))
            self._claims.setdefault(asset, set()).add(claim)

    def assets(self) -> dict[str, SinkAsset]:
        """Asset id -> SinkAsset; fingerprint and point count are None unless all points of the asset agree."""
        return {
            asset: SinkAsset(asset, dict(revisions), dict(self._metadata[asset]), *self._agreed(asset))
            for asset, revisions in self._revisions.items()
        }

    def _agreed(self, asset: str) -> tuple[str | None, int | None]:
        claims = self._claims[asset]
        return next(iter(claims)) if len(claims) == 1 else (None, None)


def _text(value: object) -> str | None:
    """A value of another type counts as absent, because anybody can change a payload."""
    return value if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class Example:
    """A stored point; `vectors` maps named vector to dimension."""

    point_id: str
    vectors: Mapping[str, int]
    payload: Mapping[str, Any]


def example(record: models.Record) -> Example:
    vectors = record.vector if isinstance(record.vector, dict) else {}
    sizes = {name: len(vector) for name, vector in vectors.items() if isinstance(vector, list)}
    return Example(str(record.id), sizes, record.payload or {})
