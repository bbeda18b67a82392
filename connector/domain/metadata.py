"""Asset metadata in the form that Qdrant can store, the same over REST and gRPC."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.domain import timestamps
from connector.domain.nesting import is_deeper_than
from connector.domain.payload_profile import PayloadProfile
from connector.domain.segments import malformed
from connector.domain.source_model import RetrievedAsset

# Measured with Qdrant 1.16: gRPC rejects deeper nesting, and REST rejects requests above 32 MiB.
MAX_METADATA_DEPTH = 32
MAX_METADATA_BYTES = 16 * 1024 * 1024

_INT64 = range(-(2**63), 2**63)
_NUMBERS = ("duration_sec", "fps", "width", "height", "size_bytes")
_LARGEST_NUMBER = 2**53
_EXACT_DIGITS = 15


@dataclass(frozen=True, slots=True)
class MetadataLimits:
    """Levels of nesting of `user_metadata`, which counts itself, and bytes of all metadata as JSON."""

    depth: int
    size: int

    @classmethod
    def of(cls, payload_profile: PayloadProfile) -> "MetadataLimits":
        if payload_profile == "none":
            return cls(MAX_METADATA_DEPTH, MAX_METADATA_BYTES)
        return cls(MAX_METADATA_DEPTH - 1, MAX_METADATA_BYTES // 2)  # it is stored a second time, inside an object


def check_metadata(retrieved: RetrievedAsset, limits: MetadataLimits) -> None:
    """Raises MalformedAsset when a number is out of range or the user metadata is nested too deeply."""
    for key in _NUMBERS:
        value = getattr(retrieved.asset, key)
        if value is not None and not 0 <= value <= _LARGEST_NUMBER:
            raise malformed(retrieved, f"{key} is out of range: {value:g}")
    if is_deeper_than(limits.depth, retrieved.user_metadata):
        raise malformed(retrieved, f"user_metadata is nested more than {limits.depth} levels deep")


def timestamp(retrieved: RetrievedAsset, key: str) -> str | None:
    """The field in RFC 3339, UTC. Raises MalformedAsset when it is not a date and time."""
    text: str | None = getattr(retrieved.asset, key)
    try:
        return timestamps.rfc3339(text) if text else None
    except ValueError:
        raise malformed(retrieved, f"{key} is not a date and time: {text!r}") from None


def whole(value: float | None) -> float | None:
    """Convert 1080.0 to 1080; keep other values unchanged."""
    return int(value) if value is not None and value == int(value) else value


def storable(value: Any) -> Any:
    """Convert what Qdrant would change: integers beyond 64 bits to strings, floats to 15 digits.

    Keep the rest as received.
    """
    if isinstance(value, Mapping):
        return {key: storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and value not in _INT64:
        return str(value)
    return _rounded(value) if isinstance(value, float) else value


def _rounded(value: float) -> float:
    """Qdrant returns many floats of 16 or 17 digits with another last digit, which would look like a drift."""
    return value if value.is_integer() else float(f"{value:.{_EXACT_DIGITS}g}")
