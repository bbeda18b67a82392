"""The vectors that a query is for, per collection."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from connector.domain.arrays import Float32
from connector.domain.errors import ConfigError, SinkMismatch
from connector.domain.marengo import canonical
from connector.domain.query_media import QueryMedia
from connector.domain.sink_model import CollectionInfo
from connector.qdrant.moment_reader import MomentReader
from connector.search.query_embedding import QueryEmbedding
from connector.search.query_inputs import SegmentQuery, VectorQuery


@dataclass(frozen=True, slots=True)
class Searched:
    """A collection to search: its embedding options by dimension, and the indexes (none: all) with points in it."""

    info: CollectionInfo
    dimensions: Mapping[str, int]
    index_ids: tuple[str, ...]

    @property
    def has_words(self) -> bool:
        """True if a text can also be searched by its words, in `transcript-bm25`."""
        return self.info.has_sparse_transcript

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def real_name(self) -> str:
        """Behind an alias: requests use it, because the alias may move to another model while it is remembered."""
        return self.info.queried_name

    @property
    def model(self) -> str:
        return self.info.model or ""


@dataclass(frozen=True, slots=True, eq=False)
class QueryVectors:
    """Named vector -> what to search it for, shape (dimension,), and the points that must not be found."""

    by_option: Mapping[str, Float32]
    without: tuple[str, ...] = ()
    without_asset: tuple[str, str] | None = None


VectorsOf = Callable[[Searched], Awaitable[QueryVectors | None]]
"""The vectors for a collection; None if it is not searched for this query. Raises ConnectorError."""


def embedded(embedding: QueryEmbedding, query: str | QueryMedia) -> VectorsOf:
    """The query in each model's space, embedded once per model."""
    vectors: dict[str, Float32] = {}
    embedding_now: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(searched: Searched) -> QueryVectors:
        model = searched.model
        async with embedding_now[model]:
            if model not in vectors:
                vectors[model] = await embedding.of(model, query)
        by_option = _fitting(searched, vectors[model])
        if not by_option:
            cause = f"it has no vectors of dimension {len(vectors[model])}"
            raise SinkMismatch("search Qdrant collection", searched.name, cause, "Run `connector sync` first")
        return QueryVectors(by_option)

    return of


def given(query: VectorQuery, all_searched: Sequence[Searched]) -> VectorsOf:
    """Raises ConfigError for a bad vector, and unless it fits the collections of exactly one model."""
    vector = _checked(query.vector)
    wanted = query.model and (canonical(query.model) or query.model)
    fitting = {it.model for it in all_searched if _fitting(it, vector) and wanted in {None, it.model}}
    known = ", ".join(f"{it.model} ({'/'.join(map(str, sorted(set(it.dimensions.values()))))})" for it in all_searched)
    if all_searched and not fitting:
        cause = f"no collection{f' of {wanted}' if wanted else ''} has vectors of dimension {len(vector)}"
        raise ConfigError("search", "vector", cause, f"Models and dimensions: {known}")
    if len(fitting) > 1:
        cause = f"its dimension fits several models: {', '.join(sorted(fitting))}"
        raise ConfigError("search", "vector", cause, "Pass the model that made it, because models are not comparable")

    async def of(searched: Searched) -> QueryVectors | None:
        return QueryVectors(_fitting(searched, vector)) if searched.model in fitting else None

    return of


async def like_segment(reader: MomentReader, query: SegmentQuery, collections: Sequence[CollectionInfo]) -> VectorsOf:
    """Looks the segment up in `collections`. Raises ConfigError if none has it."""
    by_model: dict[str, QueryVectors] = {}
    for info in collections:
        found = await reader.at(info.queried_name, query.index_id, query.indexed_asset_id, query.second)
        by_option: dict[str, Float32] = {}
        for _, vectors in found:
            by_option = {**vectors, **by_option}  # the first segment counts; others add options of their own
        if found:
            asset = (query.index_id, query.indexed_asset_id) if query.other_assets_only else None
            without = tuple(point.point_id for point, _ in found)
            by_model.setdefault(info.model or "", QueryVectors(by_option, without, asset))
    if collections and not by_model:
        subject = f"segment of asset {query.indexed_asset_id} at {query.second:g} s"
        advice = "Take index_id, indexed_asset_id and start_sec from a moment"
        raise ConfigError("search", subject, f"index {query.index_id} has none stored", advice)

    async def of(searched: Searched) -> QueryVectors | None:
        vectors = by_model.get(searched.model)
        if vectors is None:
            return None
        fitting = {
            name: vector for name, vector in vectors.by_option.items() if searched.dimensions.get(name) == len(vector)
        }
        return QueryVectors(fitting, vectors.without, vectors.without_asset)

    return of


def _fitting(searched: Searched, vector: Float32) -> dict[str, Float32]:
    return {name: vector for name, size in searched.dimensions.items() if size == len(vector)}


def _checked(values: ArrayLike) -> Float32:
    advice = "Pass a list or an array of shape (dimension,)"
    try:
        with np.errstate(over="ignore"):
            vector = np.array(values, np.float64).astype(np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigError("search", "vector", str(error), advice) from None
    if vector.ndim != 1 or not len(vector):
        raise ConfigError("search", "vector", f"it has shape {vector.shape}", advice)
    if not np.isfinite(vector).all():
        raise ConfigError("search", "vector", "it has a number that is not a finite float32", advice)
    if not vector.any():
        raise ConfigError("search", "vector", "all its numbers are zero, so it has no direction", advice)
    return vector
