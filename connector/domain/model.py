"""The vocabulary: values that the parts of the program exchange. No I/O, no decisions.

Times are seconds since the epoch (UTC); source timestamps stay the strings that the API sent, so that a digest of them
means the same tomorrow.
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
    """One row of a listing; everything but the id and the status may be absent at the source."""

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

    `as_of` is the source's own time when the listing began, None where it does not tell.
    """

    index: Index
    assets: Mapping[str, IndexedAsset]
    complete: bool
    as_of: float | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What a cheap poll shows: assets that are new or touched, and which pending ones are on their way still."""

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
    """One asset as the source has it now.

    `model` is canonical and comes from the embedding itself. `columns` is None when the answer held no embedding: it
    was not asked for, or the source is not that far yet; an empty tuple says that there is nothing to embed.
    """

    asset: IndexedAsset
    user_metadata: Mapping[str, Any] = field(default_factory=dict)
    hls_url: str | None = None
    model: str | None = None
    columns: tuple[SegmentColumn, ...] | None = None
    transcription: Transcription | None = None


@dataclass(frozen=True, slots=True)
class CollectionSpec:
    """What a collection must be: one per model, every option a named vector of the same dimension, distance Cosine."""

    name: str
    model: str
    dimension: int
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """Which ledger this is: a random id, kept for as long as the ledger lives, and a name for people."""

    ledger_id: str
    label: str


@dataclass(frozen=True, slots=True)
class Owner:
    """The ledger that an index belongs to in a collection, and the settings that shape the points it writes there.

    `home` is the collection where it writes the index now: another one, once it has moved the index away.
    """

    ledger_id: str
    label: str
    settings: Mapping[str, Any]
    home: str = ""

    def __str__(self) -> str:
        return f"ledger {self.ledger_id[:8]} ({self.label})"


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """What a collection is. The stamp fields are None where the collection carries none of ours."""

    name: str
    points: int
    vectors: Mapping[str, tuple[int, str]]
    """Named vector -> (dimension, distance name as Qdrant spells it)."""
    model: str | None = None
    layout_version: str | None = None
    instance_id: str | None = None
    payload_indexes: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, Owner] = field(default_factory=dict)
    """Index id -> who may write points of that index here."""
    warnings: tuple[str, ...] = ()
    """Settings that have no effect here, and what to do: a payload index of another type, for example."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many points of an index a collection holds, by revision and by metadata revision.

    Counted by what the points say of themselves, so that points of other programs may be among them.
    """

    revisions: Mapping[str, int]
    metadata_revisions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SinkAsset:
    """What a collection holds of one asset, read back from its own points; `""` counts those without a revision."""

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
        """The one that all points are of; None when they differ or do not say."""
        known = [revision for revision in self.points_by_metadata_revision if revision]
        return known[0] if len(known) == len(self.points_by_metadata_revision) == 1 else None

    @property
    def intact(self) -> bool:
        """All points are of one revision and as many as they say they are."""
        return len(self.points_by_revision) == 1 and self.points == self.asset_points and bool(self.fingerprint)


@dataclass(frozen=True, slots=True)
class Applied:
    """What the sink holds of an asset, as acknowledged."""

    fingerprint: str
    revision: str
    metadata_revision: str | None
    """None for points that were found in the sink and not written by this ledger."""
    points: int
    collection: str
    applied_at: float
    shallow_at: float
    deep_at: float


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is being tried for an asset: counted before it is retrieved, explained when it did not work."""

    fingerprint: str
    attempts: int
    since: float
    reason: str | None = None
    code: str | None = None
    due: float = 0.0
    tried_at: float = 0.0
    """When the wait until `due` began."""


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
        """Whether the sink can hold any point of the asset."""
        nothing_applied = self.applied is not None and not self.applied.points and not self.opened
        return bool(self.collections) and not nothing_applied


@dataclass(frozen=True, slots=True)
class IndexState:
    """What the ledger knows of an index as a whole."""

    first_cycle_at: float
    canary_at: float
    deep_due_since: float = 0.0
    """Assets whose last deep retrieval is older than this are due for one."""
    shallow_due_since: float = 0.0
    """The same for shallow retrievals, which bring the metadata up to date."""
    index_name: str | None = None
    """As it is in the payload of assets that were retrieved since; None in a ledger of an earlier release."""
    withheld_because: str | None = None
    """Why the last full cycle withheld deletes; None when it did not."""
    withheld_from: int | None = None
    """How many assets the limit of these deletes goes by: the least since they are withheld."""
    watermark: float | None = None
    """Source time up to which changes are known to be worked off."""
    pending: frozenset[str] = frozenset()
    """Assets that were on their way to ready when last seen."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result. `score` is the fused score, comparable within one list only."""

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
    """A row of an absent asset that had no points; no count of the report."""
