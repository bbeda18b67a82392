"""Whether an alias may go back to the old collection, and how far that one is behind. Only reads."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from connector.domain.errors import ConfigError
from connector.domain.reindex_job import ReindexJob, instruction
from connector.domain.sink_model import CollectionInfo, Owner
from connector.ports import CheckpointStore, Sink

_LOOKED_AT = 20
"""Among so many of the last cycles of an index, one that succeeded is looked for."""


@dataclass(frozen=True, slots=True)
class KeptIndex:
    """What a ledger says of an index: `assets` that are applied, their `points`, and when a cycle last succeeded."""

    assets: int
    points: int
    synced_at: float | None


@dataclass(frozen=True, slots=True)
class LedgerView:
    """A ledger by index id. It may keep other indexes in other collections."""

    ledger_id: str
    indexes: Mapping[str, KeptIndex]

    def total(self, index_ids: Collection[str]) -> KeptIndex:
        """Of all these indexes; the time is that of the one that is the furthest behind."""
        kept = [self.indexes[index_id] for index_id in sorted(index_ids) if index_id in self.indexes]
        times = [it.synced_at for it in kept if it.synced_at is not None]
        synced_at = min(times) if times and len(times) == len(kept) else None
        return KeptIndex(sum(it.assets for it in kept), sum(it.points for it in kept), synced_at)


@dataclass(frozen=True, slots=True)
class WayBack:
    """The `points` of the old collection, and what the ledgers of both say; None for a ledger that is not there."""

    points: int
    older: KeptIndex | None
    newer: KeptIndex | None


async def view_of(ledger: CheckpointStore) -> LedgerView | None:
    """None if the ledger knows no index, as one that is lost. Raises LedgerUnavailable."""
    ledger_id, indexes = (await ledger.identity()).ledger_id, await ledger.known()
    if not indexes:
        return None
    return LedgerView(ledger_id, {index_id: await _kept(ledger, index_id) for index_id in indexes})


async def _kept(ledger: CheckpointStore, index_id: str) -> KeptIndex:
    summary, cycles = await ledger.summary(index_id, 1), await ledger.cycles(index_id, _LOOKED_AT)
    synced = [it.ended_at for it in cycles if not (it.report.get("error") or it.report.get("interrupted"))]
    return KeptIndex(summary.applied, summary.points, max(synced, default=None))


async def find_way_back(job: ReindexJob, sink: Sink, older: LedgerView | None, newer: LedgerView | None) -> WayBack:
    """`older` is the ledger of the old collection. Raises ConfigError if searchers would find nothing, or not ours."""
    info = await sink.inspect(job.from_collection)
    if info is None:
        raise _refusal(job, "does not exist any more", _refill(job))
    if info.instance_id is None:
        raise _refusal(job, "was not made by the connector", "Find out who replaced it")
    if job.from_model not in (None, info.model):
        raise _refusal(job, f"is of model {info.model}, and was of {job.from_model}", "Find out who replaced it")
    indexes = {*await sink.indexes_in(info.name), *info.owners}
    held = {index_id: await sink.count(info.name, index_id) for index_id in sorted(indexes)}
    if not any(held.values()):
        raise _refusal(job, "is empty", _refill(job))
    ours = [index_id for index_id in held if _keeps(info, info.owners.get(index_id), older)]
    if not any(held[index_id] for index_id in ours):
        owners = ", ".join(sorted({f"{owner}, which writes {owner.home}" for owner in info.owners.values()}))
        advice = "Run `connector sync` with the old settings first, which says how to take it over"
        raise _refusal(job, f"belongs to {owners or 'nobody'}, and not to this connector any more", advice)
    points = sum(held[index_id] for index_id in ours)
    return WayBack(points, older.total(ours) if older else None, newer.total(newer.indexes) if newer else None)


def _keeps(info: CollectionInfo, owner: Owner | None, older: LedgerView | None) -> bool:
    """Whether the ledger of the old collection still writes the index there; any ledger, if that one is not there."""
    if owner is None or (older and owner.ledger_id != older.ledger_id):
        return False
    return owner.home in {"", info.name, info.real_name, *info.aliases}


def _refill(job: ReindexJob) -> str:
    return f"Fill it again with `connector sync`: {instruction(job.before)} for that"


def _refusal(job: ReindexJob, what: str, advice: str) -> ConfigError:
    cause = f"the old collection {job.from_collection} {what}; the alias was not moved"
    return ConfigError("roll back alias", job.alias, cause, advice)
