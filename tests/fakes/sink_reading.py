"""The reading half of FakeSink."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from connector.domain.arrays import Float32
from connector.domain.sink_model import Hit, SinkAsset, Tally

RRF_K = 2


@dataclass(slots=True)
class FakePoint:
    vectors: dict[str, Float32]
    payload: dict[str, Any]


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
