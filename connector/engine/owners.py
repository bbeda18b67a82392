"""One owner of an index in a collection: the ledger that has a row for every point of it.

A second connector with a ledger of its own would rewrite the points behind the first one's back. A ledger that was
lost is no second connector: a new one with the same settings takes its points over without asking.
"""

from collections.abc import Collection

from connector.domain.errors import SinkMismatch
from connector.domain.index_settings import IndexSettings
from connector.domain.model import CollectionInfo, Identity, Owner
from connector.ports import CheckpointStore, Sink

_TAKE_OVER = "stop the other connector and run `connector sync --take-over` with this one's settings"


class OwnedElsewhere(SinkMismatch):
    """The index belongs to another ledger in this collection."""

    code = "owned_elsewhere"


def owner_of(identity: Identity, settings: IndexSettings, model: str | None) -> Owner:
    """This connector as the owner of an index of this model."""
    home = settings.collection_name(model) if model else ""
    return Owner(identity.ledger_id, identity.label, settings.point_settings, home)


def must_claim(info: CollectionInfo, index_id: str, me: Owner, *, claimed: bool, take_over: bool = False) -> bool:
    """Whether the collection does not name `me` yet, but may. Raises OwnedElsewhere.

    `claimed` says that this ledger has claimed the index in this collection before: then another owner took it over.
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
        cause = f"it belongs to {found}, which has other settings ({_differences(found, me)}); nothing was written"
        advice = f"Use another CONNECTOR_COLLECTION; or, to take the index over, {_TAKE_OVER}"
        raise OwnedElsewhere("use collection", subject, cause, advice)
    return True


def others_index(info: CollectionInfo, index_id: str, me: Owner) -> bool:
    """Whether the collection holds the index for somebody else, so that its points there are not ours to touch."""
    found = info.owners.get(index_id)
    return found is not None and found.ledger_id != me.ledger_id


async def claim(
    sink: Sink, ledger: CheckpointStore, index_id: str, info: CollectionInfo, me: Owner, *, take_over: bool = False
) -> None:
    """The collection names `me` as the owner of the index, and the ledger knows that it does. Raises OwnedElsewhere.

    The collection comes first: a ledger that remembered a claim that was never made would think it was taken over.
    """
    claimed = info.instance_id in await ledger.claims(index_id)
    if must_claim(info, index_id, me, claimed=claimed, take_over=take_over):
        await sink.set_owner(info.name, index_id, me)
    if info.instance_id and not claimed:
        await ledger.save_claim(index_id, info.name, info.instance_id)


async def clearable(sink: Sink, index_id: str, collections: Collection[str], me: Owner) -> list[str]:
    """Those of the collections from which points of the index may be deleted."""
    found = [(name, await sink.inspect(name)) for name in sorted(collections)]
    return [name for name, info in found if info is None or not others_index(info, index_id, me)]


def _differences(found: Owner, me: Owner) -> str:
    keys = sorted(found.settings.keys() | me.settings.keys())
    differing = [key for key in keys if found.settings.get(key) != me.settings.get(key)]
    return "; ".join(f"{key} {found.settings.get(key)}, here {me.settings.get(key)}" for key in differing)
