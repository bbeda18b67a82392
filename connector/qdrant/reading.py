"""Reads points back: the manifest of an index and the hits of a search."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qdrant_client import models

from connector.domain.points import is_own
from connector.domain.sink_model import Hit, SinkAsset
from connector.domain.source_model import Float32
from connector.qdrant import filters
from connector.qdrant.own import ID_KEYS, own

MANIFEST_KEYS = [*ID_KEYS, "revision", "metadata_revision", "fingerprint", "asset_points"]
HIT_KEYS = [*ID_KEYS, "embedding_options", "filename", "transcript"]


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


def prefetches(vector: Float32, options: Iterable[str], index_ids: Sequence[str], limit: int) -> list[models.Prefetch]:
    """One list of `limit` candidates per named vector. Every list has the filter."""
    query, only = vector.tolist(), filters.of_indexes(index_ids)
    return [models.Prefetch(query=query, using=option, filter=only, limit=limit) for option in options]


def hits(found: Iterable[models.ScoredPoint]) -> list[Hit]:
    """Convert to hits; skip points of others."""
    return [
        _hit(point.score, point.payload) for point in found if point.payload and is_own(str(point.id), point.payload)
    ]


def _text(value: object) -> str | None:
    """A value of another type counts as absent, because anybody can change a payload."""
    return value if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _hit(score: float, payload: Mapping[str, Any]) -> Hit:
    options = payload.get("embedding_options")
    return Hit(
        score=score,
        index_id=payload["index_id"],
        indexed_asset_id=payload["indexed_asset_id"],
        filename=_text(payload.get("filename")),
        start_offset_sec=payload["start_offset_sec"],
        end_offset_sec=payload["end_offset_sec"],
        embedding_options=tuple(map(str, options)) if isinstance(options, list) else (),
        transcript=_text(payload.get("transcript")),
    )


@dataclass(frozen=True, slots=True)
class Example:
    """A stored point; `vectors` maps named vector to dimension."""

    point_id: str
    vectors: Mapping[str, int]
    payload: Mapping[str, Any]


def example(record: models.Record) -> Example:
    vectors = record.vector if isinstance(record.vector, dict) else {}
    sizes = {name: len(vector) for name, vector in vectors.items() if isinstance(vector, list)}
    return Example(str(record.id), sizes, record.payload or {})
