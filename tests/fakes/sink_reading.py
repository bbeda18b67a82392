"""What FakeSink reads back from its points."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from connector.model import Float32, Hit, SinkAsset

RRF_K = 2


@dataclass(slots=True)
class FakePoint:
    vectors: dict[str, Float32]
    payload: dict[str, Any]


def sink_asset(asset: str, payloads: Sequence[Mapping[str, Any]]) -> SinkAsset:
    claims = {(payload["fingerprint"], payload["asset_points"]) for payload in payloads}
    fingerprint, asset_points = claims.pop() if len(claims) == 1 else (None, None)
    return SinkAsset(asset, Counter(payload["revision"] for payload in payloads), fingerprint, asset_points)


def fused(points: Mapping[str, FakePoint], vector: Float32) -> dict[str, float]:
    """Reciprocal rank fusion over the named vectors, best first."""
    scores: defaultdict[str, float] = defaultdict(float)
    for option in sorted({option for point in points.values() for option in point.vectors}):
        having = [point_id for point_id, point in points.items() if option in point.vectors]
        ranked = sorted(having, key=_similarity_to(vector, points, option), reverse=True)
        for rank, point_id in enumerate(ranked):
            scores[point_id] += 1 / (RRF_K + rank)
    return dict(sorted(scores.items(), key=lambda scored: -scored[1]))


def _similarity_to(vector: Float32, points: Mapping[str, FakePoint], option: str) -> Callable[[str], float]:
    def similarity(point_id: str) -> float:
        other = points[point_id].vectors[option]
        return float(vector @ other / (np.linalg.norm(vector) * np.linalg.norm(other)))

    return similarity


def hit(payload: Mapping[str, Any], score: float) -> Hit:
    return Hit(
        score,
        payload["index_id"],
        payload["indexed_asset_id"],
        payload["filename"],
        payload["start_offset_sec"],
        payload["end_offset_sec"],
        tuple(payload["embedding_options"]),
        payload["transcript"],
    )
