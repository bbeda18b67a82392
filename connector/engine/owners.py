"""Ownership: in a collection, one ledger owns an index and has a row for each of its assets.

A second connector with another ledger would overwrite the points of the first one, so it is refused. A new ledger with
the same settings counts as the replacement of a lost one: it takes the index over automatically.
"""

from collections.abc import Collection

from connector.domain.errors import SinkMismatch
from connector.domain.index_settings import IndexSettings
from connector.domain.model import CollectionInfo, Identity, Owner
from connector.ports import CheckpointStore, Sink

_TAKE_OVER = "stop the other connector and run `connector sync --take-over` with this one's settings"


class OwnedElsewhere(SinkMismatch):
    """Another ledger owns the index in this collection."""

    code = "owned_elsewhere"


def owner_of(identity: Identity, settings: IndexSettings, model: str | None) -> Owner:
    """This connector as the owner of an index of this model."""
    home = settings.collection_name(model) if model else ""
    return Owner(identity.ledger_id, identity.label, settings.point_settings, home)


def must_claim(info: CollectionInfo, index_id: str, me: Owner, *, claimed: bool, take_over: bool = False) -> bool:
    """True if `me` may own the index and the collection does not record it yet. Raises OwnedElsewhere.

    `claimed` means that this ledger claimed the index here before. Another owner has therefore taken it over.
    """
    found = info.owners.get(index_id)
    if found == me:
        return False
    if found is None or found.ledger_id == me.ledger_id or take_over:
        return True
    subject = f"{info.name} for index {index_id}"
    if claimed:
        cause = f"{found} took the index over; nothing was written"
        raise OwnedElsewhere("use collection", subject, cause, f"To take it back, {_TAKE_OVER}")
    if found.settings != me.settings:
        cause = f"it belongs to {found} with different settings ({_differences(found, me)}); nothing was written"
        advice = f"Use another CONNECTOR_COLLECTION; or, to take the index over, {_TAKE_OVER}"
        raise OwnedElsewhere("use collection", subject, cause, advice)
    return True


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
    claimed = info.instance_id in await ledger.claims(index_id)
    if must_claim(info, index_id, me, claimed=claimed, take_over=take_over):
        await sink.set_owner(info.name, index_id, me)
    if info.instance_id and not claimed:
        await ledger.save_claim(index_id, info.name, info.instance_id)


async def clearable(sink: Sink, index_id: str, collections: Collection[str], me: Owner) -> list[str]:
    """The collections, sorted, from which `me` may delete points of the index."""
    found = [(name, await sink.inspect(name)) for name in sorted(collections)]
    return [name for name, info in found if info is None or not others_index(info, index_id, me)]


def _differences(found: Owner, me: Owner) -> str:
    keys = sorted(found.settings.keys() | me.settings.keys())
    differing = [key for key in keys if found.settings.get(key) != me.settings.get(key)]
    return "; ".join(f"{key} {found.settings.get(key)}, here {me.settings.get(key)}" for key in differing)
