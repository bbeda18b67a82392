"""The ports Source, Sink, CheckpointStore and Observer. The docstrings are the contract; `tests/contract` checks it."""

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from connector.domain.asset_state import AssetPage, AssetQuery
from connector.domain.events import Event
from connector.domain.history import Minute, PastCycle
from connector.domain.ledger_model import Applied, Attempt, Checkpoint, Identity, IndexState, Retrieved, Summary
from connector.domain.payload_profile import PayloadProfile
from connector.domain.priority import Priority
from connector.domain.sink_model import (
    CollectionInfo,
    CollectionSpec,
    Fit,
    Hit,
    Owner,
    Similarities,
    SinkAsset,
    StoredPoint,
    Tally,
)
from connector.domain.source_model import Changes, Index, IndexedAsset, IndexingTask, Progress, RetrievedAsset, Snapshot

if TYPE_CHECKING:  # they need numpy, which most commands do not
    from connector.domain.arrays import Float32
    from connector.domain.points import AssetPoints

StateChange = Callable[[IndexState], IndexState]
Wanted = Callable[[Checkpoint | None], str | None]
"""The fingerprint at which a change is still wanted for this row; None if it is not."""


class Observer(Protocol):
    """Is told what happens, in order. Returns at once and never raises, so it cannot disturb the work."""

    def __call__(self, event: Event, /) -> None: ...


class Source(Protocol):
    """The read side. Every method is safe to repeat.

    All raise AuthenticationFailed (API key rejected), RateLimited or Unavailable (retries exhausted).
    """

    async def indexes(self) -> list[Index]:
        """All indexes of the account in a stable order, including those without a Marengo model."""

    async def index(self, index_id: str) -> Index:
        """Raises IndexGone if the source says that the index does not exist."""

    async def snapshot(self, index: Index) -> Snapshot:
        """Walk the listing until it is complete, a bounded number of times. Raises IndexGone."""

    async def retrieve(
        self, index: Index, indexed_asset_id: str, options: Collection[str] | None, *, transcript: bool
    ) -> RetrievedAsset | None:
        """Retrieve one asset with the segments of `options` (None: all; empty: no embedding).

        The options apply to the asset's own model: the returned columns are a subset of the wanted ones. None if the
        source returns 404 for the asset. Raises MalformedAsset.
        """

    def in_memory(self, size: int) -> AbstractContextManager[None]:
        """Count the bytes of retrieved vectors against the limit of the process until they are written.

        Retrievals wait while there is no room. Enter it right after `retrieve`, and retrieve nothing within it.
        """

    async def changes(self, index: Index, since: float | None, known: Mapping[str, IndexedAsset] = ...) -> Changes:
        """Assets created or updated at `since` or later (None: all).

        `since` is in source time, to the second; the caller chooses it early enough for rows that become visible late.
        May omit rows equal to those in `known`. An index without changes costs one request, if the source keeps
        `updated_at` as documented. Does not show removals, nor changes that leave `updated_at` unchanged.
        """

    async def progress(self, index: Index, pending: Collection[str]) -> Progress:
        """The current state of assets that were being indexed. `changes` may miss them if `updated_at` did not change.

        One request for all that are still being indexed, one for each other asset, none if `pending` is empty.
        """

    async def asset(self, index: Index, indexed_asset_id: str) -> IndexedAsset | None:
        """One row of the listing; None if the asset does not exist. Raises AssetError if it cannot be read."""

    async def task(self, task_id: str) -> IndexingTask | None:
        """An indexing task; None if it does not exist."""

    async def reserve(self, priority: Callable[[], Priority]) -> None:
        """Wait until a request may be sent, and reserve its turn for the running task.

        `priority` is asked again while it waits: what it waits for may change.

        Returns at once if the source accepts none for a long time: the next request then raises RateLimited.
        """

    def release(self) -> None:
        """Give the turn back that the running task reserved, if it was not used."""

    async def ping(self, turn_sec: float = 1.0) -> None:
        """Send one short request without retries. Raises if the source cannot be used now.

        Waits at most `turn_sec` seconds for the turn of the request, and then sends it without one.
        """

    async def exists(self, index_id: str, indexed_asset_id: str) -> bool:
        """False only if the source itself returns 404 for the asset. Raises AssetError if it cannot answer for it."""

    async def embed_text(self, model: str, text: str) -> "Float32":
        """Embed the text with the model: shape (dimension,). Raises ConfigError if the API rejects it."""

    def requests(self, index_id: str | None = None) -> int:
        """Number of requests sent so far, including retries; for one index, or in total."""

    async def close(self) -> None: ...


class Sink(Protocol):
    """The write side. Every write is idempotent and returns after the sink has acknowledged it completely.

    Changes, deletes and reads only the connector's points: those whose id equals the id computed from their payload.
    The instance id identifies a collection: an alias and its target are one.

    A write that raises may be partly carried out. All raise RateLimited or Unavailable (retries exhausted),
    AuthenticationFailed, SinkMismatch, and SinkUnavailable if embedded storage cannot be opened.
    """

    async def version(self) -> str:
        """The server version; for embedded storage, `embedded` with the client version."""

    async def inspect(self, collection: str) -> CollectionInfo | None:
        """Describe the collection; None if it does not exist. Never creates or changes anything."""

    async def collections(self) -> list[CollectionInfo]:
        """All collections with the connector's stamp, sorted by name."""

    async def ensure(self, spec: CollectionSpec, metadata_indexes: Mapping[str, str]) -> CollectionInfo:
        """Ensure that the collection exists, fits, is stamped and has its payload indexes.

        Creates a missing collection, adopts an empty unstamped one that fits, and never alters or drops any other.
        The payload indexes of a new collection may still be in the making: `replace` waits for them.
        `warnings` lists settings without effect. Raises SinkMismatch with the differences.
        """

    def fit(self, found: CollectionInfo, spec: CollectionSpec | None, metadata_indexes: Mapping[str, str]) -> Fit:
        """Check an existing collection as `ensure` does, without I/O. Without `spec`, only return warnings."""

    async def check_write_access(self, collection: CollectionInfo | None) -> None:
        """Check with a request that changes nothing that the key may write points of the collection.

        None: that it may create collections. Raises AuthenticationFailed if it may not.
        """

    async def set_owner(self, collection: str, index_id: str, owner: Owner | None) -> None:
        """Set the owner of the index in the collection, or remove it with None. Owners of other indexes stay."""

    def announce_write(self, collection: str, segments: int) -> AbstractContextManager[None]:
        """A first `replace` of an asset with so many segments may follow in this block, one at most.

        Those of other assets that are small wait for it, to share a request. Enter it only for what ends soon.
        """

    async def replace(
        self, points: "AssetPoints", collection: str, others: Collection[str], *, first: bool = False
    ) -> None:
        """Make these the only points of the asset in `collection`, and delete its points in `others`.

        `first`: no collection may hold points of the asset, which saves a request.
        Writes new points before it deletes all others of the asset, whatever their revision. Zero points are valid.
        Skips entries of `others` that are another name of `collection`. Raises PointsRejected with the point id.
        """

    async def set_payload(
        self,
        collection: str,
        index_id: str,
        indexed_asset_id: str,
        payload: Mapping[str, Any],
        payload_profile: PayloadProfile = "none",
    ) -> None:
        """Set these payload keys on every point of the asset; other keys and the vectors stay.

        Each point also gets the keys that the profile derives from its payload as it is then; with `none` it loses
        them.
        """

    async def delete(self, collections: Collection[str], index_id: str, indexed_asset_id: str) -> None:
        """Delete the points of the asset in all collections, then verify. A missing collection is not an error."""

    async def count(self, collection: str, index_id: str, indexed_asset_id: str | None = None) -> int:
        """Exact number of points with these ids, including those of other programs; 0 if there is no collection."""

    async def indexes_in(self, collection: str) -> list[str]:
        """Ids of the indexes with points in the collection, sorted; at most 10,000.

        Empty without a payload index of `index_id`, or if strict mode forbids the request.
        """

    async def tally(self, collection: str, index_id: str, most: int) -> Tally | None:
        """Count points by revision without reading them. None with more than `most` values or no payload index."""

    async def manifest(self, collection: str, index_id: str, only: Tally | None = None) -> dict[str, SinkAsset]:
        """The points of the index by indexed asset id; empty if the collection does not exist.

        With `only`, reads just the points with one of its revisions or metadata revisions. Reads one small payload per
        point.
        """

    async def asset(self, collection: str, index_id: str, indexed_asset_id: str) -> SinkAsset | None:
        """The points of one asset in the collection; None if it has none."""

    def payloads(
        self,
        collection: str,
        index_id: str,
        keys: Sequence[str],
        *,
        indexed_asset_id: str | None = None,
        page: int | None = None,
    ) -> AsyncGenerator[list[Mapping[str, Any]], None]:
        """Read these keys and ID_KEYS of the points of the index, or of one asset, page by page, without vectors.

        A page has at most `page` points, and may have none. Keeps no page. Yields nothing if the collection does not
        exist.
        """

    async def points(self, collection: str, index_id: str, indexed_asset_id: str) -> dict[str, StoredPoint]:
        """The points of one asset with payloads and vectors, by point id; empty if there is no collection."""

    async def similarities(
        self, collection: str, vector: "Float32", index_ids: Sequence[str]
    ) -> dict[str, Similarities]:
        """Similarities to `vector` by named vector. Empty `index_ids` means all indexes.

        The sample is the same in every call. Omits named vectors that no segment has.
        """

    async def search(
        self,
        collection: str,
        vector: "Float32",
        index_ids: Sequence[str],
        limit: int,
        at_least: Mapping[str, float] | None = None,
    ) -> list[Hit]:
        """Best segments over the named vectors, fused by RRF, best first. Empty `index_ids` means all indexes.

        `at_least` names the vectors to search, each with the lowest similarity that counts; None means all.
        """

    async def close(self) -> None: ...


class Checkpoints(Protocol):
    """The rows of assets, addressed by (index id, indexed asset id)."""

    async def load(self, index_id: str, known: Mapping[str, IndexedAsset] = ...) -> dict[str, Checkpoint]:
        """All rows of the index; each as it is at some moment of the call.

        May use the objects of `known` for equal assets, which saves memory.
        """

    async def rows(self, index_id: str, indexed_asset_ids: Collection[str]) -> dict[str, Checkpoint]:
        """The existing rows among these; missing ones are omitted."""

    async def ids(self, index_id: str) -> set[str]:
        """Ids of all rows of the index."""

    async def retrieved(self, index_id: str) -> dict[str, Retrieved]:
        """When each asset was last retrieved whose row is applied and closed, and has no attempt or absence."""

    async def unfinished(self, index_id: str) -> dict[str, Checkpoint]:
        """Rows that are opened or have an attempt, whether due or not, and are not planned."""

    async def planned(self, index_id: str) -> dict[str, Checkpoint]:
        """Rows with a planned upsert."""

    async def plan(self, index_id: str, assets: Collection[IndexedAsset], priority: Priority) -> None:
        """Plan upserts of these assets, at the better of the old and the new priority; atomic."""

    async def note(self, index_id: str, asset: IndexedAsset) -> None:
        """Store how an asset is listed, without planning anything; create the row if it is missing."""

    async def unplan(self, index_id: str, indexed_asset_id: str) -> None:
        """Remove the planned upsert; the rest of the row stays."""

    async def settle(self, index_id: str, rows: Collection[Checkpoint]) -> None:
        """Remove the planned upsert of those rows that still are as these in `listed`, `applied` and `opened`."""

    async def attempt(self, index_id: str, indexed_asset_id: str, fingerprint: str, now: float) -> Attempt:
        """Count an attempt; create the row if it is missing. A new fingerprint restarts the count at 1.

        Removes the planned upsert, which is carried out now: one that is planned from here on is another one.

        `since` is never later than `now`, even if the clock was set back.
        """

    async def begin(
        self, index_id: str, indexed_asset_id: str, now: float, wanted: Wanted
    ) -> tuple[Checkpoint | None, Attempt | None]:
        """The row as it is, and a new attempt as `attempt` counts it if the change is still wanted; atomic.

        `wanted` must be pure and fast: it may be called in a thread, and more than once.
        """

    async def open(self, index_id: str, indexed_asset_id: str, collections: Collection[str]) -> None:
        """Open the row and add these collections to it: from now on they may hold any points of the asset."""

    async def record(self, index_id: str, indexed_asset_id: str, applied: Applied) -> None:
        """Close the row: the sink holds exactly `applied`, in its collection only. Removes the attempt."""

    async def fail(
        self, index_id: str, indexed_asset_id: str, attempt: Attempt, *, again: Priority | None = None
    ) -> None:
        """Replace the attempt; `applied` and `opened` stay. With `again`, the upsert is planned once more."""

    async def reopen(self, index_id: str, indexed_asset_ids: Collection[str], collection: str) -> None:
        """Like `open`, for many rows and one collection; atomic."""

    async def reset_attempts(self, index_id: str, indexed_asset_id: str) -> None:
        """Remove the attempt; `applied` and `opened` stay."""

    async def empty(self, index_id: str, indexed_asset_id: str) -> None:
        """Close the row: the sink holds no points of the asset. Removes `applied`; the attempt stays."""

    async def note_absence(self, index_id: str, indexed_asset_ids: Collection[str], now: float) -> None:
        """Record that these assets are gone since `now`, or since an earlier time that is recorded; atomic.

        A recorded time later than `now` is replaced: the clock was set back. Ignores assets without a row.
        """

    async def clear_absence(self, index_id: str, indexed_asset_ids: Collection[str]) -> None:
        """Remove the records of absence of these assets; atomic."""

    async def absent(self, index_id: str, limit: int, offset: int = 0) -> list[Checkpoint]:
        """Rows with a record of absence, by id, without the first `offset`."""

    async def forget(self, index_id: str, indexed_asset_id: str, now: float, *, counts: bool = True) -> None:
        """Remove the row. If `counts` and the row has a collection, record a delete at `now`.

        Also moves recorded deletes with a later time to `now`: the clock was set back.
        """

    async def deletes_since(self, index_id: str, since: float) -> int:
        """Number of recorded deletes after `since`."""


class IndexStates(Protocol):
    """The state and last report of each index."""

    async def state(self, index_id: str) -> IndexState | None:
        """The state of the index; None if the ledger has none."""

    async def adopt(self, index_id: str, rows: Collection[Checkpoint], first: IndexState) -> None:
        """Write adopted rows that do not exist yet, and the state `first` if the index has none; atomic."""

    async def update_state(self, index_id: str, change: StateChange) -> IndexState | None:
        """Change the state in one transaction, and return it. Does nothing and returns None if the index has none."""

    async def summary(self, index_id: str, max_attempts: int) -> Summary:
        """Count the assets of the index without reading each row. Quarantined: tried `max_attempts` times or more."""

    async def problems(self, index_id: str, limit: int, offset: int = 0) -> list[Checkpoint]:
        """Rows that are opened or have an attempt and are not planned, by id, without the first `offset`."""

    async def assets(
        self, index_id: str, query: AssetQuery, limit: int, *, after: str = "", before: str | None = None
    ) -> AssetPage:
        """Rows that match, with the first ids after `after`, or the last ids before `before`.

        Looks at a bounded number of rows: a page may have fewer than `limit`, even none, and still have `more`.
        """

    async def save_report(
        self, index_id: str, report: Mapping[str, Any], *, kind: str = "sync", ended_at: float = 0.0
    ) -> None:
        """Save the report of a cycle as JSON values, even for an index without a state.

        It becomes the last report, and the newest entry of `cycles`, which keeps KEPT_CYCLES.
        """

    async def cycles(self, index_id: str, limit: int) -> list[PastCycle]:
        """The last cycles, newest first."""

    async def add_minute(self, index_id: str, minute: Minute) -> None:
        """Add the counts to those of the same minute. Keeps KEPT_MINUTES."""

    async def minutes(self, index_id: str, since: int) -> list[Minute]:
        """The minutes since this one, in order. Minutes without work are omitted."""

    async def known(self) -> list[str]:
        """Ids of the indexes with a state, sorted."""

    async def reports(self) -> dict[str, dict[str, Any]]:
        """The last report of every index with a report or a state, by index id; empty if there is none yet."""

    async def drop_index(self, index_id: str) -> None:
        """Remove everything about the index, including its counted deletes."""


class Claims(Protocol):
    """The identity of the ledger, and its claims: the indexes that it owns in each collection."""

    async def identity(self) -> Identity:
        """Identity of the ledger. The id never changes; copies and restored ledgers have the same id."""

    async def claims(self, index_id: str) -> dict[str, int]:
        """The collections in which this ledger claimed the index: instance id -> epoch of the claim."""

    async def save_claim(self, index_id: str, instance_id: str, epoch: int) -> None:
        """Record that this ledger claimed the index in this collection, as the owner with this epoch."""


class CheckpointStore(Checkpoints, IndexStates, Claims, Protocol):
    """The ledger. Every write is durable when it returns. All methods raise LedgerUnavailable."""

    async def ping(self) -> None:
        """Raises if the ledger cannot be read."""

    async def close(self) -> None: ...
