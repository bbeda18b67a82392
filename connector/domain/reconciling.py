"""Decides which ledger rows differ from the points that a collection holds, and what becomes of them.

Most comparisons need only the point counts of the whole index, by revision and by metadata revision. Where these
differ from the expected ones, the points of the differing revisions are read and compared asset by asset.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from connector.domain.ledger_model import Applied, Checkpoint
from connector.domain.sink_model import Owner, SinkAsset, Tally


def may_write(owner: Owner, me: Owner, predecessor: Owner | None) -> bool:
    """Whether `me` may write where `owner` is recorded. The `predecessor` owned the collection that `me` writes now.

    True also for the predecessor's points, if it was moving the index to that collection.
    """
    if owner.ledger_id == me.ledger_id:
        return True
    return predecessor is not None and owner.ledger_id == predecessor.ledger_id and owner.home == me.home


def named(rows: Iterable[Checkpoint]) -> set[str]:
    """All collections that may hold points of these assets."""
    return set[str]().union(*(row.collections for row in rows))


def renamed(row: Checkpoint, names: Mapping[str, str]) -> Checkpoint:
    """The row with one name for each collection; `names` maps other names, such as aliases, to that one."""
    if not row.collections & names.keys():
        return row
    applied = row.applied and replace(row.applied, collection=names.get(row.applied.collection, row.applied.collection))
    return replace(row, applied=applied, collections=frozenset(names.get(name, name) for name in row.collections))


def without(row: Checkpoint, collection: str) -> Checkpoint:
    """The row without a collection that belongs to another ledger. It is opened if it was applied there."""
    if collection not in row.collections:
        return row
    void = row.applied is not None and row.applied.collection == collection
    return replace(row, opened=row.opened or void, collections=row.collections - {collection})


def expected_tally(collection: str, rows: Iterable[Checkpoint]) -> Tally:
    """Point counts that the applied rows imply. Points of opened rows are left out, so they appear as a difference."""
    revisions, metadata = Counter[str](), Counter[str]()
    for row in rows:
        applied = row.applied
        if applied and applied.points and applied.collection == collection and not row.opened:
            revisions[applied.revision] += applied.points
            if applied.metadata_revision:
                metadata[applied.metadata_revision] += applied.points
    return Tally(revisions, metadata)


def tally_difference(expected: Tally, held: Tally) -> Tally:
    """What is held of the revisions whose point count differs from the expected one."""
    return Tally(
        _differing(expected.revisions, held.revisions), _differing(expected.metadata_revisions, held.metadata_revisions)
    )


def compared(row: Checkpoint, found: SinkAsset | None, collection: str, looked_at: Tally | None) -> Checkpoint:
    """The same row if the collection holds what it says, else an opened one.

    `looked_at` are the revisions whose points were read; None for all of them.
    """
    unnamed = found is not None and collection not in row.collections
    if unnamed or not (row.opened or _holds(row, found, collection, looked_at)):
        return replace(row, opened=True, collections=row.collections | {collection})
    return row


def adopted(found: SinkAsset, collection: str, now: float) -> Checkpoint:
    """A new row for points without a row. Opened, and so retrieved again, unless the points are intact."""
    name, where = found.indexed_asset_id, frozenset({collection})
    if not (found.intact and found.fingerprint):
        return Checkpoint(name, opened=True, collections=where)
    applied = Applied(
        fingerprint=found.fingerprint,
        revision=next(iter(found.points_by_revision)),
        metadata_revision=found.metadata_revision,
        points=found.points,
        collection=collection,
        applied_at=now,
        shallow_at=now,
        deep_at=now,
    )
    return Checkpoint(name, applied=applied, collections=where)


def _differing(expected: Mapping[str, int], held: Mapping[str, int]) -> dict[str, int]:
    return {
        value: held.get(value, 0)
        for value in expected.keys() | held.keys()
        if expected.get(value, 0) != held.get(value, 0)
    }


def _holds(row: Checkpoint, found: SinkAsset | None, collection: str, looked_at: Tally | None) -> bool:
    applied = row.applied if row.applied and row.applied.collection == collection else None
    wanted = {applied.revision: applied.points} if applied and applied.points else {}
    if not _equal(wanted, found.points_by_revision if found else {}, looked_at.revisions if looked_at else None):
        return False
    if applied is None or applied.metadata_revision is None:
        return True
    wanted = {applied.metadata_revision: applied.points} if applied.points else {}
    held = found.points_by_metadata_revision if found else {}
    return _equal(wanted, held, looked_at.metadata_revisions if looked_at else None)


def _equal(one: Mapping[str, int], other: Mapping[str, int], among: Collection[str] | None) -> bool:
    if among is None:
        return dict(one) == dict(other)
    return {key: one[key] for key in one if key in among} == {key: other[key] for key in other if key in among}
