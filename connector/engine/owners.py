"""Ownership: in a collection, one ledger owns an index and has a row for each of its assets.

A second connector with another ledger would overwrite the points of the first one, so it is refused. A new ledger with
the same settings counts as the replacement of a lost one: it takes the index over automatically. A ledger that knows
the index is no new one: it would move the points of its own collection into the other one.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from connector.domain.errors import SinkMismatch
from connector.domain.index_settings import IndexSettings
from connector.domain.ledger_model import Checkpoint, Identity
from connector.domain.sink_model import CollectionInfo, Owner
from connector.engine.alias_guard import refuse_to_empty
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


@dataclass(frozen=True, slots=True)
class Standing:
    """What a ledger knows of an index before it writes: its own claims, and whether it has synced the index at all.

    `claims` maps the instance id of a collection to the epoch of the claim.
    """

    claims: Mapping[str, int]
    knows_index: bool

    @classmethod
    async def of(cls, ledger: CheckpointStore, index_id: str) -> "Standing":
        return cls(await ledger.claims(index_id), await ledger.state(index_id) is not None)


def entry_to_write(
    info: CollectionInfo, index_id: str, me: Owner, mine: Standing, *, take_over: bool = False
) -> Owner | None:
    """The owner entry that the collection lacks, None if it is up to date. Raises OwnedElsewhere.

    An entry of another ledger later than `mine` is a take-over; an earlier one came back with a restored snapshot.
    """
    found, claimed = info.owners.get(index_id), mine.claims.get(info.instance_id or "")
    if found and found.ledger_id == me.ledger_id:
        entry = replace(me, epoch=max(found.epoch, claimed or 0))
        return None if entry == found else entry
    if found and not take_over and (claimed is None or found.epoch > claimed):
        subject = f"{info.name} for index {index_id}"
        _refuse(subject, found, me, taken_over=claimed is not None, knows_index=mine.knows_index)
    return replace(me, epoch=max(found.epoch if found else 0, claimed or 0) + 1)


def _refuse(subject: str, found: Owner, me: Owner, *, taken_over: bool, knows_index: bool) -> None:
    """A new ledger with the same settings is not refused."""
    if taken_over:
        cause = f"{found} took the index over; nothing was written"
        raise OwnedElsewhere("use collection", subject, cause, f"To take it back, {_TAKE_OVER}")
    if found.settings != me.settings:
        cause = f"it belongs to {found} with different settings ({_differences(found, me)}); nothing was written"
        advice = f"Use another CONNECTOR_COLLECTION; or, to take the index over, {_TAKE_OVER}"
        raise OwnedElsewhere("use collection", subject, cause, advice)
    if knows_index:
        cause = f"it belongs to {found}, and this ledger keeps the index in another collection; nothing was written"
        advice = (
            "If a reindex made it, restore the directory `reindex` of the data directory, or use another"
            " CONNECTOR_DATA_DIR, whose new ledger finds the points and retrieves nothing again; or, to move the index"
            f" out of its other collection, {_TAKE_OVER}"
        )
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
    mine = await Standing.of(ledger, index_id)
    entry = entry_to_write(info, index_id, me, mine, take_over=take_over)
    if entry:
        await sink.set_owner(info.name, index_id, entry)
    current = entry or info.owners[index_id]
    if info.instance_id and current.epoch != mine.claims.get(info.instance_id):
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
        settings: IndexSettings,
        home: str | None,
        me: Owner,
        clock: Callable[[], float],
    ) -> None:
        """`home` is the collection of the current settings; None for an index without a model."""
        self._sink, self._ledger, self._settings, self._index_id = sink, ledger, settings, settings.index_id
        self._home, self._me, self._clock = home, me, clock
        self._owned_at: dict[str, float] = {}
        self._looked_at: dict[str, float] = {}
        self._clearable: dict[str, bool] = {}

    async def own(self, collection: str) -> None:
        """Claim the index in the collection. Raises OwnedElsewhere if another ledger owns it there."""
        if self._is_fresh(self._owned_at, collection):
            return
        info = await self._sink.inspect(collection)
        if info:
            await claim(self._sink, self._ledger, self._index_id, info, self._me)
        self._owned_at[collection] = self._clock()

    async def deletable(self, row: Checkpoint) -> frozenset[str]:
        """Collections that may hold points of the asset and that this ledger may delete from.

        Raises OwnedElsewhere, and AliasElsewhere if searchers read one of them that the settings do not write any more.
        """
        if self._home in row.collections:
            await self.own(self._home)
        for name in sorted(row.collections - {self._home}):
            if not self._is_fresh(self._looked_at, name):
                self._clearable[name] = await self._may_clear(name)
                self._looked_at[name] = self._clock()
        return frozenset(name for name in row.collections if self._clearable.get(name, True))

    async def _may_clear(self, collection: str) -> bool:
        info = await self._sink.inspect(collection)
        if info is None:
            return True
        if others_index(info, self._index_id, self._me):
            return False
        await refuse_to_empty(self._sink, info, self._settings, self._home)
        return True

    def _is_fresh(self, seen: Mapping[str, float], collection: str) -> bool:
        return 0 <= self._clock() - seen.get(collection, -_FRESH_SEC) < _FRESH_SEC


def _differences(found: Owner, me: Owner) -> str:
    keys = sorted(found.settings.keys() | me.settings.keys())
    differing = [key for key in keys if found.settings.get(key) != me.settings.get(key)]
    return "; ".join(f"{key} {found.settings.get(key)}, here {me.settings.get(key)}" for key in differing)
