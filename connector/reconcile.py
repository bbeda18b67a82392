"""Ledger against sink, before the plan: what a new ledger finds is adopted, what the sink lost is reopened.

`compare` only reads, so that a dry run sees the same; `commit` writes what it found.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from connector.model import Applied, Checkpoint, IndexState, SinkAsset
from connector.ports import CheckpointStore, Sink

_ONE_BY_ONE = 100


@dataclass(slots=True)
class Reconciled:
    """The rows as the plan must see them, and what of that the ledger does not say yet."""

    state: IndexState
    rows: dict[str, Checkpoint]
    is_new: bool = False
    adopted: list[str] = field(default_factory=list)
    reopened: dict[str, list[str]] = field(default_factory=dict)
    instances: dict[str, str] = field(default_factory=dict)


async def compare(sink: Sink, ledger: CheckpointStore, index_id: str, collection: str | None, now: float) -> Reconciled:
    """`collection` is where the index's points belong now; its rows may name others."""
    state = await ledger.state(index_id)
    rows = await ledger.load(index_id)
    known = Reconciled(state or IndexState(first_cycle_at=now, canary_at=now), rows, is_new=state is None)
    if state is None:
        suspects = {info.name for info in await sink.collections()}
    else:
        suspects = {collection} if collection else set()
    for name in sorted(suspects.union(*(row.collections for row in rows.values()))):
        await _compare_collection(sink, ledger, index_id, name, known, now)
    return known


async def commit(ledger: CheckpointStore, index_id: str, known: Reconciled, state: IndexState) -> None:
    """`state` is what the plan makes of the one that was found."""
    if known.is_new or known.adopted:
        await ledger.adopt(index_id, [known.rows[name] for name in known.adopted], state)
    elif state != known.state:
        await ledger.save_state(index_id, state)
    known.state = state
    for collection, names in known.reopened.items():
        await ledger.reopen(index_id, names, collection)
    for collection, instance_id in known.instances.items():
        await ledger.save_instance(index_id, collection, instance_id)


async def _compare_collection(
    sink: Sink, ledger: CheckpointStore, index_id: str, collection: str, known: Reconciled, now: float
) -> None:
    info = await sink.inspect(collection)
    instance_id = info.instance_id if info else None
    same = instance_id == await ledger.instance(index_id, collection)
    if not same and instance_id:
        known.instances[collection] = instance_id
    if same and await sink.count(collection, index_id) == await _expected(sink, index_id, collection, known.rows):
        return
    found = await sink.manifest(collection, index_id) if info else {}
    for name in sorted(found.keys() | known.rows.keys()):
        _compare_asset(name, found.get(name), collection, known, now)


async def _expected(sink: Sink, index_id: str, collection: str, rows: Mapping[str, Checkpoint]) -> int | None:
    """How many points the rows account for. What opened rows have is counted, unless they are too many: None."""
    total = 0
    opened = []
    for name, row in rows.items():
        if row.opened and collection in row.collections:
            opened.append(name)
        elif row.applied and row.applied.collection == collection:
            total += row.applied.points
    if len(opened) > _ONE_BY_ONE:
        return None
    for name in opened:
        total += await sink.count(collection, index_id, name)
    return total


def _compare_asset(name: str, found: SinkAsset | None, collection: str, known: Reconciled, now: float) -> None:
    row = known.rows.get(name)
    if row is None:
        if found:
            known.adopted.append(name)
            known.rows[name] = _adopted(found, collection, now)
        return
    unnamed = found is not None and collection not in row.collections
    if unnamed or not (row.opened or _holds(row, found, collection)):
        known.reopened.setdefault(collection, []).append(name)
        known.rows[name] = replace(row, opened=True, collections=row.collections | {collection})


def _holds(row: Checkpoint, found: SinkAsset | None, collection: str) -> bool:
    applied = row.applied if row.applied and row.applied.collection == collection else None
    wanted = {applied.revision: applied.points} if applied and applied.points else {}
    return (dict(found.points_by_revision) if found else {}) == wanted


def _adopted(found: SinkAsset, collection: str, now: float) -> Checkpoint:
    """A row for points that no row accounted for; intact ones need not be retrieved again."""
    name, where = found.indexed_asset_id, frozenset({collection})
    if not found.intact:
        return Checkpoint(name, opened=True, collections=where)
    applied = Applied(
        fingerprint=found.fingerprint or "",
        revision=next(iter(found.points_by_revision)),
        metadata_revision=None,
        points=found.points,
        collection=collection,
        applied_at=now,
        shallow_at=now,
        deep_at=now,
    )
    return Checkpoint(name, applied=applied, collections=where)
