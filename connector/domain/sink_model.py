"""Values of the sink: collections, their owners, the points of an asset, search results."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connector.domain.bm25 import IDF, TRANSCRIPT_BM25, SparseVector

if TYPE_CHECKING:
    from connector.domain.arrays import Float32

LAYOUT_VERSION = "1.1"
METADATA_TYPES = ("keyword", "integer", "float", "bool", "datetime", "text", "uuid")


@dataclass(frozen=True, slots=True)
class CollectionSpec:
    """Required collection: one per model, one named vector per option, one dimension, distance Cosine.

    With `sparse_transcript`, also the sparse vector `transcript-bm25` with the modifier IDF.
    """

    name: str
    model: str
    dimension: int
    options: tuple[str, ...]
    sparse_transcript: bool = False


@dataclass(frozen=True, slots=True)
class Owner:
    """The ledger that owns an index in a collection, with the settings that shape its points.

    `home` is the collection to which it writes the index now; after a move, this is another collection. `epoch` grows
    by one with each change of the owner, so that an older entry is recognized.
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
    aliases: tuple[str, ...] = ()
    """All aliases of the collection, sorted; empty if they are not known."""
    owners: Mapping[str, Owner] = field(default_factory=dict)
    """Index id -> the owner, which alone may write points of that index here."""
    warnings: tuple[str, ...] = ()
    """Settings without effect here, with advice: for example a payload index of another type."""
    sparse: Mapping[str, str] = field(default_factory=dict)
    """Sparse vector -> modifier, `none` or `idf`."""

    @property
    def has_sparse_transcript(self) -> bool:
        return self.sparse.get(TRANSCRIPT_BM25) == IDF

    @property
    def queried_name(self) -> str:
        """For queries by what is known of this collection: the alias may have moved to another one meanwhile."""
        return self.real_name or self.name


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a collection can be used: `differences` from the required one, and settings without effect.

    `advice` is what to do about the differences.
    """

    differences: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    advice: str = ""


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


@dataclass(frozen=True, slots=True, eq=False)
class StoredPoint:
    """A stored point with its whole payload and its named vectors, which Qdrant has normalized.

    `sparse` is its vector `transcript-bm25`.
    """

    payload: Mapping[str, Any]
    vectors: Mapping[str, "Float32"]
    sparse: SparseVector | None = None


@dataclass(frozen=True, slots=True)
class Similarities:
    """Cosine similarities of one named vector to a text: the highest one, and those of a sample of segments."""

    best: float
    sample: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result. `score` is the fused score; compare it within one result list only.

    `similarities` maps the named vectors by which the segment was found to its cosine similarity there.
    """

    score: float
    index_id: str
    index_name: str | None
    indexed_asset_id: str
    filename: str | None
    start_offset_sec: float
    end_offset_sec: float
    embedding_options: tuple[str, ...]
    transcript: str | None
    similarities: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class FoundPoint:
    """A point that a search found. `score` is the fused score; compare it within one result list only.

    `similarities` maps the named vectors by which the point was found to its cosine similarity there; for
    `transcript-bm25` it is the share of the query that is said, 0 to 1 (`bm25.share_of_query`).
    """

    point_id: str
    score: float
    payload: Mapping[str, Any]
    similarities: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class RankedPoints:
    """Found points, best first; iterate over it. `complete` if nothing else fits; otherwise there may be more.

    `most_said` is the highest share of the query that is said among all candidates, also those beyond the limit.
    """

    points: Sequence[FoundPoint]
    complete: bool = True
    most_said: float = 0.0

    def __iter__(self) -> Iterator[FoundPoint]:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self.points)
