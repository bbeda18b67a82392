"""What a cycle did: the result of one change, and the report that people and programs read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from connector.domain.errors import AssetError, ConnectorError
from connector.domain.model import Checkpoint, Outcome, Snapshot
from connector.domain.plan import Plan

_UNPROVEN = "the source cannot be asked whether these assets are gone; `connector quarantine drop` deletes their points"


@dataclass(frozen=True, slots=True)
class Result:
    """Result of one change. `points` were upserted or patched; `lag_sec` is None where the asset was ready before.

    `dropped_words` counts spoken words that are in no transcript because their time range cannot be used.
    """

    indexed_asset_id: str
    outcome: Outcome
    points: int = 0
    error: ConnectorError | None = None
    lag_sec: float | None = None
    dropped_words: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """An asset that is not as it should be, and why."""

    indexed_asset_id: str
    state: str
    code: str
    reason: str


@dataclass(slots=True)
class CycleReport:
    """Counts of one cycle over one index; the keys are a contract (`sync --json`)."""

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
        """Nothing failed, was deferred, withheld or left in quarantine."""
        return not (self.error or self.failed or self.deferred or self.withheld or self.quarantined or self.interrupted)

    def surveyed(self, snapshot: Snapshot, plan: Plan) -> None:
        """What is settled before anything is done."""
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
        """Deletes of assets that the source cannot be asked for, by asset."""
        if errors:
            self.withhold(len(errors), _UNPROVEN)
        for name, error in errors.items():
            self.problems.append(Problem(name, "withheld", error.code, str(error)))

    def fail(self, error: ConnectorError) -> None:
        """The cycle could not be carried out, or not to its end."""
        self.error = {"code": error.code, "message": str(error)}

    def _explain(self, state: str, row: Checkpoint) -> None:
        attempt = row.attempt
        code = (attempt and attempt.code) or "interrupted"
        reason = (attempt and attempt.reason) or "the process ended while the asset was being worked on"
        self.problems.append(Problem(row.indexed_asset_id, state, code, reason))
