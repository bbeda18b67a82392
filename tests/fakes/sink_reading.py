"""The reading half of FakeSink."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from connector.domain.arrays import Float32
from connector.domain.bm25 import TRANSCRIPT_BM25, SparseVector
from connector.domain.errors import PointsRejected
from connector.domain.payload_profile import DERIVED_KEYS, PayloadProfile, derived_keys
from connector.domain.points import AssetPoints, is_own
from connector.domain.sink_model import CollectionInfo, Hit, SinkAsset, StoredPoint, Tally

RRF_K = 2
PAGE = 10


@dataclass(slots=True)
class FakePoint:
    vectors: dict[str, Float32]
    payload: dict[str, Any]
    sparse: SparseVector | None = None


@dataclass(slots=True)
class FakeCollection:
    info: CollectionInfo
    points: dict[str, FakePoint] = field(default_factory=dict)


Points = Mapping[str, FakePoint]
"""By id."""


def among(points: Points, index_id: str, indexed_asset_id: str | None = None) -> dict[str, FakePoint]:
    """Those of the index, or of one asset."""
    return {
        point_id: point
        for point_id, point in points.items()
        if point.payload.get("index_id") == index_id
        and indexed_asset_id in (None, point.payload.get("indexed_asset_id"))
    }


def searched(points: Mapping[str, FakePoint], index_ids: Collection[str]) -> dict[str, FakePoint]:
    """Our points of these indexes; no ids mean all."""
    return {
        key: point
        for key, point in points.items()
        if is_own(key, point.payload) and (not index_ids or point.payload["index_id"] in index_ids)
    }


def own_points(points: Points, index_id: str, indexed_asset_id: str | None = None) -> dict[str, FakePoint]:
    found = among(points, index_id, indexed_asset_id)
    return {point_id: point for point_id, point in found.items() if is_own(point_id, point.payload)}


def rewrite(point: FakePoint, payload: Mapping[str, Any], payload_profile: PayloadProfile) -> None:
    point.payload |= payload
    if payload_profile == "none" and point.payload.keys() >= set(DERIVED_KEYS):
        point.payload = {key: value for key, value in point.payload.items() if key not in DERIVED_KEYS}
    point.payload |= derived_keys(payload_profile, point.payload)


def selected(point: StoredPoint, keys: Collection[str]) -> Mapping[str, Any]:
    return {key: value for key, value in point.payload.items() if key in keys}


def sink_asset(asset: str, payloads: Sequence[Mapping[str, Any]]) -> SinkAsset:
    claims = {(_text(payload.get("fingerprint")), _number(payload.get("asset_points"))) for payload in payloads}
    fingerprint, asset_points = claims.pop() if len(claims) == 1 else (None, None)
    revisions = Counter(_text(payload.get("revision")) or "" for payload in payloads)
    metadata = Counter(_text(payload.get("metadata_revision")) or "" for payload in payloads)
    return SinkAsset(
        indexed_asset_id=asset,
        points_by_revision=revisions,
        points_by_metadata_revision=metadata,
        fingerprint=fingerprint,
        asset_points=asset_points,
    )


def tally(points: Collection[FakePoint], most: int) -> Tally | None:
    revisions, metadata = (
        Counter(value for point in points if (value := _text(point.payload.get(key))))
        for key in ("revision", "metadata_revision")
    )
    return None if max(len(revisions), len(metadata)) > most else Tally(revisions, metadata)


def index_ids(points: Collection[FakePoint]) -> list[str]:
    return sorted({value for point in points if (value := _text(point.payload.get("index_id")))})


def is_among(payload: Mapping[str, Any], only: Tally | None) -> bool:
    """True if a point has one of these revisions or metadata revisions; None matches all."""
    if only is None:
        return True
    revision, metadata = (_text(payload.get(key)) for key in ("revision", "metadata_revision"))
    return revision in only.revisions or metadata in only.metadata_revisions


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def fused(
    points: Mapping[str, FakePoint], vector: Float32, at_least: Mapping[str, float] | None
) -> dict[str, tuple[float, dict[str, float]]]:
    """Reciprocal rank fusion over the named vectors, best first: point id -> score, and the similarities behind it."""
    scores: defaultdict[str, float] = defaultdict(float)
    behind: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for option in named(points) if at_least is None else at_least:
        similar = similar_to(points, vector, option)
        near = {key: it for key, it in similar.items() if at_least is None or it >= at_least[option]}
        for rank, point_id in enumerate(sorted(near, key=lambda key: -near[key])):
            scores[point_id] += 1 / (RRF_K + rank)
            behind[point_id][option] = near[point_id]
    return {key: (scores[key], behind[key]) for key in sorted(scores, key=lambda key: -scores[key])}


def named(points: Mapping[str, FakePoint]) -> list[str]:
    return sorted({option for point in points.values() for option in point.vectors})


def similar_to(points: Mapping[str, FakePoint], vector: Float32, option: str) -> dict[str, float]:
    """Point id -> cosine similarity, in the order of the ids."""
    having = {key: points[key].vectors[option] for key in sorted(points) if option in points[key].vectors}
    return {
        key: float(vector @ other / (np.linalg.norm(vector) * np.linalg.norm(other))) for key, other in having.items()
    }


def hit(payload: Mapping[str, Any], score: float, similarities: Mapping[str, float]) -> Hit:
    return Hit(
        score=score,
        index_id=payload["index_id"],
        index_name=_text(payload["index_name"]),
        indexed_asset_id=payload["indexed_asset_id"],
        filename=_text(payload["filename"]),
        start_offset_sec=payload["start_offset_sec"],
        end_offset_sec=payload["end_offset_sec"],
        embedding_options=tuple(options) if isinstance(options := payload["embedding_options"], list) else (),
        transcript=_text(payload["transcript"]),
        similarities=similarities,
    )


def as_fake(points: AssetPoints, info: CollectionInfo) -> Iterator[tuple[str, FakePoint]]:
    for row, point_id in enumerate(points.ids):
        vectors = {
            option: named.matrix[named.rows.tolist().index(row)]
            for option, named in points.vectors.items()
            if row in named.rows
        }
        if any(info.vectors.get(option) != (len(vector), "Cosine") for option, vector in vectors.items()):
            cause = f"point {point_id} does not fit the collection"
            raise PointsRejected("write points of asset", points.indexed_asset_id, cause)
        sparse = points.sparse[row] if points.sparse else None
        if sparse and TRANSCRIPT_BM25 not in info.sparse:
            cause = f"the collection has no sparse vector for point {point_id}"
            raise PointsRejected("write points of asset", points.indexed_asset_id, cause)
        yield point_id, FakePoint(vectors, points.payload(row, tuple(vectors)), sparse)
