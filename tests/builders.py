"""Builders of test values. Arguments that a test does not name get harmless defaults."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from connector.domain.arrays import Float32
from connector.domain.fingerprint import PointConfig
from connector.domain.index_settings import IndexSettings
from connector.domain.ledger_model import Applied, Attempt, Checkpoint
from connector.domain.source_model import (
    READY,
    Index,
    IndexedAsset,
    RetrievedAsset,
    SegmentColumn,
    Snapshot,
    Transcription,
)
from connector.settings.connector_settings import given_only

MODEL = "marengo3.0"
DIMENSION = 512
COLLECTION = "twelvelabs-marengo3.0"
POINT_CONFIG = PointConfig(
    model=MODEL, options=("visual", "audio"), collection="twelvelabs-{model}", transcript=True, media_links=False
)

Range = tuple[float, float]


def index(index_id: str = "index-1", model: str | None = MODEL, options: Sequence[str] = ("visual", "audio")) -> Index:
    return Index(index_id, f"name of {index_id}", model, tuple(options))


def index_settings(index_id: str = "index-1", **given: Any) -> IndexSettings:
    """The defaults of the connector, unless `given` say otherwise."""
    return replace(_defaults(), index_id=index_id, **given)


@cache
def _defaults() -> IndexSettings:
    return given_only(twelvelabs_api_key="key", connector_indexes="*").of_index("any")


def asset(name: str = "asset-1", status: str = READY, **facts: Any) -> IndexedAsset:
    """Gets its own time and file name, unless `facts` override them."""
    return IndexedAsset(name, status, **{"created_at": "2026-01-14T13:34:29Z", "filename": f"{name}.mp4"} | facts)


def snapshot(*assets: IndexedAsset, complete: bool = True) -> Snapshot:
    return Snapshot(index(), {it.indexed_asset_id: it for it in assets}, complete)


def applied(fingerprint: str = "print-1", *, at: float = 0.0, collection: str = COLLECTION, **facts: Any) -> Applied:
    """Applied, and last retrieved at time `at`."""
    plain = Applied(
        fingerprint=fingerprint,
        revision="revision-1",
        metadata_revision="metadata-1",
        points=3,
        collection=collection,
        applied_at=at,
        shallow_at=at,
        deep_at=at,
    )
    return replace(plain, **facts)


def attempt(fingerprint: str = "print-1", attempts: int = 1, *, since: float = 0.0, **facts: Any) -> Attempt:
    return Attempt(fingerprint, attempts, since, **facts)


def row(
    name: str = "asset-1",
    applied: Applied | None = None,
    *,
    opened: bool = False,
    attempt: Attempt | None = None,
    collections: Iterable[str] | None = None,
    listed: IndexedAsset | None = None,
    absent_since: float | None = None,
) -> Checkpoint:
    """Held in the applied collection; a row that was only opened gets the default one."""
    held = [applied.collection] if applied else [COLLECTION] if opened else []
    names = frozenset(held if collections is None else collections)
    return Checkpoint(name, applied, opened, names, attempt, listed, absent_since=absent_since)


def vectors(count: int, dimension: int = DIMENSION, seed: int = 0) -> Float32:
    return np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)


def column(
    option: str = "visual",
    ranges: Sequence[Range] = ((0, 6), (6, 12)),
    matrix: Float32 | None = None,
    *,
    scope: str = "clip",
    seed: int = 0,
) -> SegmentColumn:
    """Random vectors that depend on the seed, unless a matrix is given."""
    start, end = _offsets(ranges)
    return SegmentColumn(option, scope, start, end, vectors(len(ranges), seed=seed) if matrix is None else matrix)


def spoken(*words: tuple[float, float, str]) -> Transcription:
    """(start, end, word) triples."""
    start, end = _offsets([(start, end) for start, end, _ in words])
    return Transcription(start, end, tuple(word for _, _, word in words))


def retrieved(
    *columns: SegmentColumn,
    of: IndexedAsset | None = None,
    model: str = MODEL,
    words: Transcription | None = None,
    metadata: Mapping[str, Any] | None = None,
    hls_url: str | None = None,
) -> RetrievedAsset:
    return RetrievedAsset(
        asset=of or asset(),
        user_metadata=metadata or {},
        hls_url=hls_url,
        model=model,
        columns=columns,
        transcription=words,
    )


def _offsets(ranges: Sequence[Range]) -> tuple[np.ndarray[Any, np.dtype[np.float64]], ...]:
    pairs = np.array(ranges, np.float64).reshape(-1, 2)
    return np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])
