"""The ledger of a replica: each write proves, in its own transaction, that it still may be made.

The holder of an index's lease writes about the index, and to rows that no job works on. A job writes to the row of its
asset only, which it claimed with a token when it began. A take-over of the lease or of the job ends that.
"""

import secrets
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from connector.cluster.asset_claim import CLAIM, AssetBusy, AssetClaim, Fenced
from connector.cluster.index_leases import IndexLeases
from connector.domain.history import Minute
from connector.domain.ledger_model import Applied, Attempt, Checkpoint, IndexState
from connector.domain.priority import Priority
from connector.domain.source_model import IndexedAsset
from connector.ledger.checkpoint_store import SqlCheckpointStore
from connector.ledger.database import Database, Transactions, Work
from connector.ledger.postgres.cluster_tables import index_lease
from connector.ports import StateChange, Wanted

T = TypeVar("T")
Check = Callable[[Database], Awaitable[None]]

_ONE = "where index_id = ? and indexed_asset_id = ?"
_CLAIM = f"update checkpoints set claim_token = ?, claim_epoch = ? {_ONE}"  # noqa: S608  literals of this module
_REVOKE = "update checkpoints set claim_token = null where index_id = ? and indexed_asset_id = any(?::text[])"
_OUTSTANDING = "select 1 from pgqueuer where dedupe_key = ? and status in ('queued', 'picked')"


def dedupe_key(index_id: str, indexed_asset_id: str) -> str:
    """At most one job of an asset is outstanding."""
    return f"asset:{index_id}:{indexed_asset_id}"


async def _nothing(_: Database) -> None: ...


@dataclass(frozen=True, slots=True)
class _Fence:
    """What a write does besides, in its transaction."""

    before: Check = _nothing
    after: Check = _nothing


_FENCE: ContextVar[_Fence | None] = ContextVar("fence", default=None)


class FencedStore(SqlCheckpointStore):
    """Implements CheckpointStore. Its writes also raise LeaseLost, Fenced and AssetBusy."""

    def __init__(self, transactions: Transactions, leases: IndexLeases) -> None:
        super().__init__(transactions, counts=transactions, lists=transactions)
        self._leases = leases
        self._own: dict[tuple[str, str], str] = {}
        """Tokens of the rows that the holder has opened itself, to delete their points."""

    async def _run(self, operation: str, work: Work[T]) -> T:
        if operation == "read":
            return await super()._run(operation, work)
        fence = _FENCE.get()
        assert fence, "a write without a fence"  # noqa: S101  a defect

        async def fenced(db: Database) -> T:
            await fence.before(db)
            result = await work(db)
            await fence.after(db)
            return result

        return await super()._run(operation, fenced)

    async def plan(self, index_id: str, assets: Iterable[IndexedAsset], priority: Priority) -> None:
        with self._of_index(index_id):
            await super().plan(index_id, assets, priority)

    async def note(self, index_id: str, asset: IndexedAsset) -> None:
        with self._of_asset(index_id, asset.indexed_asset_id):
            await super().note(index_id, asset)

    async def unplan(self, index_id: str, indexed_asset_id: str) -> None:
        with self._of_asset(index_id, indexed_asset_id):
            await super().unplan(index_id, indexed_asset_id)

    async def settle(self, index_id: str, rows: Collection[Checkpoint]) -> None:
        with self._of_index(index_id):
            await super().settle(index_id, rows)

    async def attempt(self, index_id: str, indexed_asset_id: str, fingerprint: str, now: float) -> Attempt:
        with self._of_asset(index_id, indexed_asset_id):
            return await super().attempt(index_id, indexed_asset_id, fingerprint, now)

    async def begin(
        self, index_id: str, indexed_asset_id: str, now: float, wanted: Wanted
    ) -> tuple[Checkpoint | None, Attempt | None]:
        claim = CLAIM.get()
        assert claim, "changes of assets are jobs"  # noqa: S101  a defect
        with _through(_Fence(before=_epoch_of(claim), after=_claiming(claim))):
            return await super().begin(index_id, indexed_asset_id, now, wanted)

    async def open(self, index_id: str, indexed_asset_id: str, collections: Collection[str]) -> None:
        claim = CLAIM.get()
        if claim:
            with self._of_asset(index_id, indexed_asset_id):
                await super().open(index_id, indexed_asset_id, collections)
            claim.touched |= set(collections)
            return
        own = AssetClaim(index_id, indexed_asset_id, self._leases.epoch_of(index_id), secrets.token_hex(16))
        with _through(_Fence(before=self._idle(index_id, indexed_asset_id), after=_claiming(own))):
            await super().open(index_id, indexed_asset_id, collections)
        self._own[index_id, indexed_asset_id] = own.token

    async def record(self, index_id: str, indexed_asset_id: str, applied: Applied) -> None:
        with self._of_asset(index_id, indexed_asset_id):
            await super().record(index_id, indexed_asset_id, applied)

    async def fail(
        self, index_id: str, indexed_asset_id: str, attempt: Attempt, *, again: Priority | None = None
    ) -> None:
        with self._of_asset(index_id, indexed_asset_id):
            await super().fail(index_id, indexed_asset_id, attempt, again=again)

    async def reopen(self, index_id: str, indexed_asset_ids: Collection[str], collection: str) -> None:
        """Ends the claims of the jobs that work on them: they must not close the rows."""
        with self._of_index(index_id, after=_revoking(index_id, indexed_asset_ids)):
            await super().reopen(index_id, indexed_asset_ids, collection)

    async def reopen_touched(self, claim: AssetClaim) -> None:
        """The job of this claim was fenced after it may have written points. The row says so again, whoever has it."""
        with _through(_Fence(after=_revoking(claim.index_id, [claim.indexed_asset_id]))):
            await super().open(claim.index_id, claim.indexed_asset_id, claim.touched)

    async def reset_attempts(self, index_id: str, indexed_asset_id: str) -> None:
        with self._of_asset(index_id, indexed_asset_id):
            await super().reset_attempts(index_id, indexed_asset_id)

    async def empty(self, index_id: str, indexed_asset_id: str) -> None:
        with self._closing(index_id, indexed_asset_id):
            await super().empty(index_id, indexed_asset_id)

    async def note_absence(self, index_id: str, indexed_asset_ids: Collection[str], now: float) -> None:
        with self._of_index(index_id):
            await super().note_absence(index_id, indexed_asset_ids, now)

    async def clear_absence(self, index_id: str, indexed_asset_ids: Collection[str]) -> None:
        with self._of_index(index_id):
            await super().clear_absence(index_id, indexed_asset_ids)

    async def forget(self, index_id: str, indexed_asset_id: str, now: float, *, counts: bool = True) -> None:
        with self._closing(index_id, indexed_asset_id):
            await super().forget(index_id, indexed_asset_id, now, counts=counts)

    async def adopt(self, index_id: str, rows: Collection[Checkpoint], first: IndexState) -> None:
        with self._of_index(index_id):
            await super().adopt(index_id, rows, first)

    async def update_state(self, index_id: str, change: StateChange) -> IndexState | None:
        with self._of_index(index_id):
            return await super().update_state(index_id, change)

    async def save_report(
        self, index_id: str, report: Mapping[str, Any], *, kind: str = "sync", ended_at: float = 0.0
    ) -> None:
        with self._of_index(index_id):
            await super().save_report(index_id, report, kind=kind, ended_at=ended_at)

    async def add_minute(self, index_id: str, minute: Minute) -> None:
        """Only counts, which nothing depends on: those of the last seconds of a lease are kept too."""
        with _through(_Fence()):
            await super().add_minute(index_id, minute)

    async def drop_index(self, index_id: str) -> None:
        with self._of_index(index_id):
            await super().drop_index(index_id)

    async def save_claim(self, index_id: str, instance_id: str, epoch: int) -> None:
        with self._of_index(index_id):
            await super().save_claim(index_id, instance_id, epoch)

    @contextmanager
    def _of_index(self, index_id: str, after: Check = _nothing) -> Iterator[None]:
        """A write about the index: by its holder, or by a job of its holder."""
        claim = CLAIM.get()
        with _through(_Fence(_epoch_of(claim) if claim else self._holder_of(index_id), after)):
            yield

    @contextmanager
    def _of_asset(self, index_id: str, indexed_asset_id: str) -> Iterator[None]:
        """A write to a row: by the job that has claimed it, or by the holder of the index."""
        claim = CLAIM.get()
        if claim:
            assert (claim.index_id, claim.indexed_asset_id) == (index_id, indexed_asset_id)  # noqa: S101  a defect
        with _through(_Fence(_claimed(claim) if claim else self._holder_of(index_id))):
            yield

    @contextmanager
    def _closing(self, index_id: str, indexed_asset_id: str) -> Iterator[None]:
        """A row that the holder has opened is closed only if no fenced job has opened it again meanwhile."""
        token = None if CLAIM.get() else self._own.pop((index_id, indexed_asset_id), None)
        if token is None:
            with self._of_asset(index_id, indexed_asset_id):
                yield
            return
        own = AssetClaim(index_id, indexed_asset_id, self._leases.epoch_of(index_id), token)

        async def before(db: Database) -> None:
            await self._leases.prove(db, index_id)
            if not await _has_claim(db, own):
                raise AssetBusy(index_id, indexed_asset_id)

        with _through(_Fence(before)):
            yield

    def _holder_of(self, index_id: str) -> Check:
        async def check(db: Database) -> None:
            await self._leases.prove(db, index_id)

        return check

    def _idle(self, index_id: str, indexed_asset_id: str) -> Check:
        """The holder, and no job of the asset is outstanding."""

        async def check(db: Database) -> None:
            await self._leases.prove(db, index_id)
            if (await db.execute(_OUTSTANDING, (dedupe_key(index_id, indexed_asset_id),))).fetchone():
                raise AssetBusy(index_id, indexed_asset_id)

        return check


@contextmanager
def _through(fence: _Fence) -> Iterator[None]:
    before = _FENCE.set(fence)
    try:
        yield
    finally:
        _FENCE.reset(before)


def _epoch_of(claim: AssetClaim) -> Check:
    async def check(db: Database) -> None:
        values = (index_lease(claim.index_id), claim.epoch)
        if not (await db.execute("select has_epoch(?, ?)", values)).fetchone()[0]:
            raise Fenced(claim.index_id, claim.indexed_asset_id)

    return check


def _claimed(claim: AssetClaim) -> Check:
    async def check(db: Database) -> None:
        if not await _has_claim(db, claim):
            raise Fenced(claim.index_id, claim.indexed_asset_id)

    return check


async def _has_claim(db: Database, claim: AssetClaim) -> bool:
    values = (index_lease(claim.index_id), claim.epoch, claim.index_id, claim.indexed_asset_id, claim.token)
    return bool((await db.execute("select has_claim(?, ?, ?, ?, ?)", values)).fetchone()[0])


def _claiming(claim: AssetClaim) -> Check:
    async def write(db: Database) -> None:
        await db.execute(_CLAIM, (claim.token, claim.epoch, claim.index_id, claim.indexed_asset_id))

    return write


def _revoking(index_id: str, names: Collection[str]) -> Check:
    async def write(db: Database) -> None:
        await db.execute(_REVOKE, (index_id, list(names)))

    return write
