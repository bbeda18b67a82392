"""The facts of an asset as Qdrant can hold them, the same over REST and gRPC."""

from collections.abc import Iterable, Mapping
from typing import Any

from connector.domain import timestamps
from connector.domain.model import RetrievedAsset
from connector.domain.segments import malformed

# Measured with Qdrant 1.16: gRPC takes no deeper nesting, and REST no request above 32 MiB.
MAX_METADATA_DEPTH = 32
MAX_METADATA_BYTES = 16 * 1024 * 1024

_INT64 = range(-(2**63), 2**63)
_NUMBERS = ("duration_sec", "fps", "width", "height", "size_bytes")
_LARGEST_NUMBER = 2**53


def check_metadata(retrieved: RetrievedAsset) -> None:
    """Raises MalformedAsset for numbers out of range and for user metadata that is nested too deeply."""
    for key in _NUMBERS:
        value = getattr(retrieved.asset, key)
        if value is not None and not 0 <= value <= _LARGEST_NUMBER:
            raise malformed(retrieved, f"{key} is out of range: {value:g}")
    if _is_deeper_than(MAX_METADATA_DEPTH, retrieved.user_metadata):
        raise malformed(retrieved, f"user_metadata is nested more than {MAX_METADATA_DEPTH} levels deep")


def timestamp(retrieved: RetrievedAsset, key: str) -> str | None:
    """Raises MalformedAsset for what is not a date and time."""
    text: str | None = getattr(retrieved.asset, key)
    try:
        return timestamps.rfc3339(text) if text else None
    except ValueError:
        raise malformed(retrieved, f"{key} is not a date and time: {text!r}") from None


def whole(value: float | None) -> float | None:
    """Counts of pixels and bytes without a fraction, however the source spelled them."""
    return int(value) if value is not None and value == int(value) else value


def storable(value: Any) -> Any:
    """As received, but integers that do not fit 64 bits, which Qdrant cannot hold, become strings."""
    if isinstance(value, Mapping):
        return {key: storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and value not in _INT64:
        return str(value)
    return value


def _is_deeper_than(levels: int, value: Any) -> bool:
    """Level by level: recursion would fail on what this is to find."""
    layer = [value]
    for _ in range(levels):
        layer = [inner for outer in layer for inner in _children(outer)]
    return any(isinstance(inner, Mapping | list | tuple) for inner in layer)


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else ()
