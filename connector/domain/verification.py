"""Compare listing, ledger and stored points of an index asset by asset. Pure; the findings say what a repair would do.

A repair changes nothing itself: `marks` reopens or adopts rows, and the ordinary plan of the next full cycle does the
rest. So what it would do is what `make_plan` decides about the marked rows.

| in the sink, the ledger or the listing                        | kind              |
|---------------------------------------------------------------|-------------------|
| ready, and neither a row with points nor points               | missing_asset     |
| ready, and its fingerprint is not the applied one             | stale_asset       |
| not listed, and its row has points                            | gone_asset        |
| not listed, and its row has no points                         | orphaned_row      |
| opened, and never closed                                      | interrupted       |
| fewer points than the row says                                | missing_points    |
| more points of the revision than the row says                 | surplus_points    |
| points of another revision                                    | stale_points      |
| points whose payload is not what was written                  | altered_payload   |
| points of another model than that of their collection         | wrong_model       |
| points in another collection than that of the row             | wrong_collection  |
| points without a row                                          | orphaned_points   |
| vectors other than those of the source (deep only)            | altered_vectors   |
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from connector.domain.fingerprint import PointConfig, fingerprint
from connector.domain.holding import Holding, Holdings
from connector.domain.ledger_model import Applied, Checkpoint, IndexState
from connector.domain.plan import Plan, make_plan
from connector.domain.policy import Policy
from connector.domain.source_model import READY, IndexedAsset, Snapshot


class Kind(StrEnum):
    """The right-hand column of the table."""

    MISSING_ASSET = "missing_asset"
    STALE_ASSET = "stale_asset"
    GONE_ASSET = "gone_asset"
    ORPHANED_ROW = "orphaned_row"
    INTERRUPTED = "interrupted"
    MISSING_POINTS = "missing_points"
    SURPLUS_POINTS = "surplus_points"
    STALE_POINTS = "stale_points"
    ALTERED_PAYLOAD = "altered_payload"
    WRONG_MODEL = "wrong_model"
    WRONG_COLLECTION = "wrong_collection"
    ORPHANED_POINTS = "orphaned_points"
    ALTERED_VECTORS = "altered_vectors"


class Repair(StrEnum):
    """What the plan of a repair does with the asset."""

    UPSERT = "upsert"
    DELETE = "delete"
    FORGET = "forget"
    WITHHELD = "withheld"
    KEPT = "kept"
    PENDING = "pending"
    WAITING = "waiting"
    QUARANTINED = "quarantined"
    NONE = "none"
    """Nothing: for example, the listing is incomplete, or does not show the asset."""


@dataclass(frozen=True, slots=True)
class DriftFinding:
    """One difference of one asset. Points are counted: `expected` and `found` ones, and those `affected` by it.

    With a `collection`, a repair reopens the row there; without one, the plan needs no mark. `expected` is None if
    that is not known.
    """

    indexed_asset_id: str
    kind: Kind
    collection: str | None = None
    expected: int | None = None
    found: int = 0
    affected: int = 0
    filename: str | None = None
    repair: Repair = Repair.NONE
    because: str | None = None
    repaired: bool | None = None
    """Whether a repair mended it; None if none was tried."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Rows that a repair changes before the plan: `adopted` are new, `reopened` ones by collection."""

    adopted: Mapping[str, Checkpoint]
    reopened: Mapping[str, Sequence[str]]

    def of(self, rows: Mapping[str, Checkpoint]) -> dict[str, Checkpoint]:
        """The rows with these marks."""
        marked = {**rows, **self.adopted}
        for collection, names in self.reopened.items():
            for name in names:
                row = marked[name]
                marked[name] = replace(row, opened=True, collections=row.collections | {collection})
        return marked


def find_drift(
    snapshot: Snapshot, rows: Mapping[str, Checkpoint], held: Mapping[str, Holdings], shape: PointConfig
) -> list[DriftFinding]:
    """Compare all assets, by id. `held` has the holdings of each collection."""
    names = snapshot.assets.keys() | rows.keys()
    for holdings in held.values():
        names |= holdings.keys()
    found = list[DriftFinding]()
    for name in sorted(names):
        asset, row = snapshot.assets.get(name), rows.get(name)
        here = {place: holdings[name] for place, holdings in held.items() if name in holdings}
        found += _of_asset(name, asset, row, here, shape, is_listing_complete=snapshot.complete)
    return found


def _of_asset(
    name: str,
    asset: IndexedAsset | None,
    row: Checkpoint | None,
    here: Mapping[str, Holding],
    shape: PointConfig,
    *,
    is_listing_complete: bool,
) -> Iterator[DriftFinding]:
    points, is_ready = sum(holding.points for holding in here.values()), asset is not None and asset.status == READY
    if row is None:
        for place, holding in here.items():
            yield DriftFinding(name, Kind.ORPHANED_POINTS, place, 0, holding.points, holding.points)
        if is_ready and not here:
            yield DriftFinding(name, Kind.MISSING_ASSET)
        return
    state = None
    if asset is None and is_listing_complete:
        state = DriftFinding(name, Kind.GONE_ASSET if here or row.may_have_points else Kind.ORPHANED_ROW, None, 0)
    elif row.opened:
        state = DriftFinding(name, Kind.INTERRUPTED)
    elif asset and is_ready:
        state = _state_of_ready(asset, row.applied, shape)
    if state:
        yield replace(state, found=points, affected=points)
    yield from _of_places(name, row, here, is_stale=state is not None and state.kind is Kind.STALE_ASSET)


def _state_of_ready(asset: IndexedAsset, applied: Applied | None, shape: PointConfig) -> DriftFinding | None:
    if applied is None:
        return DriftFinding(asset.indexed_asset_id, Kind.MISSING_ASSET)
    if applied.fingerprint != fingerprint(asset, shape):
        return DriftFinding(asset.indexed_asset_id, Kind.STALE_ASSET, None, applied.points)
    return None


def _of_places(name: str, row: Checkpoint, here: Mapping[str, Holding], *, is_stale: bool) -> Iterator[DriftFinding]:
    """An opened row says nothing about the points in its collections."""
    allowed = row.collections if row.opened else {row.applied.collection} if row.applied else set()
    for place, holding in here.items():
        if place not in allowed:
            kind = Kind.WRONG_COLLECTION if allowed else Kind.SURPLUS_POINTS
            yield DriftFinding(name, kind, place, 0, holding.points, holding.points)
    if row.applied and not row.opened:
        place = row.applied.collection
        yield from _of_points(name, place, row.applied, here.get(place, Holding()), is_stale=is_stale)


def _of_points(name: str, place: str, applied: Applied, holding: Holding, *, is_stale: bool) -> Iterator[DriftFinding]:
    """Compare a closed row with the points in its collection. A stale asset is written anyway, payloads included."""
    current, wanted = holding.revisions[applied.revision], applied.points
    counts = {
        Kind.MISSING_POINTS: wanted - holding.of_model,
        Kind.SURPLUS_POINTS: current - wanted,
        Kind.STALE_POINTS: holding.of_model - current,
        Kind.WRONG_MODEL: holding.other_model,
    }
    if not is_stale:
        is_complete = not any(count > 0 for count in counts.values())
        counts[Kind.ALTERED_PAYLOAD] = holding.altered(applied.metadata_revision, wanted if is_complete else None)
    for kind, affected in counts.items():
        if affected > 0:
            yield DriftFinding(name, kind, place, wanted, holding.points, affected)


def marks(findings: Iterable[DriftFinding], rows: Mapping[str, Checkpoint]) -> Marks:
    """A row whose points stay is not reopened: nothing will write them, and an opened row says nothing about them."""
    adopted, reopened = dict[str, Checkpoint](), dict[str, set[str]]()
    for it in findings:
        stays = it.repair in {Repair.KEPT, Repair.PENDING}
        if it.collection is None or (stays and it.indexed_asset_id in rows):
            continue
        if it.indexed_asset_id in rows:
            reopened.setdefault(it.collection, set()).add(it.indexed_asset_id)
            continue
        row = adopted.get(it.indexed_asset_id, Checkpoint(it.indexed_asset_id, opened=True))
        adopted[it.indexed_asset_id] = replace(row, collections=row.collections | {it.collection})
    return Marks(adopted, {place: sorted(names) for place, names in reopened.items()})


def with_repairs(
    findings: Sequence[DriftFinding],
    snapshot: Snapshot,
    rows: Mapping[str, Checkpoint],
    state: IndexState,
    shape: PointConfig,
    policy: Policy,
) -> list[DriftFinding]:
    """The findings with what the plan of a repair would do, and with file names."""
    plan = make_plan(snapshot, marks(findings, rows).of(rows), state, shape, policy)
    repairs, keep = _repairs(plan), policy.delete_mode == "keep"
    pending = {row.indexed_asset_id for row in plan.pending}

    def completed(finding: DriftFinding) -> DriftFinding:
        name = finding.indexed_asset_id
        asset, row = snapshot.assets.get(name), rows.get(name)
        repair = repairs.get(name, Repair.KEPT if keep and asset is None else Repair.NONE)
        because = plan.withheld_because if repair is Repair.WITHHELD else None
        return replace(finding, filename=_filename(asset, row), repair=repair, because=because)

    def is_as_wished(finding: DriftFinding) -> bool:
        """Mode keep and the grace period leave them. But once the row was opened, they are not those of the row."""
        name, row = finding.indexed_asset_id, rows.get(finding.indexed_asset_id)
        stays = finding.kind is Kind.GONE_ASSET and (keep or name in pending)
        return stays and not (row and row.opened and row.applied)

    return [completed(it) for it in findings if not is_as_wished(it)]


def with_result(finding: DriftFinding, row: Checkpoint | None, *, is_listed: bool) -> DriftFinding:
    """The finding after the full cycle of a repair, judged by its row.

    It must be applied and closed; that of an absent asset must be gone, or wait for the end of the grace period.
    """
    if finding.repair is Repair.KEPT:
        is_repaired = finding.kind is Kind.ORPHANED_POINTS and row is not None
    elif finding.repair is Repair.PENDING and row is not None:
        begins = finding.kind in {Kind.GONE_ASSET, Kind.ORPHANED_POINTS}
        is_repaired = begins and row.absent_since is not None
    elif row is None:
        is_repaired = not is_listed
    else:
        is_settled = row.applied is not None and not (row.opened or row.attempt) and row.priority is None
        is_repaired = is_listed and is_settled
    return replace(finding, repaired=is_repaired)


def _repairs(plan: Plan) -> dict[str, Repair]:
    return {
        **{it.indexed_asset_id: Repair.UPSERT for it in plan.upserts},
        **{it.checkpoint.indexed_asset_id: Repair.DELETE for it in plan.deletes},
        **{it.checkpoint.indexed_asset_id: Repair.WITHHELD for it in plan.withheld},
        **{row.indexed_asset_id: Repair.FORGET for row in plan.forgets},
        **{row.indexed_asset_id: Repair.PENDING for row in (*plan.absent, *plan.pending)},
        **{row.indexed_asset_id: Repair.QUARANTINED for row in plan.quarantined},
        **{asset.indexed_asset_id: Repair.WAITING for asset in plan.waiting},
    }


def _filename(asset: IndexedAsset | None, row: Checkpoint | None) -> str | None:
    listed = asset or (row.listed if row else None)
    return listed.filename if listed else None
