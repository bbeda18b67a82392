"""The result of one change, and the report of a cycle."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from connector.domain.errors import ConnectorError
from connector.domain.ledger_model import Attempt, Checkpoint
from connector.domain.plan import Plan
from connector.domain.source_model import Snapshot

SHOWN_WITHHELD = 20
"""A report names so many of the deletes that the policy withheld; `plan` lists all."""


class Outcome(StrEnum):
    """Result of one change."""

    APPLIED = "applied"
    REFRESHED = "refreshed"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    DEFERRED = "deferred"
    FAILED = "failed"
    VANISHED = "vanished"
    FORGOTTEN = "forgotten"
    """Removed the row of an absent asset without points; not counted in the report."""


class CycleKind(StrEnum):
    """What made a cycle run, or which part of the work it does."""

    SYNC = "sync"
    """A full cycle that an operator asked for."""
    FULL = "full cycle"
    RESUMED = "resumed cycle"
    """The rest of a full cycle, whose listing an earlier process proved complete."""
    POLL = "poll"
    UNFINISHED = "unfinished assets"
    """The second half of a poll: assets that were being indexed, or whose next attempt is due."""
    WEBHOOK = "webhook"
    REFRESH = "refresh"
    RETRY = "retry"


WRITTEN = frozenset({Outcome.APPLIED, Outcome.REFRESHED, Outcome.DELETED})
"""Outcomes that need both sides to respond."""
FULL_CYCLES = frozenset({CycleKind.SYNC, CycleKind.FULL, CycleKind.RESUMED})


@dataclass(frozen=True, slots=True)
class Result:
    """Result of one change. `points` counts upserted or patched points.

    `lag_sec` is None if the asset was ready before the first cycle, or if its ready time is unknown. `dropped_words`
    counts spoken words with an invalid time range; they are in no transcript. `attempt` is the one that failed or was
    deferred, with the time of the next one.
    """

    indexed_asset_id: str
    outcome: Outcome
    points: int = 0
    error: ConnectorError | None = None
    lag_sec: float | None = None
    dropped_words: int = 0
    filename: str | None = None
    attempt: Attempt | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """An asset that needs attention, and why."""

    indexed_asset_id: str
    state: str
    code: str
    reason: str
    filename: str | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    """Deletes that were planned, but not carried out because the source did not confirm them."""

    count: int
    because: str
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class CycleReport:
    """Counts of one cycle over one index; the field names are public (`sync --json`)."""

    index_id: str
    index_name: str | None = None
    model: str | None = None
    listed: int = 0
    upserted: int = 0
    refreshed: int = 0
    deleted: int = 0
    unchanged: int = 0
    waiting: int = 0
    deferred: int = 0
    vanished: int = 0
    withheld: int = 0
    failed: int = 0
    quarantined: int = 0
    points_written: int = 0
    requests: int = 0
    complete: bool = False
    duration_sec: float = 0.0
    error: Mapping[str, str] | None = None
    withheld_because: str | None = None
    kept: int = 0
    pending: int = 0
    """Deletes that wait for the end of the grace period."""
    lag_sec: float | None = None
    interrupted: bool = False
    warnings: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def clean(self) -> bool:
        """True if nothing failed or was deferred, withheld, quarantined or interrupted."""
        return not (self.error or self.failed or self.deferred or self.withheld or self.quarantined or self.interrupted)


def error_facts(error: ConnectorError) -> dict[str, str]:
    """An error as reports and `--json` show it."""
    return {"code": error.code, "message": str(error)}


def planned(report: CycleReport, snapshot: Snapshot, plan: Plan) -> CycleReport:
    """Add the counts that are known before any change is carried out."""
    used_up = {row.indexed_asset_id for row in plan.postponed if row.attempt and row.attempt.attempts}
    problems = [
        *(_problem("quarantined", row) for row in plan.quarantined),
        *(_problem("failed" if row.indexed_asset_id in used_up else "deferred", row) for row in plan.postponed),
        *(_withheld(delete.checkpoint, str(plan.withheld_because)) for delete in plan.withheld[:SHOWN_WITHHELD]),
    ]
    return replace(
        report,
        listed=len(snapshot.assets),
        complete=snapshot.complete,
        unchanged=plan.unchanged,
        waiting=len(plan.waiting),
        kept=plan.kept,
        pending=len(plan.pending),
        withheld=len(plan.withheld),
        withheld_because=plan.withheld_because,
        quarantined=len(plan.quarantined),
        failed=len(used_up),
        deferred=len(plan.postponed) - len(used_up),
        problems=(*report.problems, *problems),
    )


def carried_out(report: CycleReport, results: Sequence[Result], withheld: Sequence[Withheld] = ()) -> CycleReport:
    """Add the results of the changes, and the deletes that the source did not confirm."""
    counts = Counter(result.outcome for result in results)
    lags = [result.lag_sec for result in results if result.lag_sec is not None]
    problems = [
        Problem(result.indexed_asset_id, result.outcome.value, result.error.code, str(result.error), result.filename)
        for result in results
        if result.error
    ]
    return replace(
        report,
        upserted=report.upserted + counts[Outcome.APPLIED],
        refreshed=report.refreshed + counts[Outcome.REFRESHED],
        deleted=report.deleted + counts[Outcome.DELETED],
        unchanged=report.unchanged + counts[Outcome.UNCHANGED],
        deferred=report.deferred + counts[Outcome.DEFERRED],
        failed=report.failed + counts[Outcome.FAILED],
        vanished=report.vanished + counts[Outcome.VANISHED],
        points_written=report.points_written + sum(result.points for result in results),
        lag_sec=max(lags, default=report.lag_sec),
        withheld=report.withheld + sum(it.count for it in withheld),
        withheld_because=withheld[-1].because if withheld else report.withheld_because,
        problems=(*report.problems, *problems, *(problem for it in withheld for problem in it.problems)),
    )


def _problem(state: str, row: Checkpoint) -> Problem:
    attempt = row.attempt
    code = (attempt and attempt.code) or "interrupted"
    reason = (attempt and attempt.reason) or "the process ended while the asset was being worked on"
    return Problem(row.indexed_asset_id, state, code, reason, row.listed.filename if row.listed else None)


def _withheld(row: Checkpoint, because: str) -> Problem:
    return Problem(row.indexed_asset_id, "withheld", "withheld", because, row.listed.filename if row.listed else None)
