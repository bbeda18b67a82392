"""The ledger's records of itself, of an index and of an asset. Times are seconds since the epoch (UTC)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from connector.domain.priority import Priority
from connector.domain.source_model import IndexedAsset


@dataclass(frozen=True, slots=True)
class Identity:
    """Identity of a ledger: a random id that never changes, and a human-readable label."""

    ledger_id: str
    label: str


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


class Retrieved(NamedTuple):
    """The times of the last retrievals of an applied asset: without vectors (shallow) and with vectors (deep)."""

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
    listed: IndexedAsset | None = None
    """The asset as it was listed when it was last planned; None in a ledger of an earlier release."""
    priority: Priority | None = None
    """Set while an upsert is planned and not yet carried out."""
    absent_since: float | None = None
    """When the source first confirmed that the asset is gone, while its delete waits for the grace period."""

    @property
    def may_have_points(self) -> bool:
        """True if the sink may hold points of the asset."""
        nothing_applied = self.applied is not None and not self.applied.points and not self.opened
        return bool(self.collections) and not nothing_applied


@dataclass(frozen=True, slots=True)
class Summary:
    """Number of assets of an index by what the ledger knows of them. `backlog` counts planned upserts by priority.

    `opened` assets may hold any mixture of points, or were being worked on when a process ended. `pending` ones are
    gone, and their deletes wait for the grace period.
    """

    assets: int
    applied: int
    points: int
    opened: int
    deferred: int
    failed: int
    quarantined: int
    backlog: Mapping[Priority, int]
    pending: int = 0


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
    """Index name as of the last full cycle; None in a ledger of an earlier release.

    The same holds for `model`, `model_options` and `expires_at`.
    """
    model: str | None = None
    model_options: tuple[str, ...] = ()
    expires_at: str | None = None
    withheld_because: str | None = None
    """Why the last full cycle withheld deletes; None if it withheld none."""
    withheld_from: int | None = None
    """Number of assets that `max_delete_ratio` applies to: the minimum since deletes were first withheld."""
    watermark: float | None = None
    """Source time up to which all changes are processed."""
    pending: frozenset[str] = frozenset()
    """Ids of assets that were still being indexed when last seen."""
    listed_at: float | None = None
    """When the last complete listing began; None if there was none since `listed_with` changed."""
    listed_with: str | None = None
    """Digest of the settings that its plan depended on."""
    expiry_announced: int | None = None
    """The smallest number of days ahead at which the expiry at `expires_at` was announced."""
