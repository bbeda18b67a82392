"""The log that is written from events: WARNING alone tells what broke, for which asset, and what to do."""

from collections.abc import Callable

import pytest
import structlog
from structlog.testing import capture_logs
from structlog.typing import EventDict

from connector.domain.errors import MalformedAsset
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
    SinkRequestEnded,
)
from connector.domain.ledger_model import Attempt
from connector.domain.report import CycleKind, CycleReport, Outcome, Problem, Result
from connector.telemetry.event_log import PROGRESS_SEC, EventLog
from tests.comparing import differences
from tests.fakes.clock import FakeTime

INDEX, MAX_ATTEMPTS = "index-1", 3
MALFORMED = MalformedAsset("retrieve asset", "a1", "segment 3 has a null vector", "Re-index it in TwelveLabs")


class Written:
    """An EventLog and what it wrote."""

    def __init__(self) -> None:
        self.clock = FakeTime(now=0.0)
        self._log = EventLog(MAX_ATTEMPTS, clock=lambda: self.clock.now, wall=lambda: 1_700_000_000.0 + self.clock.now)

    def of(self, *events: Event) -> list[EventDict]:
        with capture_logs() as lines:
            for event in events:
                self._log(event)
        return list(lines)

    def warnings(self, *events: Event) -> list[EventDict]:
        return [line for line in self.of(*events) if line["log_level"] == "warning"]


@pytest.fixture
def written() -> Written:
    structlog.reset_defaults()
    return Written()


def failed(attempts: int) -> ChangeFinished:
    attempt = Attempt("f", attempts, 0.0, reason=str(MALFORMED), code=MALFORMED.code, due=1_700_000_060.0)
    return ChangeFinished(INDEX, Result("a1", Outcome.FAILED, error=MALFORMED, filename="a.mp4", attempt=attempt))


def ended(**facts: object) -> CycleEnded:
    return CycleEnded("c1", CycleKind.FULL, CycleReport(INDEX, index_name="Sports", **facts))  # type: ignore[arg-type]  # passes fields through


def polled(**facts: object) -> CycleEnded:
    return CycleEnded("c2", CycleKind.POLL, CycleReport(INDEX, **facts))  # type: ignore[arg-type]  # passes fields through


def error(code: str) -> dict[str, str]:
    return {"code": code, "message": f"it is {code}"}


def sink(code: str | None) -> SinkRequestEnded:
    return SinkRequestEnded("write points", "videos", 0.1, code, "no response" if code else "")


def request(code: str | None) -> RequestEnded:
    return RequestEnded("list", "assets", INDEX, None if code else 200, 0.1, error=code, cause="refused")


def test_a_failed_asset_is_a_warning_with_its_name_the_reason_and_the_next_attempt(written: Written) -> None:
    [line] = written.of(failed(1))

    assert (
        differences(
            line,
            event="asset.failed",
            log_level="warning",
            indexed_asset_id="a1",
            filename="a.mp4",
            code="malformed_asset",
            attempts="1 of 3",
            next_attempt_at="2023-11-14T22:14:20.000Z",
            reason=str(MALFORMED),
        )
        == {}
    )


def test_the_last_attempt_is_followed_by_the_quarantine_and_the_command_that_ends_it(written: Written) -> None:
    first, second = written.of(failed(MAX_ATTEMPTS))

    assert "next_attempt_at" not in first
    assert (second["event"], second["log_level"]) == ("asset.quarantined", "warning")
    assert f"connector quarantine retry --index {INDEX} a1" in second["next_step"]


def test_every_deleted_asset_has_a_line_with_the_proof(written: Written) -> None:
    [line] = written.of(ChangeFinished(INDEX, Result("a1", Outcome.DELETED, filename="a.mp4")))

    assert differences(line, event="asset.deleted", log_level="info", filename="a.mp4") == {}
    assert "404" in line["proof"]


@pytest.mark.parametrize("outcome", [Outcome.APPLIED, Outcome.REFRESHED, Outcome.UNCHANGED])
def test_what_went_well_is_no_line_at_info(written: Written, outcome: Outcome) -> None:
    assert [line["log_level"] for line in written.of(ChangeFinished(INDEX, Result("a1", outcome)))] == ["debug"]


def test_withheld_deletes_are_a_warning_with_their_names_and_the_command(written: Written) -> None:
    problem = Problem("a1", "withheld", "withheld", "14 deletes exceed the limit", "a.mp4")

    [line] = written.warnings(ended(withheld=14, withheld_because="14 deletes exceed the limit", problems=(problem,)))

    assert differences(line, event="deletes.withheld", count=14, assets=["a1 a.mp4"]) == {}
    assert "--allow-deletes" in line["next_step"]


def test_the_same_withheld_deletes_are_told_once_until_they_are_deleted_or_back(written: Written) -> None:
    def withheld(*names: str) -> CycleEnded:
        problems = tuple(Problem(name, "withheld", "withheld", "too many", f"{name}.mp4") for name in names)
        return ended(withheld=len(names), withheld_because="too many", problems=problems, complete=True)

    poll = polled()
    incomplete = ended(complete=False)
    done = ended(complete=True, deleted=2)

    lines = written.warnings(
        withheld("a"), withheld("a"), poll, incomplete, withheld("a"), withheld("a", "b"), done, done, withheld("a")
    )

    assert [(line["event"], line.get("count"), line.get("deleted")) for line in lines] == [
        ("deletes.withheld", 1, None),
        ("deletes.withheld", 2, None),
        ("deletes.released", None, 2),
        ("deletes.withheld", 1, None),
    ]


def test_a_failing_index_is_told_once_for_each_error_in_a_row_and_then_that_it_recovered(written: Written) -> None:
    down, refused = ended(error=error("source_unavailable")), ended(error=error("authentication_failed"))

    lines = written.warnings(down, down, refused, refused, ended(), ended())

    assert [(line["event"], line.get("code")) for line in lines] == [
        ("index.failed", "source_unavailable"),
        ("index.failed", "authentication_failed"),
        ("index.recovered", None),
    ]


def test_a_poll_that_succeeds_is_no_recovery_of_full_cycles(written: Written) -> None:
    poll = polled()
    unfit = ended(error=error("sink_mismatch"))

    assert [line["event"] for line in written.warnings(unfit, poll, unfit, poll, ended())] == [
        "index.failed",
        "index.recovered",
    ]


def test_polls_and_full_cycles_that_fail_for_one_reason_are_one_line(written: Written) -> None:
    down, poll_down = ended(error=error("source_unavailable")), polled(error=error("source_unavailable"))

    lines = written.warnings(poll_down, down, poll_down)
    written.clock.now += 60.0
    lines += written.warnings(polled(), ended())

    assert [line["event"] for line in lines] == ["index.failed", "index.recovered"]
    assert lines[1]["after_sec"] == 60.0


def test_a_full_cycle_recovers_with_the_first_change_after_its_failure(written: Written) -> None:
    """It may take days until it ends."""
    again = CycleBegan("c1", INDEX, CycleKind.RESUMED, again=True)
    unchanged, applied = (ChangeFinished(INDEX, Result("a", it), "c1") for it in (Outcome.UNCHANGED, Outcome.APPLIED))

    lines = written.warnings(ended(error=error("authentication_failed")), again, unchanged)
    assert [line["event"] for line in lines] == ["index.failed"]
    assert [line["event"] for line in written.warnings(applied, applied, ended())] == ["index.recovered"]


def test_other_work_that_succeeds_is_no_recovery_of_polls(written: Written) -> None:
    down = polled(error=error("source_unavailable"))
    others = [
        CycleEnded("c3", kind, CycleReport(INDEX))
        for kind in (CycleKind.UNFINISHED, CycleKind.REFRESH, CycleKind.WEBHOOK, CycleKind.RETRY)
    ]

    assert [line["event"] for line in written.warnings(down, *others, down, *others, polled())] == [
        "index.failed",
        "index.recovered",
    ]


@pytest.mark.parametrize(("side", "make"), [("source", request), ("qdrant", sink)])
def test_an_outage_is_one_line_with_its_begin_and_one_with_its_length(
    written: Written, side: str, make: Callable[[str | None], Event]
) -> None:
    lines: list[EventDict] = []
    for _ in range(40):
        lines += written.warnings(make("unavailable"))
        written.clock.now += 1.0
    lines += written.warnings(make(None))

    assert [line["event"] for line in lines] == [f"{side}.unreachable", f"{side}.recovered"]
    assert lines[0]["since"] == "2023-11-14T22:13:20.000Z"
    assert lines[1]["after_sec"] == 40.0


def test_a_ledger_that_cannot_be_written_is_one_line_until_every_kind_of_write_succeeds(written: Written) -> None:
    """Small writes may succeed on a disk that is too full for large ones."""
    lines: list[EventDict] = []
    for _ in range(3):
        lines += written.warnings(
            LedgerWriteEnded("reports", "ledger_unavailable", "write ledger: disk full"),
            LedgerWriteEnded("state"),
            LedgerWriteEnded("throughput", "ledger_unavailable", "write ledger: disk full"),
        )
        written.clock.now += 10.0
    lines += written.warnings(*(LedgerWriteEnded(what) for what in ("throughput", "state", "reports", "reports")))

    assert [line["event"] for line in lines] == ["ledger.write_failed", "ledger.recovered"]
    assert differences(lines[0], what="reports", since="2023-11-14T22:13:20.000Z") == {}
    assert "disk full" in lines[0]["reason"]
    assert lines[1]["after_sec"] == 30.0


def test_single_failures_between_responses_are_no_outage(written: Written) -> None:
    for _ in range(100):
        assert written.warnings(request("unavailable"), request("unavailable"), request(None)) == []
        written.clock.now += 10.0


def test_a_long_cycle_tells_its_progress_every_minute(written: Written) -> None:
    done = ChangeFinished(INDEX, Result("a", Outcome.APPLIED), "c1")
    poll = ChangesPlanned("c2", INDEX, 0), CycleEnded("c2", CycleKind.POLL, CycleReport(INDEX))
    lines = written.of(CycleBegan("c1", INDEX, CycleKind.FULL), ChangesPlanned("c1", INDEX, 100))
    for _ in range(30):
        written.clock.now += 10.0
        lines += written.of(done, *poll)

    told = [line for line in lines if line["event"] == "backfill.progressed"]
    assert [(line["done"], line["planned"]) for line in told] == [(6, 100), (12, 100), (18, 100), (24, 100), (30, 100)]
    assert told[-1]["remaining_sec"] == 700.0
    assert PROGRESS_SEC == 60.0


def test_a_poll_that_wrote_nothing_is_no_line(written: Written) -> None:
    """Also while a failed asset waits for its next attempt: each attempt has a line of its own."""
    waits = Problem("a1", "failed", MALFORMED.code, str(MALFORMED), "a.mp4")

    assert written.of(polled(), polled(failed=1, problems=(waits,))) == []
    assert [line["event"] for line in written.of(polled(upserted=1))] == ["cycle.finished"]


def test_a_full_cycle_is_one_line_with_its_counts(written: Written) -> None:
    [line] = written.of(ended(upserted=2, duration_sec=1.23456))

    assert differences(line, event="cycle.finished", upserted=2, seconds=1.235, log_level="info") == {}


def test_a_delete_that_waits_is_told_with_its_time_and_its_cancellation_with_the_reason(written: Written) -> None:
    lines = written.of(
        DeletePending(INDEX, "a1", "a.mp4", 1_700_000_060.0),
        DeleteCancelled(INDEX, "a1", "a.mp4", "it is listed again"),
    )

    pending, cancelled = lines
    same = {"log_level": "info", "indexed_asset_id": "a1", "filename": "a.mp4"}
    assert differences(pending, event="delete.pending", delete_after="2023-11-14T22:14:20.000Z", **same) == {}
    assert "404" in pending["proof"]
    assert differences(cancelled, event="delete.cancelled", reason="it is listed again", **same) == {}


def test_an_index_that_expires_is_a_warning_with_its_time_and_what_to_do(written: Written) -> None:
    [line] = written.warnings(IndexExpires(INDEX, "Sports", "2026-05-01T00:00:00Z", 7))

    expected = {"event": "index.expires", "index_name": "Sports", "expires_at": "2026-05-01T00:00:00Z"}
    assert differences(line, **expected) == {}
    assert "points in Qdrant stay" in line["next_step"]
