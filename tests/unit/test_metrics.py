"""What each event adds to the metrics, each fact exactly once."""

import pytest
from prometheus_client import generate_latest

from connector.domain.errors import MalformedAsset
from connector.domain.events import (
    AssetOpened,
    ChangeFinished,
    CycleBegan,
    CycleEnded,
    Event,
    EventLoopLate,
    LedgerWriteEnded,
    PointsDeleted,
    RequestEnded,
    RequestRetried,
    SinkRequestEnded,
    TurnWaited,
)
from connector.domain.report import CycleKind, CycleReport, Outcome, Result
from connector.telemetry.metrics import Metrics, error_codes
from tests.scraped import Scraped, read

GONE = {"code": "index_gone", "message": "gone"}


def after(*events: Event) -> Scraped:
    metrics = Metrics()
    for event in events:
        metrics(event)
    return read(generate_latest(metrics.registry).decode())


def request(status: int | None = 200, error: str | None = None, size: int = 0) -> RequestEnded:
    return RequestEnded("retrieve asset", "a", "i", status, 0.2, size, error)


def test_points_and_lag_of_changes() -> None:
    found = after(
        ChangeFinished("i", Result("a", Outcome.APPLIED, points=5, lag_sec=3.0)),
        ChangeFinished("i", Result("b", Outcome.REFRESHED, points=2)),
        ChangeFinished("j", Result("c", Outcome.UNCHANGED)),
        ChangeFinished("i", Result("d", Outcome.FAILED, error=MalformedAsset("read", "d", "bad"))),
        PointsDeleted("i", 4),
        PointsDeleted("i", 1),
    )

    assert found.value("connector_points_written_total", index_id="i") == 7
    assert found.value("connector_points_deleted_total", index_id="i") == 5
    assert found.value("connector_changes_total", index_id="i", outcome="applied") == 1
    assert found.total("connector_changes_total") == 4
    assert found.value("connector_lag_seconds_count", index_id="i") == 1
    assert found.value("connector_lag_seconds_bucket", index_id="i", le="5.0") == 1
    assert found.value("connector_asset_errors_total", index_id="i", code="malformed_asset") == 1


def test_requests_to_the_source() -> None:
    found = after(
        request(size=100), request(503, "unavailable", 7), request(None, "unavailable"), request(429, "rate_limited")
    )

    statuses = {
        it: found.value("connector_source_requests_total", operation="retrieve_asset", status=it)
        for it in ("200", "503", "none", "429")
    }
    assert statuses == dict.fromkeys(statuses, 1)
    assert found.value("connector_source_request_duration_seconds_count", operation="retrieve_asset") == 4
    assert found.value("connector_source_response_bytes_total", operation="retrieve_asset") == 107
    assert found.value("connector_request_errors_total", side="source", code="unavailable") == 2
    assert found.total("connector_request_errors_total") == 3


def test_a_request_to_qdrant_and_its_repetition() -> None:
    count = "count points of collection"
    found = after(
        SinkRequestEnded(count, "c", 0.1, "unavailable"),
        SinkRequestEnded(count, "c", 0.1, attempt=2),
        SinkRequestEnded(count, "c", 0.1, "sink_mismatch", missing=True),
        SinkRequestEnded("verify a write to collection", "c", 0.2, "unavailable"),
        SinkRequestEnded("verify a write to collection", "c", 0.2, attempt=2),
    )

    assert found.value("connector_sink_requests_total", operation="count", status="ok") == 1
    assert found.value("connector_sink_requests_total", operation="count", status="unavailable") == 1
    assert found.value("connector_sink_requests_total", operation="count", status="missing") == 1
    assert found.total("connector_request_errors_total") == 1, "that a collection is missing is an answer"
    assert found.total("connector_sink_requests_total") == 3, "a verification consists of other requests"
    assert found.value("connector_request_errors_total", side="sink", code="unavailable") == 1
    assert found.value("connector_request_retries_total", side="sink", operation="count") == 1
    assert found.value("connector_request_retries_total", side="sink", operation="verify_write") == 1


def test_retries_and_waits() -> None:
    found = after(
        RequestRetried("retrieve asset", "a", "i", "HTTP 429", 2.0, limited=True),
        RequestRetried("list assets of index", "i", "i", "reset", 0.5),
        TurnWaited(2.0),
        TurnWaited(0.000_01),
    )

    assert found.value("connector_request_retries_total", side="source", operation="retrieve_asset") == 1
    assert found.total("connector_request_retries_total") == 2
    assert found.value("connector_rate_limit_waits_total") == 1
    assert found.value("connector_rate_limit_wait_seconds_total") == pytest.approx(2.000_01)


def test_cycles_by_kind_and_result() -> None:
    found = after(
        CycleBegan("1", "i", CycleKind.FULL),
        CycleEnded("1", CycleKind.FULL, CycleReport("i", duration_sec=2.0, error=GONE)),
        CycleEnded("1", CycleKind.FULL, CycleReport("i", duration_sec=3.0)),
        CycleEnded("2", CycleKind.POLL, CycleReport("i", interrupted=True)),
    )

    def cycles(kind: str, result: str) -> float:
        return found.value("connector_cycles_total", index_id="i", kind=kind, result=result)

    assert [cycles("full_cycle", it) for it in ("success", "error", "interrupted")] == [1, 1, 0]
    assert cycles("poll", "interrupted") == 1
    assert found.value("connector_cycle_errors_total", index_id="i", code="index_gone") == 1
    assert found.value("connector_cycle_duration_seconds_sum", kind="full_cycle") == 5


def test_the_daemon_itself() -> None:
    found = after(
        LedgerWriteEnded("state of the daemon"),
        LedgerWriteEnded("throughput", "ledger_unavailable", "disk full"),
        EventLoopLate(1.5),
        AssetOpened("i", "a"),
    )

    assert found.value("connector_ledger_writes_total", kind="state_of_the_daemon") == 1
    assert found.value("connector_ledger_write_errors_total", kind="state_of_the_daemon") == 0
    assert found.value("connector_ledger_write_errors_total", kind="throughput") == 1
    assert found.value("connector_event_loop_late_seconds_total") == 1.5


def test_counters_that_alerts_need_begin_at_0() -> None:
    nothing, begun = after(), after(CycleBegan("1", "i", CycleKind.POLL))

    for side in ("source", "sink"):
        for code in error_codes():
            assert nothing.value("connector_request_errors_total", side=side, code=code) == 0
    assert nothing.value("connector_rate_limit_wait_seconds_total") == 0
    assert nothing.value("connector_event_loop_late_seconds_total") == 0
    assert begun.value("connector_points_written_total", index_id="i") == 0
    assert begun.value("connector_points_deleted_total", index_id="i") == 0
    assert begun.value("connector_lag_seconds_count", index_id="i") == 0
    assert begun.value("connector_cycles_total", index_id="i", kind="poll", result="success") == 0
    assert {it.value for it in Outcome} == {
        dict(labels)["outcome"] for name, labels in begun.values if name == "connector_changes_total"
    }


@pytest.mark.parametrize(
    ("error", "failing"),
    [
        (None, False),
        ("unavailable", True),
        ("authentication_failed", True),
        ("rate_limited", False),
        ("malformed_asset", False),
    ],
)
def test_whether_the_source_fails(error: str | None, failing: bool) -> None:
    metrics = Metrics()
    metrics(request(500, error))
    found = metrics.is_source_failing
    metrics(request())

    assert (found, metrics.is_source_failing) == (failing, False)


def test_two_of_them_count_apart() -> None:
    """No registry is shared, so a process may have several."""
    assert "connector_changes_total" not in after().names
    assert after(EventLoopLate(1.0)).value("connector_event_loop_late_seconds_total") == 1
