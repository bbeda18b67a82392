"""The response of the fake source for one of its assets, computed from its content."""

from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np

from connector.domain.arrays import Float32
from connector.domain.marengo import KNOWN, select
from connector.domain.source_model import READY, Index, IndexedAsset, RetrievedAsset, SegmentColumn, Transcription

SEGMENT_SEC = 6.0


@dataclass(slots=True)
class FakeAsset:
    """`content` stands for the video: another number gives other vectors.

    `silent` assets have no words and no transcription. `only` are the options with segments (None: all); `dimension`
    replaces the model's dimension.
    """

    listed: IndexedAsset
    model: str | None
    content: int = 0
    segments: int = 3
    silent: bool = False
    embedded: bool = True
    only: Collection[str] | None = None
    dimension: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


def answer_of(index: Index, asset: FakeAsset, options: Collection[str] | None, transcript: bool) -> RetrievedAsset:
    embedding_wanted = index.model is not None and (options is None or bool(options))
    answered = embedding_wanted and asset.embedded and asset.listed.status == READY
    asked = select(asset.model, index.model_options, options)
    return RetrievedAsset(
        asset.listed,
        user_metadata=asset.metadata,
        model=asset.model if answered else None,
        columns=tuple(_column(asset, option) for option in asked if _holds(asset, option)) if answered else None,
        transcription=_words(asset) if transcript and not asset.silent else None,
    )


def _holds(asset: FakeAsset, option: str) -> bool:
    left_out = asset.only is not None and option not in asset.only
    return asset.segments > 0 and not left_out and not (asset.silent and option == "transcription")


def _column(asset: FakeAsset, option: str) -> SegmentColumn:
    start = np.arange(asset.segments, dtype=np.float64) * SEGMENT_SEC
    key = (asset.listed.indexed_asset_id, asset.content)
    vectors = unit_vectors(asset.segments, asset.model or "", option, *key)
    return SegmentColumn(option, "clip", start, start + SEGMENT_SEC, np.resize(vectors, _shape(asset, vectors)))


def _shape(asset: FakeAsset, vectors: Float32) -> tuple[int, int]:
    return len(vectors), asset.dimension or vectors.shape[1]


def _words(asset: FakeAsset) -> Transcription:
    start = np.arange(asset.segments, dtype=np.float64) * SEGMENT_SEC
    values = tuple(f"word{place} of take{asset.content}" for place in range(asset.segments))
    return Transcription(start, start + SEGMENT_SEC / 2, values)


def unit_vectors(count: int, model: str, *key: object) -> Float32:
    """Unit vectors that depend on model and key."""
    seed = int.from_bytes(blake2b(repr((model, key)).encode(), digest_size=8).digest())
    dimension = KNOWN[model].dimension if model in KNOWN else 8
    vectors = np.random.default_rng(seed).standard_normal((count, dimension), dtype=np.float32)
    lengths: Float32 = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
    return np.divide(vectors, lengths)
