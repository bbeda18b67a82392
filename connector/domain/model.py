"""The domain model: values that the packages exchange. No I/O, no decisions.

Times are seconds since the epoch (UTC). Source timestamps keep the API's spelling, so that their digests are stable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

READY = "ready"
IN_PROGRESS = ("pending", "queued", "validating", "indexing")
LAYOUT_VERSION = "1.1"
METADATA_TYPES = ("keyword", "integer", "float", "bool", "datetime", "text", "uuid")

DeleteMode = Literal["sync", "keep"]


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
    """Result of a poll: new or changed assets, and the ids of assets that are still being indexed."""

    assets: Mapping[str, IndexedAsset]
    pending: frozenset[str]
    as_of: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SegmentColumn:
    """The segments of one option and scope as received: row i of each array is one segment.

    `start_sec` and `end_sec` have shape (n,), `vectors` has shape (n, dimension).
    """

    option: str
    scope: str
    start_sec: Float64
    end_sec: Float64
    vectors: Float32


@dataclass(frozen=True, slots=True, eq=False)
class Transcription:
    """Spoken words: `values[i]` was said between `start_sec[i]` and `end_sec[i]`."""

    start_sec: Float64
    end_sec: Float64
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


@dataclass(frozen=True, slots=True)
class CollectionSpec:
    """Required collection: one per model, one named vector per option, one dimension, distance Cosine."""

    name: str
    model: str
    dimension: int
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """Identity of a ledger: a random id that never changes, and a human-readable label."""

    ledger_id: str
    label: str


@dataclass(frozen=True, slots=True)
class Owner:
    """The ledger that owns an index in a collection, with the settings that shape its points.

    `home` is the collection to which it writes the index now: another one, once it has moved the index away. `epoch`
    grows by one with each change of the owner, so that an older entry can be told from a newer one.
    """

    ledger_id: str
    label: str
    settings: Mapping[str, Any]
    home: str = ""
    epoch: int = 0

    def __str__(self) -> str:
        return f"ledger {self.ledger_id[:8]} ({self.label})"


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """A collection as found. `model`, `layout_version` and `instance_id` are None without the connector's stamp."""

    name: str
    points: int
    vectors: Mapping[str, tuple[int, str]]
    """Named vector -> (dimension, distance name as Qdrant spells it)."""
    model: str | None = None
    layout_version: str | None = None
    instance_id: str | None = None
    payload_indexes: Mapping[str, str] = field(default_factory=dict)
    real_name: str | None = None
    """The name of the collection behind an alias; None if that is not known."""
    owners: Mapping[str, Owner] = field(default_factory=dict)
    """Index id -> the owner, which alone may write points of that index here."""
    warnings: tuple[str, ...] = ()
    """Settings without effect here, with advice: for example a payload index of another type."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Number of points of an index in a collection, by revision and by metadata revision.

    Counted by payload, so points of other programs may be included.
    """

    revisions: Mapping[str, int]
    metadata_revisions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SinkAsset:
    """The points of one asset in a collection, read from their payloads; key `""` counts points without revision."""

    indexed_asset_id: str
    points_by_revision: Mapping[str, int]
    points_by_metadata_revision: Mapping[str, int]
    fingerprint: str | None
    asset_points: int | None

    @property
    def points(self) -> int:
        return sum(self.points_by_revision.values())

    @property
    def metadata_revision(self) -> str | None:
        """The metadata revision that all points share; None if they differ or lack one."""
        known = [revision for revision in self.points_by_metadata_revision if revision]
        return known[0] if len(known) == len(self.points_by_metadata_revision) == 1 else None

    @property
    def intact(self) -> bool:
        """True if all points have one revision, their number equals `asset_points`, and a fingerprint is present."""
        return len(self.points_by_revision) == 1 and self.points == self.asset_points and bool(self.fingerprint)


@dataclass(frozen=True, slots=True)
class Applied:
    """What the sink holds of an asset, as acknowledged by the sink."""

    fingerprint: str
    revision: str
    metadata_revision: str | None
    """None for adopted points whose payloads lack one or differ."""
    points: int
    collection: str
    applied_at: float
    shallow_at: float
    deep_at: float


@dataclass(frozen=True, slots=True)
class Attempt:
    """The current attempt for an asset: counted before the retrieval, with a reason after a failure."""

    fingerprint: str
    attempts: int
    since: float
    reason: str | None = None
    code: str | None = None
    due: float = 0.0
    tried_at: float = 0.0
    """Start of the wait until `due`."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The ledger row of one asset. While `opened`, the sink may hold any mixture of revisions in `collections`."""

    indexed_asset_id: str
    applied: Applied | None = None
    opened: bool = False
    collections: frozenset[str] = frozenset()
    attempt: Attempt | None = None

    @property
    def may_have_points(self) -> bool:
        """True if the sink may hold points of the asset."""
        nothing_applied = self.applied is not None and not self.applied.points and not self.opened
        return bool(self.collections) and not nothing_applied


@dataclass(frozen=True, slots=True)
class IndexState:
    """Ledger row of an index."""

    first_cycle_at: float
    canary_at: float
    deep_due_since: float = 0.0
    """Assets whose last deep retrieval is older than this are due for one."""
    shallow_due_since: float = 0.0
    """Assets whose last shallow retrieval (metadata only) is older than this are due for one."""
    index_name: str | None = None
    """Index name as of the last full cycle; None in a ledger of an earlier release."""
    withheld_because: str | None = None
    """Why the last full cycle withheld deletes; None if it withheld none."""
    withheld_from: int | None = None
    """Number of assets that `max_delete_ratio` applies to: the minimum since deletes were first withheld."""
    watermark: float | None = None
    """Source time up to which all changes are processed."""
    pending: frozenset[str] = frozenset()
    """Ids of assets that were still being indexed when last seen."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result. `score` is the fused score; compare it within one result list only."""

    score: float
    index_id: str
    indexed_asset_id: str
    filename: str | None
    start_offset_sec: float
    end_offset_sec: float
    embedding_options: tuple[str, ...]
    transcript: str | None


class Outcome(StrEnum):
    """Result of one change."""

    APPLIED = "applied"
    REFRESHED = "refreshed"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    DEFERRED = "deferred"
    FAILED = "failed"
    VANISHED = "vanished"
    FORGOTTEN = "forgotten"
    """Removed the row of an absent asset without points; not counted in the report."""
