"""Segments and facts of an asset as its payloads in Qdrant tell them. Pure.

Anybody can change a payload, so a value of a wrong type counts as absent.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connector.domain.points import METADATA_KEYS

SEGMENT_KEYS = ("embedding_options", "transcript")
"""The payload keys that a segment is made of, besides ID_KEYS."""
FACT_KEYS = tuple(key for key in METADATA_KEYS if key not in {"index_id", "indexed_asset_id"})
"""The payload keys that are the same in all points of an asset."""
_NUMBERS = ("duration_sec", "fps", "width", "height", "size_bytes")


@dataclass(frozen=True, slots=True, order=True)
class StoredSegment:
    """Times are in seconds from the start of the video."""

    start_sec: float
    end_sec: float
    scope: str
    options: tuple[str, ...]
    transcript: str

    def document(self) -> dict[str, Any]:
        """As JSON values, with the names of the payload."""
        return {
            "start_offset_sec": self.start_sec,
            "end_offset_sec": self.end_sec,
            "embedding_scope": self.scope,
            "embedding_options": list(self.options),
            "transcript": self.transcript,
        }

    def overlaps(self, start_sec: float, end_sec: float) -> bool:
        """True if they have time in common; a range without length counts where it starts."""
        if start_sec == end_sec or self.start_sec == self.end_sec:
            return self.start_sec <= end_sec and self.end_sec >= start_sec
        return self.start_sec < end_sec and self.end_sec > start_sec


def stored_segments(payloads: Iterable[Mapping[str, Any]]) -> list[StoredSegment]:
    """The segments of own points, in the order of the payloads."""
    return [_segment(payload) for payload in payloads]


def stored_facts(payload: Mapping[str, Any]) -> dict[str, Any]:
    """FACT_KEYS with their values; None for one that is absent or of a wrong type, `{}` for `user_metadata`."""
    facts: dict[str, Any] = {key: _text(payload.get(key)) for key in FACT_KEYS}
    facts |= {key: _number(payload.get(key)) for key in _NUMBERS}
    metadata = payload.get("user_metadata")
    return {**facts, "user_metadata": dict(metadata) if isinstance(metadata, Mapping) else {}}


def _segment(payload: Mapping[str, Any]) -> StoredSegment:
    options = payload.get("embedding_options")
    return StoredSegment(
        start_sec=payload["start_offset_sec"],
        end_sec=payload["end_offset_sec"],
        scope=payload["embedding_scope"],
        options=tuple(it for it in options if isinstance(it, str)) if isinstance(options, list) else (),
        transcript=_text(payload.get("transcript")) or "",
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> float | None:
    """Finite numbers only: others have no place in JSON or on a page."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) else None
