"""Reads points: counts and lists them, and turns them into manifests."""

import asyncio
import re
from array import array
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from qdrant_client import grpc, models
from qdrant_client.conversions.conversion import RestToGrpc

from connector.domain.bm25 import TRANSCRIPT_BM25, SparseVector
from connector.domain.errors import SinkMismatch
from connector.domain.points import ID_KEYS
from connector.domain.sink_model import SinkAsset, StoredPoint
from connector.qdrant.connection import TIMEOUT_SEC, Connection, Transport
from connector.qdrant.failures import CollectionMissing
from connector.qdrant.point_filters import own
from connector.qdrant.session import PAGE_LIMIT, Session

MANIFEST_KEYS = [*ID_KEYS, "revision", "metadata_revision", "fingerprint", "asset_points"]
_PAGE_WITH_VECTORS = 100
"""A point of three vectors is up to 40 KB of JSON."""
_UUID = re.compile(r"\A[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\Z")
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
    session: Session,
    collection: str,
    only: models.Filter,
    keys: Sequence[str] | None,
    *,
    vectors: bool = False,
    most: int | None = None,
) -> AsyncIterator[list[models.Record]]:
    """Yield pages of at most `most` points with these payload keys (None: all), without vectors unless asked for."""
    most = min(session.page_limit, most or PAGE_LIMIT, _PAGE_WITH_VECTORS if vectors else PAGE_LIMIT)
    offset, limit = None, most
    while True:
        request = models.ScrollRequest(
            filter=only,
            limit=limit,
            offset=offset,
            with_payload=True if keys is None else list(keys),
            with_vector=vectors,
        )
        try:
            records, offset = await session.call(
                "list points of collection", collection, partial(page, collection, request)
            )
        except CollectionMissing:
            raise
        except SinkMismatch:
            if limit == 1:
                raise
            limit //= 2  # strict mode may only allow smaller pages
            continue
        if limit < most:
            session.page_limit = min(session.page_limit, limit)
        yield records
        if offset is None:
            return


async def page(
    collection: str, request: models.ScrollRequest, connection: Connection
) -> tuple[list[models.Record], Any]:
    """One page of points, and the id of the first point of the next page.

    Over REST if a payload is nested more deeply than protobuf reads, about 40 levels: anybody may have set it.
    """
    client = connection.client
    try:
        return await client.scroll(
            collection_name=collection,
            scroll_filter=request.filter,
            limit=request.limit or 1,
            offset=request.offset,
            with_payload=request.with_payload or False,
            with_vectors=request.with_vector or False,
        )
    except AttributeError:
        # gRPC returns None instead of a response that protobuf cannot read; qdrant-client does not expect that.
        if connection.transport is not Transport.GRPC:
            raise
    answer = await client.http.points_api.scroll_points(collection_name=collection, scroll_request=request)
    found = answer.result or models.ScrollResult(points=[])
    return found.points, found.next_page_offset


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
        return {_UUID.sub(_digits, value): count for value, count in counts.items()}
    return counts


def _digits(uuid: re.Match[str]) -> str:
    return uuid[0].replace("-", "")


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


def stored_point(record: models.Record) -> StoredPoint:
    """Omits what the connector never writes: multivectors, and sparse vectors of other names."""
    vectors = record.vector if isinstance(record.vector, dict) else {}
    dense = {name: np.asarray(it, np.float32) for name, it in vectors.items() if isinstance(it, list)}
    named = {name: it for name, it in dense.items() if it.ndim == 1}
    return StoredPoint(record.payload or {}, named, sparse_vector(vectors.get(TRANSCRIPT_BM25)))


def sparse_vector(found: Any) -> SparseVector | None:
    """As Qdrant returns it; None for a vector of another kind."""
    if not isinstance(found, models.SparseVector):
        return None
    pairs = sorted(zip(found.indices, found.values, strict=True))
    return SparseVector(array("I", (index for index, _ in pairs)), array("f", (value for _, value in pairs)))


def example(record: models.Record) -> Example:
    vectors = record.vector if isinstance(record.vector, dict) else {}
    sizes = {name: len(vector) for name, vector in vectors.items() if isinstance(vector, list)}
    return Example(str(record.id), sizes, record.payload or {})
