"""Operator actions on ledger and sink: make quarantined assets due again, drop their points, forget an index."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from connector.domain.errors import ConfigError
from connector.domain.index_settings import IndexSettings
from connector.domain.ledger_model import Checkpoint
from connector.domain.sink_model import Owner
from connector.engine.owners import OwnedElsewhere, Standing, clearable, entry_to_write, owner_of
from connector.engine.reconcile import find_collections
from connector.ports import CheckpointStore, Sink


async def quarantined(ledger: CheckpointStore, index_id: str, max_attempts: int) -> dict[str, Checkpoint]:
    """Rows with at least `max_attempts` attempts."""
    rows = await ledger.unfinished(index_id)
    return {name: row for name, row in rows.items() if row.attempt and row.attempt.attempts >= max_attempts}


async def retry(ledger: CheckpointStore, index_id: str, names: Collection[str]) -> list[str]:
    """Reset the attempts of these assets; the next cycle retries them. Raises ConfigError for an unknown id."""
    for name in await _known(ledger, index_id, names):
        await ledger.reset_attempts(index_id, name)
    return list(names)


async def drop(sink: Sink, ledger: CheckpointStore, settings: IndexSettings, names: Collection[str]) -> list[str]:
    """Delete the points of quarantined assets; they stay quarantined. Raises ConfigError for an unknown id."""
    index_id, me = settings.index_id, owner_of(await ledger.identity(), settings, None)
    for name, row in (await _known(ledger, index_id, names)).items():
        held = await clearable(sink, index_id, row.collections, me)
        await ledger.open(index_id, name, held)
        await sink.delete(held, index_id, name)
        await ledger.empty(index_id, name)
    return list(names)


@dataclass(frozen=True, slots=True)
class Footprint:
    """Everything stored of an index: its rows, and its point counts by collection and asset.

    `foreign` maps each collection that another ledger owns to that owner; its points must not be deleted.
    """

    rows: Mapping[str, Checkpoint]
    points: Mapping[str, Mapping[str, int]]
    foreign: Mapping[str, Owner]

    @property
    def assets(self) -> set[str]:
        return set(self.rows).union(*self.points.values())

    @property
    def total(self) -> int:
        return sum(sum(assets.values()) for assets in self.points.values())


async def footprint(sink: Sink, ledger: CheckpointStore, settings: IndexSettings) -> Footprint:
    """Search every stamped collection, because a rebuilt ledger may not list all of them."""
    index_id, me = settings.index_id, owner_of(await ledger.identity(), settings, None)
    rows, mine = await ledger.load(index_id), await Standing.of(ledger, index_id)
    models = [info.model for info in await sink.collections() if info.model]
    names = {settings.collection_name(model) for model in models}.union(*(row.collections for row in rows.values()))
    found = await find_collections(sink, sorted(names))
    points: dict[str, dict[str, int]] = {}
    foreign: dict[str, Owner] = {}
    for info in {info.name: info for info in found.values() if info and info.instance_id}.values():
        try:
            entry_to_write(info, index_id, me, mine)
        except OwnedElsewhere:
            foreign[info.name] = info.owners[index_id]
            continue
        held = await sink.manifest(info.name, index_id)
        if held or index_id in info.owners:
            points[info.name] = {name: asset.points for name, asset in held.items()}
    return Footprint(rows, points, foreign)


async def forget(
    sink: Sink, ledger: CheckpointStore, settings: IndexSettings, now: float, done: Callable[[], None] = lambda: None
) -> dict[str, int]:
    """Delete all points and rows of an index. Repeat it after an interruption: it finds the remaining points."""
    index_id, found = settings.index_id, await footprint(sink, ledger, settings)
    for name in sorted(found.assets):
        held = [collection for collection, assets in found.points.items() if name in assets]
        if held:
            await ledger.open(index_id, name, held)
            await sink.delete(held, index_id, name)
            await ledger.forget(index_id, name, now)
        done()
    for collection in found.points:
        await sink.set_owner(collection, index_id, None)
    await ledger.drop_index(index_id)
    return {"assets": len(found.assets), "points": found.total}


async def _known(ledger: CheckpointStore, index_id: str, names: Collection[str]) -> dict[str, Checkpoint]:
    rows = await ledger.rows(index_id, names)
    missing = sorted(set(names) - rows.keys())
    if missing:
        advice = "See `connector quarantine list`"
        raise ConfigError("find asset", missing[0], f"the ledger has no such asset of index {index_id}", advice)
    return rows
