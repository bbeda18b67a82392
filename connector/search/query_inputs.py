"""What is searched for, as values, and the checks of single arguments."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from connector.domain.errors import ConfigError
from connector.domain.query_media import MediaKind, QueryMedia
from connector.domain.server_url import server_url
from connector.search.payload_filters import number, text

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True, eq=False)
class VectorQuery:
    """A vector of shape (dimension,), not yet checked, and the model that made it, if the caller says so."""

    vector: "ArrayLike"
    model: str | None


@dataclass(frozen=True, slots=True)
class SegmentQuery:
    """The stored segment of an asset that contains `second`."""

    index_id: str
    indexed_asset_id: str
    second: float
    other_assets_only: bool


SearchQueryInput = str | QueryMedia | VectorQuery | SegmentQuery


def segment_query(index_id: Any, indexed_asset_id: Any, start_sec: Any, *, other_assets_only: bool) -> SegmentQuery:
    """Raises ConfigError."""
    for name, value in (("index_id", index_id), ("indexed_asset_id", indexed_asset_id)):
        if not text(value, name):
            raise ConfigError("search", name, "it is empty", "Take both ids from a moment")
    second = number(start_sec, "start_sec")
    if second < 0:
        raise ConfigError("search", "start_sec", f"{second:g} is negative", "Use seconds from the start of the video")
    return SegmentQuery(index_id, indexed_asset_id, second, other_assets_only)


def media(kind: MediaKind, given: Any) -> QueryMedia:
    """Reads a file; call it in a thread. Raises ConfigError."""
    advice = f"Pass the URL of the {kind}, its content as bytes, or a Path"
    if isinstance(given, str):
        url = text(given, kind)
        if urlsplit(url).scheme not in {"http", "https"}:
            raise ConfigError("search", kind, f"{url[:100]!r} is not a URL", advice)
        return QueryMedia(kind, url=url)
    if isinstance(given, Path):
        try:
            given = given.read_bytes()
        except OSError as error:
            raise ConfigError("search", kind, f"{error.strerror}: {given}", advice) from None
    if not isinstance(given, bytes) or not given:
        raise ConfigError(
            "search", kind, "it is empty" if given == b"" else f"{type(given).__name__} is no {kind}", advice
        )
    return QueryMedia(kind, base64=base64.b64encode(given).decode())


def check_qdrant_url(url: Any) -> str:
    """Raises ConfigError."""
    try:
        return url if url == "embedded" else server_url(url)
    except (ValueError, AttributeError) as error:
        raise ConfigError("use", "qdrant_url", str(error), "Use http://host:6333, or embedded") from None


def check_template(template: Any) -> str:
    """Raises ConfigError."""
    subject, advice = f"collection {template!r}", "Use the connector's template, or name `collections`"
    try:
        one, other = (text(template, "collection").format(model=model, index_id="i") for model in ("m", "n"))
    except (ValueError, LookupError, AttributeError) as error:
        raise ConfigError("use", subject, f"it is not a valid template: {error}", advice) from None
    if one == other:
        cause = "it must contain {model}, because vectors of different models are not comparable"
        raise ConfigError("use", subject, cause, advice)
    return str(template)


def collection_names(names: Any) -> tuple[str, ...]:
    """Raises ConfigError."""
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise ConfigError("use", "collections", f"{names!r} is not a list of names", f"Use collections=[{names!r}]")
    found = tuple(dict.fromkeys(text(name, "collections") for name in names))
    if not all(found):
        raise ConfigError("use", "collections", "a name is empty", "Name collections or aliases")
    return found


def check_timeout(seconds: Any) -> float:
    """Raises ConfigError."""
    if number(seconds, "timeout_sec") <= 0:
        raise ConfigError("use", "timeout_sec", f"{seconds!r} is not above zero", "Use 30, for example")
    return float(seconds)


def check_oversampling(times: Any) -> float | None:
    """Raises ConfigError."""
    if times is None:
        return None
    if number(times, "oversampling") < 1:
        raise ConfigError("use", "oversampling", f"{times!r} is below 1", "Use 2, for example, or None")
    return float(times)
