"""Compute the plan of a cycle. Pure: no await, no clock, no logger, deterministic order.

| in the snapshot | in the ledger                          | decision                              |
|-----------------|----------------------------------------|---------------------------------------|
| ready           | none                                   | Upsert (new)                          |
| ready           | applied, same fingerprint              | unchanged, or Refresh when one is due |
| ready           | applied, other fingerprint             | Upsert (changed)                      |
| ready           | opened, never closed                   | Upsert (interrupted)                  |
| ready           | failed, due for a retry                | Upsert (retry)                        |
| ready           | failed, not due yet                    | postponed                             |
| ready           | failed N times at the same fingerprint | quarantined                           |
| not ready       | any                                    | waiting                               |
| absent          | a delete failed, not due yet           | postponed                             |
| absent          | a delete failed N times                | quarantined                           |
| absent          | no points                              | forgotten: nothing to delete          |
| absent          | no proof of absence yet                | absent: the proof starts the grace    |
| absent          | proven, the grace period is not over   | pending                               |
| absent          | any other                              | Delete, subject to the policy         |

`delete_policy` decides whether the deletes are carried out or withheld. A quarantined asset becomes due again when its
fingerprint changes, or when an operator resets its attempts (`engine.maintenance.retry`). Without a grace period, an
absent asset is deleted in the cycle that proves its absence.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from connector.domain.delete_policy import INCOMPLETE, delete_veto, size_for_limit
from connector.domain.fingerprint import PointConfig, fingerprint
from connector.domain.ledger_model import Applied, Checkpoint, IndexState
from connector.domain.policy import Policy
from connector.domain.refresh import due, refreshable
from connector.domain.source_model import READY, IndexedAsset, Snapshot


class Decision(StrEnum):
    """The right-hand column of the table."""

    NEW = "new"
    CHANGED = "changed"
    INTERRUPTED = "interrupted"
    RETRY = "retry"
    UNCHANGED = "unchanged"
    POSTPONED = "postponed"
    QUARANTINED = "quarantined"
    WAITING = "waiting"
    ABSENT = "absent"
    PENDING = "pending"
    DELETE = "delete"
    FORGOTTEN = "forgotten"


GONE = "gone"
"""Fingerprint of a delete attempt."""
ANNOUNCED = "announced"
"""Fingerprint of the attempt for an asset that a webhook named, until its retrieval tells the real one."""
UPSERTS = frozenset({Decision.NEW, Decision.CHANGED, Decision.INTERRUPTED, Decision.RETRY})


@dataclass(frozen=True, slots=True)
class Upsert:
    asset: IndexedAsset
    fingerprint: str
    reason: Decision
    checkpoint: Checkpoint | None = None

    @property
    def indexed_asset_id(self) -> str:
        return self.asset.indexed_asset_id


@dataclass(frozen=True, slots=True)
class Announced:
    """Upsert an asset that a webhook named as ready: its retrieval also says what a listing would."""

    indexed_asset_id: str
    checkpoint: Checkpoint | None = None
    fingerprint: str = ANNOUNCED


@dataclass(frozen=True, slots=True)
class Refresh:
    """Retrieve an applied asset again: `deep` with its vectors, shallow without."""

    checkpoint: Checkpoint
    fingerprint: str
    deep: bool
    canary: bool = False

    @property
    def indexed_asset_id(self) -> str:
        return self.checkpoint.indexed_asset_id


@dataclass(frozen=True, slots=True)
class Delete:
    """`counts`: whether it counts towards the 24-hour limit."""

    checkpoint: Checkpoint
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """The difference between a snapshot and the ledger.

    `withheld` deletes exceed the policy; `kept` counts deletes that mode `keep` omits; `forgets` are rows of absent
    assets without points. `withheld_from` is the number of assets that the ratio applies to while deletes are withheld.
    Deletes of `absent` assets wait for a first proof of absence, `pending` ones for the end of the grace period;
    `cancelled` ones no longer wait. `settled` rows are planned although what was planned is applied.
    """

    upserts: tuple[Upsert, ...]
    refreshes: tuple[Refresh, ...]
    deletes: tuple[Delete, ...]
    unchanged: int
    waiting: tuple[IndexedAsset, ...]
    postponed: tuple[Checkpoint, ...]
    quarantined: tuple[Checkpoint, ...]
    withheld: tuple[Delete, ...] = ()
    withheld_because: str | None = None
    withheld_from: int | None = None
    kept: int = 0
    forgets: tuple[Checkpoint, ...] = ()
    announced: tuple[Announced, ...] = ()
    absent: tuple[Checkpoint, ...] = ()
    pending: tuple[Checkpoint, ...] = ()
    cancelled: tuple[Checkpoint, ...] = ()
    settled: tuple[Checkpoint, ...] = ()

    @classmethod
    def of(cls, refreshes: tuple[Refresh, ...]) -> "Plan":
        """A plan with these refreshes only."""
        return cls((), refreshes, (), unchanged=0, waiting=(), postponed=(), quarantined=())


def make_plan(
    snapshot: Snapshot, ledger: Mapping[str, Checkpoint], state: IndexState, shape: PointConfig, policy: Policy
) -> Plan:
    upserts, unchanged = list[Upsert](), dict[str, Applied]()
    waiting, others = list[IndexedAsset](), dict[Decision, list[Checkpoint]]()
    for asset in sorted(snapshot.assets.values(), key=lambda asset: (asset.created_at or "", asset.indexed_asset_id)):
        row, current = ledger.get(asset.indexed_asset_id), fingerprint(asset, shape)
        decision = decide(asset, row, current, policy)
        if decision is Decision.WAITING:
            waiting.append(asset)
        elif row is None or decision in UPSERTS:
            upserts.append(Upsert(asset, current, decision, row))
        elif decision is Decision.UNCHANGED and row.applied:
            unchanged[row.indexed_asset_id] = row.applied
        else:
            others.setdefault(decision, []).append(row)
    for name in sorted(ledger.keys() - snapshot.assets.keys()):
        decision = decide_absent(ledger[name], policy, complete=snapshot.complete)
        others.setdefault(decision, []).append(ledger[name])

    def rows_decided(decision: Decision) -> tuple[Checkpoint, ...]:
        return tuple(others.get(decision, ()))

    refreshes = due(unchanged, state, policy.refresh, policy.now) if policy.refresh else []
    allowed = policy.allows(row.indexed_asset_id for row in rows_decided(Decision.DELETE))
    deletes = tuple(Delete(row, counts=not allowed) for row in rows_decided(Decision.DELETE))
    keep = policy.delete_mode == "keep"
    size = size_for_limit(state, len(ledger) + policy.recent_deletes)
    objection = None if keep else delete_veto(len(deletes), snapshot, size, policy, allowed=allowed)
    return Plan(
        upserts=tuple(upserts),
        refreshes=tuple(
            Refresh(ledger[it.indexed_asset_id], unchanged[it.indexed_asset_id].fingerprint, it.deep, it.canary)
            for it in refreshes
        ),
        deletes=() if keep or objection else deletes,
        unchanged=len(unchanged) - len(refreshes),
        waiting=tuple(waiting),
        postponed=rows_decided(Decision.POSTPONED),
        quarantined=rows_decided(Decision.QUARANTINED),
        withheld=deletes if objection else (),
        withheld_because=objection,
        withheld_from=size if objection else None,
        kept=len(deletes) if keep else 0,
        forgets=rows_decided(Decision.FORGOTTEN) if snapshot.complete else (),
        absent=rows_decided(Decision.ABSENT),
        pending=rows_decided(Decision.PENDING),
        cancelled=_cancelled(snapshot, ledger, policy),
        settled=tuple(ledger[name] for name in unchanged if _is_settled(ledger[name], shape)),
    )


def decide(  # noqa: PLR0911  one return per row of the table
    asset: IndexedAsset, row: Checkpoint | None, fingerprint: str, policy: Policy
) -> Decision:
    """Order matters: quarantine, back-off, interrupted, retry."""
    if asset.status != READY:
        return Decision.WAITING
    if row is None:
        return Decision.NEW
    held_back = _held_back(row, fingerprint, policy)
    if held_back:
        return held_back
    if row.opened:
        return Decision.INTERRUPTED
    if row.attempt and row.attempt.fingerprint == fingerprint:
        return Decision.RETRY
    if row.applied is None:
        return Decision.NEW
    return Decision.UNCHANGED if row.applied.fingerprint == fingerprint else Decision.CHANGED


def _is_settled(row: Checkpoint, shape: PointConfig) -> bool:
    """A pass writes its plan after it has read the rows: an upsert that ended in between was planned once more."""
    if row.priority is None or row.listed is None or row.applied is None:
        return False
    return fingerprint(row.listed, shape) == row.applied.fingerprint


def wanted(planned: Upsert | Refresh | Announced, policy: Policy, row: Checkpoint | None) -> str | None:
    """The fingerprint of the change if its asset, which has this row by now, still needs it; otherwise None."""
    if isinstance(planned, Announced):
        needed = True
    elif isinstance(planned, Refresh):
        needed = row is not None and refreshable(row, planned.fingerprint)
    else:
        needed = decide(planned.asset, row, planned.fingerprint, policy) in UPSERTS
    return planned.fingerprint if needed else None


def decide_absent(row: Checkpoint, policy: Policy, *, complete: bool) -> Decision:
    """Decide for an asset that is not listed, before `delete_veto`. Only a `complete` listing can start its grace."""
    if not row.may_have_points:
        return Decision.FORGOTTEN
    if policy.delete_mode == "keep":
        return Decision.DELETE
    return _held_back(row, GONE, policy) or _in_grace(row, policy, complete=complete) or Decision.DELETE


def _in_grace(row: Checkpoint, policy: Policy, *, complete: bool) -> Decision | None:
    """A proof with a time in the future has an unknown age, because the clock was set back: prove it again."""
    if not policy.delete_grace:
        return None
    if row.absent_since is None or row.absent_since > policy.now:
        return Decision.ABSENT if complete else None
    return Decision.PENDING if policy.now < row.absent_since + policy.delete_grace else None


def _cancelled(snapshot: Snapshot, ledger: Mapping[str, Checkpoint], policy: Policy) -> tuple[Checkpoint, ...]:
    """Rows whose delete no longer waits: the asset is listed again, or mode `keep` deletes nothing."""
    keep = policy.delete_mode == "keep" and snapshot.complete
    waiting = [row for row in ledger.values() if row.absent_since is not None]
    found = [row for row in waiting if keep or row.indexed_asset_id in snapshot.assets]
    return tuple(sorted(found, key=lambda row: row.indexed_asset_id))


def _held_back(row: Checkpoint, fingerprint: str, policy: Policy) -> Decision | None:
    """Quarantine or postpone an asset that failed at this fingerprint."""
    tried = row.attempt if row.attempt and row.attempt.fingerprint == fingerprint else None
    if tried and tried.attempts >= policy.max_attempts:
        return Decision.QUARANTINED
    if tried and policy.respect_backoff and policy.now < tried.due:
        return Decision.POSTPONED
    return None


def due_again(rows: Mapping[str, Checkpoint], policy: Policy) -> set[str]:
    """Ids of unfinished rows that are due, not quarantined and not gone; ignores changes of the fingerprint."""
    return {
        name
        for name, row in rows.items()
        if row.absent_since is None
        and (row.attempt is None or (row.attempt.due <= policy.now and row.attempt.attempts < policy.max_attempts))
    }


def with_withheld(state: IndexState, plan: Plan) -> IndexState:
    """Store whether deletes are withheld. An incomplete listing or mode `keep` leaves the state unchanged."""
    if plan.withheld_because == INCOMPLETE or plan.kept:
        return state
    return replace(state, withheld_because=plan.withheld_because, withheld_from=plan.withheld_from)
