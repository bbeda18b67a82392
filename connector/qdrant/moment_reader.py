"""What a search of moments reads, beside the Sink port: filtered candidates, stored vectors, metadata keys."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from qdrant_client import models

from connector.domain.arrays import Float32
from connector.domain.errors import SinkMismatch
from connector.domain.points import ID_KEYS
from connector.domain.search_scope import NumberRange, Path, PointScope
from connector.domain.sink_model import FoundPoint, RankedPoints, Similarities
from connector.qdrant import collection_layout, collection_setup, point_filters, point_reads, point_search
from connector.qdrant.connection import Connection
from connector.qdrant.failures import CollectionMissing
from connector.qdrant.point_search import WantedVectors
from connector.qdrant.scope_filters import filter_of, with_value
from connector.qdrant.segment_samples import SegmentSamples
from connector.qdrant.session import Session
from connector.qdrant.word_search import WantedWords

KEYS = [
    *ID_KEYS,
    "index_name",
    "asset_id",
    "filename",
    "embedding_options",
    "transcript",
    "user_metadata",
    "created_at",
    "hls_url",
]
_SAMPLE = 100
_MOST_ASSETS = 100_000
"""As many as an index of TwelveLabs can have."""
_MOST_SEGMENTS = 64
"""The most segments that are read for one position. There may be several: options may differ in their time ranges."""


class MomentReader:
    """Raises what the methods of the Sink port raise. Omits points of other programs."""

    def __init__(self, session: Session, samples: SegmentSamples, oversampling: float | None) -> None:
        self._session, self._samples, self._oversampling = session, samples, oversampling

    async def options(self, collection: str) -> dict[str, int]:
        """Named vector -> dimension, of those that hold our embeddings; empty if there is no collection."""
        found = await collection_setup.find(self._session, collection)
        return collection_layout.embedding_vectors(found) if found else {}

    async def find(
        self,
        collection: str,
        vectors: Mapping[str, Float32],
        scope: PointScope,
        limit: int,
        *,
        at_least: Mapping[str, float] | None = None,
        weights: Mapping[str, float] | None = None,
        words: WantedWords | None = None,
        candidates: int | None = None,
    ) -> RankedPoints:
        """The best points over the named vectors of `vectors`, fused by reciprocal ranks, best first.

        `vectors` maps a named vector to what it is searched for, shape (dimension,). `at_least` omits named vectors
        that it does not name, and points below the similarity that it gives. `words` are searched in `transcript-bm25`.
        With `candidates`, as many of each are ranked whatever the limit is, so the order does not depend on it.
        """
        chosen = {name: vector for name, vector in vectors.items() if at_least is None or name in at_least}
        if not chosen and words is None:
            return RankedPoints([])
        wanted = WantedVectors(chosen, dict(at_least or {}), weights, words, self._oversampling, candidates)
        return await point_search.fused(self._session, collection, wanted, filter_of(scope), limit, KEYS)

    async def similarities(
        self, collection: str, vectors: Mapping[str, Float32], scope: PointScope, instance_id: str | None = None
    ) -> dict[str, Similarities]:
        """As `Sink.similarities`, within the scope. With the instance id of the collection, samples are remembered."""
        only = filter_of(scope)
        best = await point_search.best_similarities(self._session, collection, vectors, only, self._oversampling)
        having = {name: vectors[name] for name in best}
        cosines = await self._samples.cosines(collection, instance_id, having, scope)
        return {name: Similarities(best[name], cosines[name]) for name in best}

    def forget(self) -> None:
        """Forget the samples: a collection may have been replaced."""
        self._samples.forget()

    async def at(
        self, collection: str, index_id: str, indexed_asset_id: str, second: float
    ) -> list[tuple[FoundPoint, Mapping[str, Float32]]]:
        """The segments of the asset that contain this position, with their vectors; the latest start first."""
        contains = (NumberRange(("start_offset_sec",), lte=second), NumberRange(("end_offset_sec",), gt=second))
        asset = point_filters.of_asset(index_id, indexed_asset_id)
        within = filter_of(PointScope(conditions=contains))
        only = models.Filter(must=[asset, *([within] if within else [])])
        try:
            records = await self._scroll(collection, only, _MOST_SEGMENTS, KEYS, vectors=True)
        except CollectionMissing:
            return []
        found = [(FoundPoint(str(it.id), 0.0, it.payload or {}, {}), _vectors(it)) for it in records]
        return sorted(found, key=lambda it: (-it[0].payload["start_offset_sec"], it[0].point_id))

    async def sample(self, collection: str, limit: int) -> list[tuple[FoundPoint, Mapping[str, Float32]]]:
        """Points with their vectors; always the same ones: the first in the order of ids, which are hashes."""
        records = await self._scroll(collection, None, limit, KEYS, vectors=True)
        return [(FoundPoint(str(it.id), 0.0, it.payload or {}, {}), _vectors(it)) for it in records]

    async def has_value(self, collection: str, index_ids: Sequence[str], path: Path) -> bool:
        """True if any point of these indexes (none: of all) has a value at this path of its payload."""
        return bool(await self._scroll(collection, with_value(path, index_ids), 1, [*ID_KEYS]))

    async def metadata_keys(self, collection: str, index_ids: Sequence[str]) -> set[str]:
        """The keys of `user_metadata` on a sample of the points."""
        only = point_filters.of_indexes(index_ids)
        records = await self._scroll(collection, only, _SAMPLE, [*ID_KEYS, "user_metadata"])
        metadata = [(it.payload or {}).get("user_metadata") for it in records]
        return {key for it in metadata if isinstance(it, dict) for key in it}

    async def assets(self, collection: str, index_id: str) -> int | None:
        """How many assets of the index have points; None if Qdrant cannot count them without reading all points."""
        only = point_filters.of_index(index_id)
        found = await point_reads.facet(self._session, collection, only, "indexed_asset_id", _MOST_ASSETS)
        return None if found is None else len(found)

    async def newest(self, collection: str, index_id: str) -> dict[str, Any]:
        """`index_name` and `indexed_at` of a point that was indexed last; of any point if Qdrant cannot sort them."""
        only, keys = point_filters.of_index(index_id), [*ID_KEYS, "index_name", "indexed_at"]
        latest = models.OrderBy(key="indexed_at", direction=models.Direction.DESC)
        try:
            records = await self._scroll(collection, only, 1, keys, order=latest)
        except CollectionMissing:
            raise
        except SinkMismatch:
            records = []
        records = records or await self._scroll(collection, only, 1, [*ID_KEYS, "index_name"])
        return dict(records[0].payload or {}) if records else {}

    async def _scroll(
        self,
        collection: str,
        only: models.Filter | None,
        limit: int,
        keys: list[str],
        *,
        vectors: bool = False,
        order: models.OrderBy | None = None,
    ) -> list[models.Record]:
        request = partial(_first, collection, only, limit, keys, vectors, order)
        return point_filters.own(await self._session.call("read points of collection", collection, request))


async def _first(
    collection: str,
    only: models.Filter | None,
    limit: int,
    keys: list[str],
    vectors: bool,
    order: models.OrderBy | None,
    connection: Connection,
) -> list[models.Record]:
    records, _ = await connection.client.scroll(
        collection_name=collection,
        scroll_filter=only,
        limit=limit,
        order_by=order,
        with_payload=keys,
        with_vectors=vectors,
    )
    return records


def _vectors(record: models.Record) -> dict[str, Float32]:
    found: Any = record.vector if isinstance(record.vector, dict) else {}
    return {name: np.asarray(it, np.float32) for name, it in found.items() if isinstance(it, list)}
