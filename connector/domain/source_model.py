"""Indexes and assets as the source reports them.

Timestamps keep the API's spelling, so that their digests are stable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connector.domain.arrays import Float32, Float64

READY = "ready"
LONGEST_ID = 256
"""Characters of an id. A longer one cannot be part of a request, and not of a key in PostgreSQL."""
IN_PROGRESS = ("pending", "queued", "validating", "indexing")


@dataclass(frozen=True, slots=True)
class Index:
    """A TwelveLabs index. `model` is the canonical Marengo model, None when the index has none."""

    index_id: str
    name: str
    model: str | None
    model_options: tuple[str, ...] = ()
    expires_at: str | None = None


@dataclass(frozen=True, slots=True)
class IndexedAsset:
    """One row of a listing. The source may omit every field except the id and the status."""

    indexed_asset_id: str
    status: str
    asset_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    indexed_at: str | None = None
    filename: str | None = None
    duration_sec: float | None = None
    fps: float | None = None
    width: int | None = None
    height: int | None = None
    size_bytes: float | None = None


@dataclass(frozen=True, slots=True)
class IndexingTask:
    """What a webhook is about. The source may name only the index, or neither."""

    index_id: str | None
    indexed_asset_id: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A listing of an index by indexed asset id. Only a complete one can show that an asset is absent.

    `as_of` is the source's time (Date header) when the listing began; None if unknown.
    """

    index: Index
    assets: Mapping[str, IndexedAsset]
    complete: bool
    as_of: float | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """New or changed assets. `as_of` is the source's time (Date header) of the first request; None if unknown."""

    assets: Mapping[str, IndexedAsset]
    as_of: float | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """State of assets that were being indexed: `pending` still are; `assets` has the rows of those that are not.

    A deleted asset is in neither.
    """

    assets: Mapping[str, IndexedAsset]
    pending: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class SegmentColumn:
    """The segments of one option and scope as received: row i of each array is one segment.

    `start_sec` and `end_sec` have shape (n,), `vectors` has shape (n, dimension).
    """

    option: str
    scope: str
    start_sec: "Float64"
    end_sec: "Float64"
    vectors: "Float32"


@dataclass(frozen=True, slots=True, eq=False)
class Transcription:
    """Spoken words: `values[i]` was said between `start_sec[i]` and `end_sec[i]`."""

    start_sec: "Float64"
    end_sec: "Float64"
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RetrievedAsset:
    """One asset as retrieved from the source.

    `model` is the canonical name from the embedding itself. `columns` is None when the response has no embedding: it
    was not requested, or is not available yet. An empty tuple means that the asset has no segments.
    """

    asset: IndexedAsset
    user_metadata: Mapping[str, Any] = field(default_factory=dict)
    hls_url: str | None = None
    model: str | None = None
    columns: tuple[SegmentColumn, ...] | None = None
    transcription: Transcription | None = None
