"""The decision: what a cycle changes, as a value. Pure: no await, no clock, no logger, deterministic order.

| in the snapshot | in the ledger                          | decision                              |
|-----------------|----------------------------------------|---------------------------------------|
| ready           | none                                   | Upsert (new)                          |
| ready           | applied, same fingerprint              | unchanged, or Refresh when one is due |
| ready           | applied, other fingerprint             | Upsert (changed)                      |
| ready           | opened, never closed                   | Upsert (interrupted)                  |
| ready           | failed, due again                      | Upsert (retry)                        |
| ready           | failed, not due yet                    | postponed                             |
| ready           | failed N times at the same fingerprint | quarantined                           |
| not ready       | any                                    | waiting                               |
| absent          | any                                    | Delete, subject to the policy         |
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from connector.fingerprint import Shape, fingerprint
from connector.model import READY, Checkpoint, DeleteMode, IndexedAsset, IndexState, Snapshot
from connector.refresh import RefreshPolicy, due


class Decision(StrEnum):
    """The right-hand column of the table for an asset that is listed."""

    NEW = "new"
    CHANGED = "changed"
    INTERRUPTED = "interrupted"
    RETRY = "retry"
    UNCHANGED = "unchanged"
    POSTPONED = "postponed"
    QUARANTINED = "quarantined"
    WAITING = "waiting"


INCOMPLETE = "the listing is incomplete, so nothing can be said to be absent"
UPSERTS = frozenset({Decision.NEW, Decision.CHANGED, Decision.INTERRUPTED, Decision.RETRY})


@dataclass(frozen=True, slots=True)
class Upsert:
    asset: IndexedAsset
    fingerprint: str
    reason: Decision
    checkpoint: Checkpoint | None = None


@dataclass(frozen=True, slots=True)
class Refresh:
    """Retrieve an applied asset again: `deep` with its vectors, shallow without."""

    asset: IndexedAsset
    fingerprint: str
    checkpoint: Checkpoint
    deep: bool
    canary: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Policy:
    """What a plan may do.

    `recent_deletes` are those of the last 24 hours; `patient` leaves failed assets alone until they are due; without a
    `refresh` policy no applied asset is retrieved again.
    """

    now: float
    delete_mode: DeleteMode
    max_deletes: int
    max_delete_ratio: float
    max_attempts: int
    refresh: RefreshPolicy | None = None
    recent_deletes: int = 0
    allow_deletes: bool = False
    patient: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The difference between a snapshot and the ledger. `withheld` deletes wait for an operator, `kept` ones do not."""

    upserts: tuple[Upsert, ...]
    refreshes: tuple[Refresh, ...]
    deletes: tuple[Delete, ...]
    unchanged: int
    waiting: tuple[IndexedAsset, ...]
    postponed: tuple[Checkpoint, ...]
    quarantined: tuple[Checkpoint, ...]
    withheld: tuple[Delete, ...] = ()
    withheld_because: str | None = None
    kept: int = 0

    @classmethod
    def of(cls, refreshes: tuple[Refresh, ...]) -> "Plan":
        """Nothing but these."""
        return cls((), refreshes, (), unchanged=0, waiting=(), postponed=(), quarantined=())


def make_plan(
    snapshot: Snapshot, ledger: Mapping[str, Checkpoint], state: IndexState, shape: Shape, policy: Policy
) -> Plan:
    order = sorted(snapshot.assets.values(), key=lambda asset: (asset.created_at or "", asset.indexed_asset_id))
    prints = {asset.indexed_asset_id: fingerprint(asset, shape) for asset in order}
    rows = {asset.indexed_asset_id: ledger.get(asset.indexed_asset_id) for asset in order}
    decisions = {name: decide(snapshot.assets[name], rows[name], prints[name], policy) for name in prints}

    def rows_decided(decision: Decision) -> tuple[Checkpoint, ...]:
        return tuple(row for name, row in rows.items() if row is not None and decisions[name] is decision)

    unchanged = {row.indexed_asset_id: row for row in rows_decided(Decision.UNCHANGED)}
    applied = {name: row.applied for name, row in unchanged.items() if row.applied}
    refreshes = due(applied, state, policy.refresh, policy.now) if policy.refresh else []
    absent = tuple(Delete(ledger[name]) for name in sorted(ledger.keys() - snapshot.assets.keys()))
    keep = policy.delete_mode == "keep"
    objection = None if keep else objection_to(absent, snapshot, len(ledger), state, policy)
    return Plan(
        upserts=tuple(
            Upsert(snapshot.assets[name], prints[name], decision, rows[name])
            for name, decision in decisions.items()
            if decision in UPSERTS
        ),
        refreshes=tuple(
            Refresh(
                snapshot.assets[it.indexed_asset_id],
                prints[it.indexed_asset_id],
                unchanged[it.indexed_asset_id],
                it.deep,
                it.canary,
            )
            for it in refreshes
        ),
        deletes=() if keep or objection else absent,
        unchanged=len(unchanged) - len(refreshes),
        waiting=tuple(asset for asset in order if decisions[asset.indexed_asset_id] is Decision.WAITING),
        postponed=rows_decided(Decision.POSTPONED),
        quarantined=rows_decided(Decision.QUARANTINED),
        withheld=absent if objection else (),
        withheld_because=objection,
        kept=len(absent) if keep else 0,
    )


def decide(  # noqa: PLR0911  one return for each row of the table
    asset: IndexedAsset, row: Checkpoint | None, fingerprint: str, policy: Policy
) -> Decision:
    """The table, from the top risk down."""
    if asset.status != READY:
        return Decision.WAITING
    if row is None:
        return Decision.NEW
    tried = row.attempt if row.attempt and row.attempt.fingerprint == fingerprint else None
    if tried and tried.attempts >= policy.max_attempts:
        return Decision.QUARANTINED
    if tried and policy.patient and policy.now < tried.due:
        return Decision.POSTPONED
    if row.opened:
        return Decision.INTERRUPTED
    if tried:
        return Decision.RETRY
    if row.applied is None:
        return Decision.NEW
    return Decision.UNCHANGED if row.applied.fingerprint == fingerprint else Decision.CHANGED


def due_again(rows: Mapping[str, Checkpoint], policy: Policy) -> set[str]:
    """Unfinished rows that a patient cycle tries now, as far as that can be told without the asset's fingerprint."""
    return {
        name
        for name, row in rows.items()
        if row.attempt is None or (row.attempt.due <= policy.now and row.attempt.attempts < policy.max_attempts)
    }


def objection_to(
    absent: tuple[Delete, ...], snapshot: Snapshot, rows: int, state: IndexState, policy: Policy
) -> str | None:
    """Why none of these deletes may be carried out now; None when they may."""
    if not absent:
        return None
    if not snapshot.complete:
        return INCOMPLETE
    if policy.allow_deletes:
        return None
    if state.withheld_because:
        return state.withheld_because
    if not snapshot.assets:
        return "the listing is empty although the ledger is not"
    wanted = policy.recent_deletes + sum(1 for delete in absent if delete.checkpoint.collections)
    limit = max(policy.max_deletes, int(policy.max_delete_ratio * (rows + policy.recent_deletes)))
    return f"{wanted} deletes within 24 hours where {limit} are allowed" if wanted > limit else None


def to_remember(state: IndexState, plan: Plan) -> IndexState:
    """What is withheld stays so until it is allowed: growth of the ledger must not let it through by itself."""
    if plan.withheld_because == INCOMPLETE or plan.kept:
        return state
    return replace(state, withheld_because=plan.withheld_because)
