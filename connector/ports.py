"""The three seams: Source, Sink and CheckpointStore. The docstrings are the contract; `tests/contract` checks it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from connector.domain.model import (
    Applied,
    Attempt,
    Changes,
    Checkpoint,
    CollectionInfo,
    CollectionSpec,
    Float32,
    Hit,
    Identity,
    Index,
    IndexedAsset,
    IndexState,
    Owner,
    RetrievedAsset,
    SinkAsset,
    Snapshot,
    Tally,
)
from connector.domain.points import AssetPoints


class Source(Protocol):
    """The read side. Every method may be repeated.

    All raise AuthenticationFailed (key refused), RateLimited or Unavailable (retries exhausted).
    """

    async def indexes(self) -> list[Index]:
        """Every index of the account, in a stable order, those without a Marengo model too."""

    async def index(self, index_id: str) -> Index:
        """Raises IndexGone when the source says that there is no such index."""

    async def snapshot(self, index: Index) -> Snapshot:
        """Walks the listing until it is complete, a bounded number of times. Raises IndexGone."""

    async def retrieve(
        self, index: Index, indexed_asset_id: str, options: Collection[str] | None, *, transcript: bool
    ) -> RetrievedAsset | None:
        """One asset, with the segments of `options` (None: all of its model's); no options, no embedding.

        The options are understood for the model that the asset really has: the answer's columns are a subset of the
        wanted ones. None when the source answers 404 for it. Raises MalformedAsset.
        """

    async def changes(
        self, index: Index, since: float | None, pending: Collection[str], known: Mapping[str, IndexedAsset] = ...
    ) -> Changes:
        """What was created or touched at `since` or later (None: everything), and what became of the pending assets.

        Rows may be left out when they are as `known` has them; so an index without changes costs three requests at
        most. Cannot show removals, nor changes that the source does not date.
        """

    async def asset(self, index: Index, indexed_asset_id: str) -> IndexedAsset | None:
        """One row of the listing, None when there is no such asset. Raises AssetError for one that cannot be read."""

    async def index_of_task(self, task_id: str) -> str | None:
        """The index that an indexing task works for; None when the source does not know the task."""

    async def ping(self) -> None:
        """One brief request that is not repeated: raises when the source cannot be used now."""

    async def exists(self, index_id: str, indexed_asset_id: str) -> bool:
        """False only on the source's own 404 for this asset. Raises AssetError when it cannot be asked for."""

    async def embed_text(self, model: str, text: str) -> Float32:
        """The text in the model's space, shape (dimension,). Raises ConfigError when the API refuses it."""

    def requests(self, index_id: str | None = None) -> int:
        """Requests sent so far, retries included; for one index, or all together."""

    async def close(self) -> None: ...


class Sink(Protocol):
    """The write side. Every write is idempotent, and when it returns the sink has acknowledged all of it.

    Only own points are changed, deleted or read back: those whose id is the one that their payload computes to. A
    collection is what its instance id says: an alias and its target are one.

    A write that raises may have been carried out in part. All raise RateLimited or Unavailable (retries exhausted),
    AuthenticationFailed, SinkMismatch, and SinkUnavailable for embedded storage that cannot be opened.
    """

    async def version(self) -> str:
        """The server's version; `embedded` with the client's version for embedded storage."""

    async def inspect(self, collection: str) -> CollectionInfo | None:
        """What the collection is, None when there is none. Never creates or changes anything."""

    async def collections(self) -> list[CollectionInfo]:
        """Those that carry our stamp, by name."""

    async def ensure(self, spec: CollectionSpec, metadata_indexes: Mapping[str, str]) -> CollectionInfo:
        """The collection exists, fits, is stamped and has its payload indexes; `warnings` say what has no effect.

        Creates what is absent, adopts an unstamped one that fits and is empty, never alters or drops another. Raises
        SinkMismatch with what differs.
        """

    async def set_owner(self, collection: str, index_id: str, owner: Owner | None) -> None:
        """The collection names this owner for the index, or none; the owners of other indexes stay."""

    async def replace(self, points: AssetPoints, collection: str, others: Collection[str]) -> None:
        """The asset has exactly these points in `collection` and none in `others` (its further collections).

        New points are there before old ones go. Zero points are a valid content. Of `others`, those that are
        `collection` under another name are left alone. Raises PointsRejected, naming the point.
        """

    async def set_payload(
        self, collection: str, index_id: str, indexed_asset_id: str, payload: Mapping[str, Any]
    ) -> None:
        """Every point of the asset has these payload keys; other keys and the vectors stay."""

    async def delete(self, collections: Collection[str], index_id: str, indexed_asset_id: str) -> None:
        """The asset has no point in any of the collections: deleted, then looked for; an absent one is fine."""

    async def count(self, collection: str, index_id: str, indexed_asset_id: str | None = None) -> int:
        """Exact number of points that carry these ids, other programs' too; 0 when the collection does not exist."""

    async def tally(self, collection: str, index_id: str, most: int) -> Tally | None:
        """None where the sink cannot tell: more than `most` values, or no payload index. Reads no points."""

    async def manifest(self, collection: str, index_id: str, only: Tally | None = None) -> dict[str, SinkAsset]:
        """What the collection holds of the index, by asset; empty when it does not exist.

        With `only`, just the points that have one of its revisions or metadata revisions. Reads one small payload per
        point.
        """

    async def asset(self, collection: str, index_id: str, indexed_asset_id: str) -> SinkAsset | None:
        """What the collection holds of one asset; None when it holds nothing of it."""

    async def search(self, collection: str, vector: Float32, index_ids: Sequence[str], limit: int) -> list[Hit]:
        """Best segments over all named vectors fused by RRF, best first; no index ids means all."""

    async def close(self) -> None: ...


class CheckpointStore(Protocol):
    """The ledger. Every write is durable when it returns. All methods raise LedgerUnavailable.

    Rows are addressed by (index id, indexed asset id).
    """

    async def load(self, index_id: str) -> dict[str, Checkpoint]:
        """All rows of the index."""

    async def rows(self, index_id: str, indexed_asset_ids: Collection[str]) -> dict[str, Checkpoint]:
        """Those of the rows that there are."""

    async def unfinished(self, index_id: str) -> dict[str, Checkpoint]:
        """Rows that are opened or have an attempt, whatever it is waiting for."""

    async def ping(self) -> None:
        """Raises when the ledger cannot be read."""

    async def attempt(self, index_id: str, indexed_asset_id: str, fingerprint: str, now: float) -> Attempt:
        """Counts an attempt, creating the row when there is none. Another fingerprint starts counting at 1 again.

        `since` is never later than `now`: the clock may have been set back.
        """

    async def open(self, index_id: str, indexed_asset_id: str, collections: Collection[str]) -> None:
        """The row says that these collections, besides the ones it has, may hold anything of the asset."""

    async def record(self, index_id: str, indexed_asset_id: str, applied: Applied) -> None:
        """Closes the row: exactly `applied` is in the sink, in its collection only. Ends the attempt."""

    async def fail(self, index_id: str, indexed_asset_id: str, attempt: Attempt) -> None:
        """Replaces what is known of the attempt; applied facts and the opened mark stay."""

    async def reopen(self, index_id: str, indexed_asset_ids: Collection[str], collection: str) -> None:
        """The same as `open` for many rows of one collection; all or nothing."""

    async def adopt(self, index_id: str, rows: Collection[Checkpoint], state: IndexState) -> None:
        """Rows and state of an index that the ledger did not know; all or nothing."""

    async def reset_attempts(self, index_id: str, indexed_asset_id: str) -> None:
        """Forgets the attempts; applied facts and the opened mark stay."""

    async def empty(self, index_id: str, indexed_asset_id: str) -> None:
        """Closes the row: the sink holds nothing of the asset. Applied facts go, attempts stay."""

    async def drop_index(self, index_id: str) -> None:
        """Forgets all that is known of the index, the deletes that were carried out too."""

    async def forget(self, index_id: str, indexed_asset_id: str, now: float, *, counts: bool = True) -> None:
        """Removes the row; where it `counts`, and the row named a collection, remembers a delete at `now`.

        No delete that is remembered is later than that.
        """

    async def deletes_since(self, index_id: str, since: float) -> int:
        """Deletes carried out after `since` that count."""

    async def state(self, index_id: str) -> IndexState | None:
        """None for an index that the ledger does not know."""

    async def save_state(self, index_id: str, state: IndexState) -> None: ...

    async def save_report(self, index_id: str, report: Mapping[str, Any]) -> None:
        """The last cycle's report as JSON values; also for an index that is not known yet."""

    async def known(self) -> list[str]:
        """Ids of the indexes that have a state, sorted."""

    async def reports(self) -> dict[str, dict[str, Any]]:
        """The last report of every index that has one or is known, by index id; empty where there is none yet."""

    async def identity(self) -> Identity:
        """Which ledger this is; the same for as long as the ledger lives, copies and restored ones too."""

    async def claims(self, index_id: str) -> frozenset[str]:
        """Instance ids of the collections in which this ledger has claimed the index."""

    async def save_claim(self, index_id: str, collection: str, instance_id: str) -> None:
        """`collection` is the name that the instance went by."""

    async def close(self) -> None: ...
