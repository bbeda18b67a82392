"""What an operator does to the ledger and the sink by hand: retry or drop quarantined assets, forget an index."""

from collections.abc import Callable, Collection

from connector.errors import ConfigError
from connector.model import Checkpoint
from connector.ports import CheckpointStore, Sink


async def quarantined(ledger: CheckpointStore, index_id: str, max_attempts: int) -> dict[str, Checkpoint]:
    """Rows whose attempts are used up."""
    rows = await ledger.unfinished(index_id)
    return {name: row for name, row in rows.items() if row.attempt and row.attempt.attempts >= max_attempts}


async def retry(ledger: CheckpointStore, index_id: str, names: Collection[str]) -> list[str]:
    """The next cycle tries these again as if they had never failed. Raises ConfigError for one that is not there."""
    for name in await _known(ledger, index_id, names):
        await ledger.pardon(index_id, name)
    return list(names)


async def drop(sink: Sink, ledger: CheckpointStore, index_id: str, names: Collection[str]) -> list[str]:
    """Deletes what the sink still holds of these; they stay in quarantine until they change."""
    for name, row in (await _known(ledger, index_id, names)).items():
        await ledger.open(index_id, name, row.collections)
        await sink.delete(row.collections, index_id, name)
        await ledger.empty(index_id, name)
    return list(names)


async def forget(
    sink: Sink, ledger: CheckpointStore, index_id: str, now: float, done: Callable[[], None] = lambda: None
) -> dict[str, int]:
    """Deletes all points and rows of an index; what is left of a forget that was interrupted is found again."""
    rows = await ledger.load(index_id)
    for name, row in rows.items():
        await ledger.open(index_id, name, row.collections)
        await sink.delete(row.collections, index_id, name)
        await ledger.forget(index_id, name, now)
        done()
    await ledger.drop_index(index_id)
    points = sum(row.applied.points for row in rows.values() if row.applied)
    return {"assets": len(rows), "points": points}


async def _known(ledger: CheckpointStore, index_id: str, names: Collection[str]) -> dict[str, Checkpoint]:
    rows = await ledger.rows(index_id, names)
    missing = sorted(set(names) - rows.keys())
    if missing:
        advice = "See `connector quarantine list`"
        raise ConfigError("find asset", missing[0], f"the ledger has no such asset of index {index_id}", advice)
    return rows
