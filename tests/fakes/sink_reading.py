"""The reading half of FakeSink."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from connector.domain.sink_model import Hit, SinkAsset, Tally
from connector.domain.source_model import Float32

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
        score=score,
        index_id=payload["index_id"],
        indexed_asset_id=payload["indexed_asset_id"],
        filename=_text(payload["filename"]),
        start_offset_sec=payload["start_offset_sec"],
        end_offset_sec=payload["end_offset_sec"],
        embedding_options=tuple(options) if isinstance(options := payload["embedding_options"], list) else (),
        transcript=_text(payload["transcript"]),
    )
