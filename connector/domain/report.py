"""The result of one change, and the report of a cycle."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from connector.domain.errors import AssetError, ConnectorError
from connector.domain.ledger_model import Checkpoint
from connector.domain.plan import Plan
from connector.domain.source_model import Snapshot

_UNPROVEN = "the source cannot confirm that these assets are gone; `connector quarantine drop` deletes their points"


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


@dataclass(frozen=True, slots=True)
class Result:
    """Result of one change. `points` counts upserted or patched points.

    `lag_sec` is None if the asset was ready before the first cycle, or if its ready time is unknown. `dropped_words`
    counts spoken words with an invalid time range; they are in no transcript.
    """

    indexed_asset_id: str
    outcome: Outcome
    points: int = 0
    error: ConnectorError | None = None
    lag_sec: float | None = None
    dropped_words: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """An asset that needs attention, and why."""

    indexed_asset_id: str
    state: str
    code: str
    reason: str


@dataclass(slots=True)
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
    error: dict[str, str] | None = None
    withheld_because: str | None = None
    kept: int = 0
    lag_sec: float | None = None
    interrupted: bool = False
    warnings: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """True if nothing failed or was deferred, withheld, quarantined or interrupted."""
        return not (self.error or self.failed or self.deferred or self.withheld or self.quarantined or self.interrupted)

    def surveyed(self, snapshot: Snapshot, plan: Plan) -> None:
        """Add the counts that are known before any change is carried out."""
        self.listed, self.complete = len(snapshot.assets), snapshot.complete
        self.unchanged, self.waiting, self.kept = plan.unchanged, len(plan.waiting), plan.kept
        self.withheld, self.withheld_because = len(plan.withheld), plan.withheld_because
        self.quarantined = len(plan.quarantined)
        for row in plan.quarantined:
            self._explain("quarantined", row)
        for row in plan.postponed:
            used_up = row.attempt is not None and row.attempt.attempts > 0
            self.failed, self.deferred = self.failed + used_up, self.deferred + (not used_up)
            self._explain("failed" if used_up else "deferred", row)

    def add(self, result: Result) -> None:
        counter = "upserted" if result.outcome is Outcome.APPLIED else result.outcome.value
        if result.outcome is not Outcome.FORGOTTEN:
            setattr(self, counter, getattr(self, counter) + 1)
        self.points_written += result.points
        if result.lag_sec is not None:
            self.lag_sec = max(self.lag_sec or 0.0, result.lag_sec)
        if result.error:
            error = result.error
            self.problems.append(Problem(result.indexed_asset_id, result.outcome.value, error.code, str(error)))

    def withhold(self, deletes: int, because: str) -> None:
        if deletes:
            self.withheld, self.withheld_because = self.withheld + deletes, because

    def unproven(self, errors: Mapping[str, AssetError]) -> None:
        """Add deletes that the source could not confirm, by indexed asset id."""
        if errors:
            self.withhold(len(errors), _UNPROVEN)
        for name, error in errors.items():
            self.problems.append(Problem(name, "withheld", error.code, str(error)))

    def fail(self, error: ConnectorError) -> None:
        """Record the error that ended the cycle."""
        self.error = {"code": error.code, "message": str(error)}

    def _explain(self, state: str, row: Checkpoint) -> None:
        attempt = row.attempt
        code = (attempt and attempt.code) or "interrupted"
        reason = (attempt and attempt.reason) or "the process ended while the asset was being worked on"
        self.problems.append(Problem(row.indexed_asset_id, state, code, reason))
