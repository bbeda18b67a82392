"""Writes the log from events: what broke, since when, for which assets, and what to do.

WARNING tells the whole story of a failure and of its end; INFO adds cycles, deletes and progress; DEBUG each change.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import singledispatchmethod

import structlog

from connector.domain import timestamps
from connector.domain.activity import ACTIVITY
from connector.domain.events import (
    ChangeFinished,
    ChangesPlanned,
    CycleBegan,
    CycleEnded,
    DeleteCancelled,
    DeletePending,
    Event,
    IndexExpires,
    LedgerWriteEnded,
    RequestEnded,
    RequestRetried,
    SinkRequestEnded,
)
from connector.domain.report import FULL_CYCLES, WRITTEN, CycleKind, CycleReport, Outcome, Result
from connector.telemetry.outages import Change, Failures, Outage

PROOF = "a complete listing does not have it, and the source returned 404 for it"
PROGRESS_SEC = 60.0
_LISTING = (CycleKind.SYNC, CycleKind.FULL)
_FREQUENT = (CycleKind.POLL, CycleKind.UNFINISHED, CycleKind.WEBHOOK)
_RECURRING = (*FULL_CYCLES, CycleKind.POLL, CycleKind.UNFINISHED)
REPORTED = ("asset.failed", "asset.quarantined", "deletes.withheld", "index.failed")
"""Lines that repeat what the report of a cycle says."""
_DOWN = ("unavailable", "sink_unavailable")
_UNREACHABLE = {"source": "source.unreachable", "qdrant": "qdrant.unreachable"}
_CHECK = {
    "source": "Check the network and TWELVELABS_BASE_URL; the connector retries until it responds",
    "qdrant": "Check that Qdrant runs and QDRANT_URL is correct; the connector retries until it responds",
}
_EXPIRES = (
    "TwelveLabs deletes the index then; its points in Qdrant stay. To keep it, use a plan without expiry, or index "
    "the videos again"
)
_RECOVERED = {"source": "source.recovered", "qdrant": "qdrant.recovered"}
_LEVELS = {
    Outcome.APPLIED: "debug",
    Outcome.REFRESHED: "debug",
    Outcome.UNCHANGED: "debug",
    Outcome.FORGOTTEN: "debug",
    Outcome.DEFERRED: "info",
    Outcome.VANISHED: "info",
    Outcome.DELETED: "info",
    Outcome.FAILED: "warning",
}

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Backfill:
    """The progress of one cycle; times are monotonic."""

    planned: int
    began_at: float
    told_at: float
    done: int = 0


class EventLog:
    """The observer that writes log lines. `clock` is monotonic, `wall` is in seconds since the epoch."""

    def __init__(
        self,
        max_attempts: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._max_attempts, self._clock, self._wall = max_attempts, clock, wall
        self._outages = {"source": Outage(), "qdrant": Outage()}
        self._ledger = Failures()
        self._backfills: dict[str, _Backfill] = {}
        self._indexes: defaultdict[str, Failures] = defaultdict(Failures)
        self._kinds: dict[str, str] = {}
        self._withheld: dict[str, frozenset[str]] = {}

        self._tell = self._write  # bound once: each look-up of a singledispatchmethod makes a new function

    def __call__(self, event: Event, /) -> None:
        self._tell(event)

    @singledispatchmethod
    def _write(self, event: Event) -> None:
        """Other events are for metrics only."""

    @_write.register
    def _(self, event: CycleBegan) -> None:
        self._kinds[event.cycle_id] = event.kind
        write = log.info if event.kind in FULL_CYCLES else log.debug
        write("cycle.resumed" if event.again else "cycle.started", kind=event.kind)

    @_write.register
    def _(self, event: ChangesPlanned) -> None:
        now = self._clock()
        self._backfills[event.cycle_id] = _Backfill(event.count, now, now)

    @_write.register
    def _(self, event: ChangeFinished) -> None:
        result = event.result
        getattr(log, _LEVELS[result.outcome])(f"asset.{result.outcome}", **self._facts_of(result))
        if result.outcome is Outcome.FAILED and result.attempt and result.attempt.attempts >= self._max_attempts:
            retry = f"connector quarantine retry --index {event.index_id} {result.indexed_asset_id}"
            next_step = f"It will not be retried until it changes at the source, or until: {retry}"
            log.warning("asset.quarantined", filename=result.filename, next_step=next_step)
        if result.dropped_words:
            reason = "their time ranges are invalid"
            log.warning("asset.words_dropped", filename=result.filename, words=result.dropped_words, reason=reason)
        if result.outcome in WRITTEN:
            self._succeeded(self._kinds.get(event.cycle_id or "", ""), event.index_id)
        self._progressed(event.cycle_id)

    @_write.register
    def _(self, event: IndexExpires) -> None:
        """TwelveLabs deletes the index then; nothing is deleted in Qdrant."""
        log.warning("index.expires", index_name=event.index_name, expires_at=event.expires_at, next_step=_EXPIRES)

    @_write.register
    def _(self, event: DeletePending) -> None:
        facts = {"delete_after": timestamps.text(event.due), "proof": PROOF}
        log.info("delete.pending", indexed_asset_id=event.indexed_asset_id, filename=event.filename, **facts)

    @_write.register
    def _(self, event: DeleteCancelled) -> None:
        facts = {"filename": event.filename, "reason": event.reason}
        log.info("delete.cancelled", indexed_asset_id=event.indexed_asset_id, **facts)

    @_write.register
    def _(self, event: CycleEnded) -> None:
        report = event.report
        self._backfills.pop(event.cycle_id, None)
        self._kinds.pop(event.cycle_id, None)
        if report.error:
            self._failed(event.kind, report)
            return
        self._succeeded(event.kind, report.index_id)
        if event.kind in _LISTING:
            self._withhold(report)
        if event.kind not in _FREQUENT or report.upserted:
            counts = {key: value for key, value in asdict(report).items() if value and isinstance(value, int)}
            log.info("cycle.finished", kind=event.kind, seconds=_rounded(report.duration_sec), **counts)

    @_write.register
    def _(self, event: RequestEnded) -> None:
        self._reached("source", event.error, event.cause)

    @_write.register
    def _(self, event: SinkRequestEnded) -> None:
        self._reached("qdrant", event.error, event.cause)

    @_write.register
    def _(self, event: LedgerWriteEnded) -> None:
        """One line when writes begin to fail, and one when all succeed again: small ones may fit on a full disk."""
        now = self._clock()
        if event.error:
            if self._ledger.failed(event.what, event.error, now):
                since = timestamps.text(self._wall())
                log.warning("ledger.write_failed", what=event.what, since=since, reason=event.cause)
        elif self._ledger.succeeded(event.what):
            log.warning("ledger.recovered", after_sec=_rounded(now - self._ledger.since))

    @_write.register
    def _(self, event: RequestRetried) -> None:
        what = {"operation": event.operation, "subject": event.subject, "reason": event.cause}
        log.debug("request.retried", wait_sec=_rounded(event.wait_sec), **what)

    def _facts_of(self, result: Result) -> dict[str, object]:
        facts: dict[str, object] = {"indexed_asset_id": result.indexed_asset_id, "filename": result.filename}
        if result.points:
            facts["points"] = result.points
        if result.lag_sec is not None:
            facts["lag_sec"] = _rounded(result.lag_sec)
        if result.error:
            facts |= {"reason": str(result.error), "code": result.error.code}
        if result.outcome is Outcome.DELETED:
            facts["proof"] = PROOF
        if result.attempt and result.attempt.attempts < self._max_attempts:
            facts["next_attempt_at"] = timestamps.text(result.attempt.due)
        if result.attempt and result.outcome is Outcome.FAILED:
            facts["attempts"] = f"{result.attempt.attempts} of {self._max_attempts}"
        return facts

    def _progressed(self, cycle_id: str | None) -> None:
        """A line per minute while a cycle carries out its changes. Polls overlap it, with changes of their own."""
        it, now = self._backfills.get(cycle_id or ""), self._clock()
        if it is None:
            return
        it.done += 1
        if now - it.told_at < PROGRESS_SEC:
            return
        it.told_at = now
        left = max(it.planned - it.done, 0)
        remaining = (now - it.began_at) / it.done * left
        log.info("backfill.progressed", done=it.done, planned=it.planned, remaining_sec=_rounded(remaining))

    def _failed(self, kind: str, report: CycleReport) -> None:
        """Once for each reason, since a cycle is tried again at least once a minute.

        An index recovers when full cycles and polls succeed: a poll may succeed while every full cycle fails.
        """
        error = report.error or {}
        if self._indexes[report.index_id].failed(_failing_as(kind), error["code"], self._clock()):
            facts = {"reason": error["message"], "code": error["code"]}
            log.warning("index.failed", kind=kind, index_name=report.index_name, **facts)

    def _succeeded(self, kind: str, index_id: str) -> None:
        """A cycle of days does not have to end before the failure that it went on from has ended."""
        failures = self._indexes[index_id]
        if kind in _RECURRING and failures.succeeded(_failing_as(kind)):
            log.warning("index.recovered", after_sec=_rounded(self._clock() - failures.since))

    def _withhold(self, report: CycleReport) -> None:
        """Once for the same deletes, not in every cycle."""
        problems = [it for it in report.problems if it.state == "withheld"]
        now, before = frozenset(it.indexed_asset_id for it in problems), self._withheld.get(report.index_id)
        if not report.withheld:
            if report.complete and self._withheld.pop(report.index_id, frozenset()):
                log.warning("deletes.released", deleted=report.deleted)
            return
        if now == before:
            return
        self._withheld[report.index_id] = now
        shown = [f"{it.indexed_asset_id} {it.filename or ''}".rstrip() for it in problems]
        log.warning(
            "deletes.withheld",
            count=report.withheld,
            reason=report.withheld_because,
            assets=shown,
            next_step="List them with `connector plan`; allow them once with `connector sync --allow-deletes`",
        )

    def _reached(self, side: str, error: str | None, cause: str) -> None:
        """One line when an outage begins, and one when it ends. Responses of any kind end it."""
        outage = self._outages[side]
        if error is None and outage.since is None:
            return
        now = self._clock()
        since = now if outage.since is None else outage.since
        change = outage.failed(now) if error in _DOWN else outage.succeeded()
        # It is nobody's outage, although it was noticed in some cycle.
        noticed_in = ACTIVITY.set(None)
        if change is Change.BEGAN:
            began = timestamps.text(self._wall() - (now - since))
            log.warning(_UNREACHABLE[side], since=began, reason=cause, next_step=_CHECK[side])
        elif change is Change.ENDED:
            log.warning(_RECOVERED[side], after_sec=_rounded(now - since))
        ACTIVITY.reset(noticed_in)


def _failing_as(kind: str) -> str:
    """Which success ends a failure of this kind: what does not recur fails like the next poll."""
    if kind in FULL_CYCLES:
        return CycleKind.FULL
    return kind if kind in _RECURRING else CycleKind.POLL


def _rounded(seconds: float) -> float:
    return round(seconds, 3)
