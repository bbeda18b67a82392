"""AssetPoints for the sink's tests, built as the engine builds them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from connector.domain.arrays import Float32
from connector.domain.payload_profile import PayloadProfile
from connector.domain.points import AssetPoints, build
from connector.domain.sink_model import CollectionSpec
from connector.domain.source_model import Index, IndexedAsset, RetrievedAsset, SegmentColumn, Transcription

INDEX = Index("index-1", "First index", "marengo9.9")
OTHER_INDEX = Index("index-2", "Second index", "marengo9.9")
DIMENSION = 8
OPTIONS = ("visual", "audio", "transcription")
SECONDS = 6.0


def spec(
    name: str, *, dimension: int = DIMENSION, model: str = "marengo9.9", sparse_transcript: bool = False
) -> CollectionSpec:
    return CollectionSpec(name, model, dimension, OPTIONS, sparse_transcript)


def asset_points(
    asset: str = "asset-1",
    segments: int = 3,
    *,
    seed: int = 0,
    index: Index = INDEX,
    dimension: int = DIMENSION,
    options: Sequence[str] = OPTIONS,
    words: Sequence[str] = (),
    metadata: Mapping[str, Any] | None = None,
    filename: str = "match.mp4",
    fingerprint: str = "print-1",
    payload_profile: PayloadProfile = "none",
    sparse_transcript: bool = False,
) -> AssetPoints:
    """Segments of six seconds; segment i gets word i. Another seed gives another revision."""
    start = np.arange(segments, dtype=np.float64) * SECONDS
    random = np.random.default_rng([seed, *asset.encode()])
    columns = tuple(
        SegmentColumn(option, "clip", start, start + SECONDS, _vectors(random, segments, dimension))
        for option in options
    )
    spoken = np.arange(len(words), dtype=np.float64) * SECONDS
    retrieved = RetrievedAsset(
        IndexedAsset(
            asset, "ready", filename=filename, created_at="2026-01-14T13:34:29.5Z", duration_sec=60.5, width=1
        ),
        user_metadata=metadata or {},
        model=index.model,
        columns=columns if segments else (),
        transcription=Transcription(spoken, spoken + 1, tuple(words)),
    )
    return build(retrieved, index, fingerprint, payload_profile=payload_profile, sparse_transcript=sparse_transcript)


def _vectors(random: np.random.Generator, segments: int, dimension: int) -> Float32:
    return random.standard_normal((segments, dimension)).astype(np.float32)
