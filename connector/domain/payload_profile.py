"""Payload keys for search frameworks, derived from a point's other keys (docs/integrations.md). Pure.

LangChain reads a text and a nested object with these names, LlamaIndex reads a text, and all of them reject a null one.
Everything is computed from what is stored, so the keys can be written, checked and removed without the source.
"""

from collections.abc import Mapping
from typing import Any, Literal

PayloadProfile = Literal["none", "frameworks"]

DERIVED_KEYS = ("page_content", "document", "metadata")
"""The payload keys that the profile `frameworks` adds."""
NESTED_KEYS = (
    "index_id",
    "index_name",
    "indexed_asset_id",
    "asset_id",
    "filename",
    "created_at",
    "duration_sec",
    "user_metadata",
    "embedding_model",
    "embedding_options",
    "embedding_scope",
    "start_offset_sec",
    "end_offset_sec",
    "segment",
)
"""The payload keys that `metadata` repeats."""
SOURCE_KEYS = (*NESTED_KEYS, "transcript")
"""The payload keys from which the derived ones are made."""


def derived_keys(profile: PayloadProfile, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that this profile adds to a point with this payload, which has the SOURCE_KEYS."""
    if profile == "none":
        return {}
    text = segment_text(
        _text(payload.get("filename")),
        payload["indexed_asset_id"],
        payload["start_offset_sec"],
        payload["end_offset_sec"],
        _text(payload.get("transcript")),
    )
    nested = {key: payload.get(key) for key in NESTED_KEYS}
    return {"page_content": text, "document": text, "metadata": nested}


def segment_text(
    filename: str | None, indexed_asset_id: str, start_sec: float, end_sec: float, transcript: str | None
) -> str:
    """File name or asset id, time range and words, as in docs/payload.md. Never empty, because `transcript` may be."""
    name = (filename or "").strip() or indexed_asset_id
    between = "\N{EN DASH}".join((_clock(start_sec), _clock(end_sec)))
    return " ".join(filter(None, (name, between, (transcript or "").strip())))


def _clock(seconds: float) -> str:
    """To the second: 0:13, 1:02:03."""
    minutes, second = divmod(int(seconds + 0.5), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _text(value: Any) -> str | None:
    """A value of another type counts as absent, because anybody can change a payload."""
    return value if isinstance(value, str) else None
