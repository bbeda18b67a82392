"""Asset metadata in the form that Qdrant can store, the same over REST and gRPC."""

from collections.abc import Iterable, Mapping
from typing import Any

from connector.domain import timestamps
from connector.domain.segments import malformed
from connector.domain.source_model import RetrievedAsset

# Measured with Qdrant 1.16: gRPC rejects deeper nesting, and REST rejects requests above 32 MiB.
MAX_METADATA_DEPTH = 32
MAX_METADATA_BYTES = 16 * 1024 * 1024

_INT64 = range(-(2**63), 2**63)
_NUMBERS = ("duration_sec", "fps", "width", "height", "size_bytes")
_LARGEST_NUMBER = 2**53


def check_metadata(retrieved: RetrievedAsset) -> None:
    """Raises MalformedAsset when a number is out of range or the user metadata is nested too deeply."""
    for key in _NUMBERS:
        value = getattr(retrieved.asset, key)
        if value is not None and not 0 <= value <= _LARGEST_NUMBER:
            raise malformed(retrieved, f"{key} is out of range: {value:g}")
    if _is_deeper_than(MAX_METADATA_DEPTH, retrieved.user_metadata):
        raise malformed(retrieved, f"user_metadata is nested more than {MAX_METADATA_DEPTH} levels deep")


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
    """Convert integers beyond 64 bits, which Qdrant cannot store, to strings; keep the rest as received."""
    if isinstance(value, Mapping):
        return {key: storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and value not in _INT64:
        return str(value)
    return value


def _is_deeper_than(levels: int, value: Any) -> bool:
    """Iterative, because deeply nested input would exceed the recursion limit."""
    layer = [value]
    for _ in range(levels):
        layer = [inner for outer in layer for inner in _children(outer)]
    return any(isinstance(inner, Mapping | list | tuple) for inner in layer)


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else ()
