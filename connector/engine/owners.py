"""Ownership: in a collection, one ledger owns an index and has a row for each of its assets.

A second connector with another ledger would overwrite the points of the first one, so it is refused. A new ledger with
the same settings counts as the replacement of a lost one: it takes the index over automatically.
"""

from collections.abc import Callable, Collection
from dataclasses import replace

from connector.domain.errors import SinkMismatch
from connector.domain.index_settings import IndexSettings
from connector.domain.ledger_model import Checkpoint, Identity
from connector.domain.sink_model import CollectionInfo, Owner
from connector.ports import CheckpointStore, Sink

_FRESH_SEC = 60.0
_TAKE_OVER = "run `connector sync --take-over` here; first stop the other connector, if it still runs"


class OwnedElsewhere(SinkMismatch):
    """Another ledger owns the index in this collection."""

    code = "owned_elsewhere"


def owner_of(identity: Identity, settings: IndexSettings, model: str | None) -> Owner:
    """This connector as the owner of an index of this model."""
    home = settings.collection_name(model) if model else ""
    return Owner(identity.ledger_id, identity.label, settings.point_settings, home)


def entry_to_write(
    info: CollectionInfo, index_id: str, me: Owner, claimed: int | None, *, take_over: bool = False
) -> Owner | None:
    """The owner entry that the collection lacks, None if it is up to date. Raises OwnedElsewhere.

    `claimed` is the epoch of this ledger's own claim, None if it has none. A later entry of another ledger is a
    take-over; an earlier one came back with a restored snapshot.
    """
    found = info.owners.get(index_id)
    if found and found.ledger_id == me.ledger_id:
        mine = replace(me, epoch=max(found.epoch, claimed or 0))
        return None if mine == found else mine
    if found and not take_over and (claimed is None or found.epoch > claimed):
        _refuse(f"{info.name} for index {index_id}", found, me, taken_over=claimed is not None)
    return replace(me, epoch=max(found.epoch if found else 0, claimed or 0) + 1)


def _refuse(subject: str, found: Owner, me: Owner, *, taken_over: bool) -> None:
    """A new ledger with the same settings is not refused."""
    if taken_over:
        cause = f"{found} took the index over; nothing was written"
        raise OwnedElsewhere("use collection", subject, cause, f"To take it back, {_TAKE_OVER}")
    if found.settings != me.settings:
        cause = f"it belongs to {found} with different settings ({_differences(found, me)}); nothing was written"
        advice = f"Use another CONNECTOR_COLLECTION; or, to take the index over, {_TAKE_OVER}"
        raise OwnedElsewhere("use collection", subject, cause, advice)


def others_index(info: CollectionInfo, index_id: str, me: Owner) -> bool:
    """True if another ledger owns the index in the collection: do not change its points there."""
    found = info.owners.get(index_id)
    return found is not None and found.ledger_id != me.ledger_id


async def claim(
    sink: Sink, ledger: CheckpointStore, index_id: str, info: CollectionInfo, me: Owner, *, take_over: bool = False
) -> None:
    """Record `me` as the owner of the index in the collection and the claim in the ledger. Raises OwnedElsewhere.

    Write to the collection first: a claim that exists only in the ledger would look like a take-over by another owner.
    """
    claimed = (await ledger.claims(index_id)).get(info.instance_id or "")
    entry = entry_to_write(info, index_id, me, claimed, take_over=take_over)
    if entry:
        await sink.set_owner(info.name, index_id, entry)
    current = entry or info.owners[index_id]
    if info.instance_id and current.epoch != claimed:
        await ledger.save_claim(index_id, info.instance_id, current.epoch)


async def clearable(sink: Sink, index_id: str, collections: Collection[str], me: Owner) -> list[str]:
    """The collections, sorted, from which `me` may delete points of the index."""
    found = [(name, await sink.inspect(name)) for name in sorted(collections)]
    return [name for name, info in found if info is None or not others_index(info, index_id, me)]


class Ownership:
    """The owner of one index in each of its collections, asked before every write and cached for a minute."""

    def __init__(
        self,
        sink: Sink,
        ledger: CheckpointStore,
        index_id: str,
        home: str | None,
        me: Owner,
        clock: Callable[[], float],
    ) -> None:
        """`home` is the collection of the current settings; None for an index without a model."""
        self._sink, self._ledger, self._index_id = sink, ledger, index_id
        self._home, self._me, self._clock = home, me, clock
        self._owned_at: dict[str, float] = {}
        self._clearable: dict[str, bool] = {}

    async def own(self, collection: str) -> None:
        """Claim the index in the collection. Raises OwnedElsewhere if another ledger owns it there."""
        if 0 <= self._clock() - self._owned_at.get(collection, -_FRESH_SEC) < _FRESH_SEC:
            return
        info = await self._sink.inspect(collection)
        if info:
            await claim(self._sink, self._ledger, self._index_id, info, self._me)
        self._owned_at[collection] = self._clock()

    async def deletable(self, row: Checkpoint) -> frozenset[str]:
        """Collections that may hold points of the asset and that this ledger may delete from. Raises OwnedElsewhere."""
        if self._home in row.collections:
            await self.own(self._home)
        others = row.collections - {self._home}
        if others - self._clearable.keys():
            found = await clearable(self._sink, self._index_id, others, self._me)
            self._clearable |= {name: name in found for name in others}
        return frozenset(name for name in row.collections if self._clearable.get(name, True))


def _differences(found: Owner, me: Owner) -> str:
    keys = sorted(found.settings.keys() | me.settings.keys())
    differing = [key for key in keys if found.settings.get(key) != me.settings.get(key)]
    return "; ".join(f"{key} {found.settings.get(key)}, here {me.settings.get(key)}" for key in differing)
