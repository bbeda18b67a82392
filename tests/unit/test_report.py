"""The report counts everything once and explains every problem."""

from dataclasses import asdict
from typing import Any

import pytest

from connector.domain.errors import ConnectorError, IndexGone, MalformedAsset, Unavailable
from connector.domain.plan import Decision, Delete, Plan, Upsert
from connector.domain.report import (
    SHOWN_WITHHELD,
    CycleReport,
    Outcome,
    Problem,
    Result,
    Withheld,
    carried_out,
    error_facts,
    planned,
)
from tests.builders import asset, attempt, row, snapshot
from tests.comparing import differences

DOWN = Unavailable("read", "a", "time-out", side="source")
BROKEN = MalformedAsset("read", "a", "a zero vector")


def plan(**facts: Any) -> Plan:
    nothing: dict[str, Any] = {
        "upserts": (),
        "refreshes": (),
        "deletes": (),
        "unchanged": 0,
        "waiting": (),
        "postponed": (),
        "quarantined": (),
        "withheld": (),
        "withheld_because": None,
        "kept": 0,
    }
    return Plan(**nothing | facts)


def surveyed(**facts: Any) -> CycleReport:
    return planned(CycleReport("index-1"), snapshot(asset("a"), asset("b"), complete=False), plan(**facts))


def after(*results: Result) -> CycleReport:
    return carried_out(CycleReport("index-1"), results)


def test_the_keys_are_a_contract() -> None:
    assert {
        "index_id", "model", "listed", "upserted", "refreshed", "deleted", "unchanged", "waiting", "deferred",
        "vanished", "withheld", "failed", "quarantined", "points_written", "requests", "complete", "duration_sec",
        "error",
    } <= asdict(CycleReport("index-1")).keys()  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "counter"),
    [
        (Outcome.APPLIED, "upserted"),
        (Outcome.REFRESHED, "refreshed"),
        (Outcome.DELETED, "deleted"),
        (Outcome.UNCHANGED, "unchanged"),
        (Outcome.DEFERRED, "deferred"),
        (Outcome.FAILED, "failed"),
        (Outcome.VANISHED, "vanished"),
    ],
)
def test_every_outcome_has_its_counter(outcome: Outcome, counter: str) -> None:
    report, before = after(Result("a", outcome)), asdict(CycleReport("index-1"))
    assert {key: value for key, value in asdict(report).items() if value != before[key]} == {counter: 1}


def test_every_outcome_but_a_forgotten_row_is_counted() -> None:
    report = after(*(Result("a", outcome) for outcome in Outcome))
    counted = (report.upserted, report.refreshed, report.deleted, report.unchanged)
    assert sum(counted) + report.deferred + report.failed + report.vanished == len(Outcome) - 1


def test_points_add_up_and_the_longest_lag_stands() -> None:
    found = ((3, None), (4, 2.5), (0, 9.0), (1, 0.0))
    report = after(*(Result("a", Outcome.APPLIED, points=points, lag_sec=lag) for points, lag in found))
    assert differences(report, points_written=8, lag_sec=9.0, upserted=4) == {}


def test_a_lag_of_nothing_is_known_to_be_nothing() -> None:
    assert after(Result("a", Outcome.APPLIED, lag_sec=0.0)).lag_sec == 0.0


def test_a_problem_is_named_with_its_code_and_message() -> None:
    report = after(Result("a", Outcome.FAILED, error=BROKEN), Result("b", Outcome.DEFERRED, error=DOWN))
    assert report.problems == (
        Problem("a", "failed", "malformed_asset", str(BROKEN)),
        Problem("b", "deferred", "unavailable", str(DOWN)),
    )


def test_what_is_settled_beforehand_is_counted() -> None:
    withheld = (Delete(row("x")), Delete(row("y")))
    report = surveyed(unchanged=4, waiting=(asset("a"),), kept=2, withheld=withheld, withheld_because="too many")
    assert differences(report, listed=2, complete=False, unchanged=4, waiting=1, kept=2) == {}
    assert differences(report, withheld=2, withheld_because="too many") == {}


def test_withheld_deletes_are_named_up_to_a_number() -> None:
    withheld = tuple(Delete(row(str(number), listed=asset(str(number)))) for number in range(SHOWN_WITHHELD + 1))
    problems = surveyed(withheld=withheld, withheld_because="too many").problems
    assert problems == tuple(
        Problem(str(number), "withheld", "withheld", "too many", f"{number}.mp4") for number in range(SHOWN_WITHHELD)
    )
    unlisted = surveyed(withheld=(Delete(row("x")),), withheld_because="too many").problems
    assert unlisted == (Problem("x", "withheld", "withheld", "too many"),)


def test_what_is_planned_is_not_done_yet() -> None:
    report = surveyed(upserts=(Upsert(asset("a"), "print", Decision.NEW),), deletes=(Delete(row("x")),))
    assert (report.upserted, report.deleted) == (0, 0)


def test_a_quarantined_asset_is_explained() -> None:
    tried = attempt(attempts=5, reason="a zero vector", code="malformed_asset")
    report = surveyed(quarantined=(row("q", attempt=tried),))
    assert report.quarantined == 1
    assert report.problems == (Problem("q", "quarantined", "malformed_asset", "a zero vector"),)


def test_problems_have_the_file_names_of_their_assets() -> None:
    tried = attempt(attempts=5, reason="a zero vector", code="malformed_asset")
    told = surveyed(quarantined=(row("q", attempt=tried, listed=asset("q")),)).problems
    told += after(Result("f", Outcome.FAILED, error=BROKEN, filename="f.mp4")).problems
    assert [it.filename for it in told] == ["q.mp4", "f.mp4"]


def test_an_asset_that_killed_the_process_is_explained_too() -> None:
    report = surveyed(quarantined=(row("q", attempt=attempt(attempts=5)),))
    assert [(it.code, it.reason) for it in report.problems] == [
        ("interrupted", "the process ended while the asset was being worked on")
    ]


def test_postponed_assets_are_still_failed_or_deferred() -> None:
    """The report shows the current state, not only this cycle's work."""
    tried = attempt(attempts=1, reason="a zero vector", code="malformed_asset")
    failed = (row("f", attempt=tried), row("g", attempt=tried))
    deferred = row("d", attempt=attempt(attempts=0, reason="time-out", code="unavailable"))
    report = surveyed(postponed=(*failed, deferred))
    assert (report.failed, report.deferred) == (2, 1)
    assert report.problems == (
        Problem("f", "failed", "malformed_asset", "a zero vector"),
        Problem("g", "failed", "malformed_asset", "a zero vector"),
        Problem("d", "deferred", "unavailable", "time-out"),
    )


def test_deletes_can_be_withheld_later() -> None:
    problem = Problem("b", "withheld", "malformed_asset", "it cannot be read")
    later = [Withheld(1, "not confirmed", (problem,)), Withheld(2, "asset b exists"), Withheld(1, "asset a exists")]
    report = carried_out(CycleReport("index-1"), [], later)
    assert differences(report, withheld=4, withheld_because="asset a exists", problems=(problem,)) == {}


def test_what_nothing_was_added_to_stays() -> None:
    before = CycleReport("index-1", lag_sec=3.0, withheld=1, withheld_because="too many")
    assert carried_out(before, []) == before


@pytest.mark.parametrize("complete", [False, True])
def test_the_report_says_whether_the_listing_was_complete(complete: bool) -> None:
    assert planned(CycleReport("index-1"), snapshot(complete=complete), plan()).complete is complete


def test_deletes_that_wait_for_the_end_of_the_grace_period_are_counted() -> None:
    assert (surveyed(pending=(row("a"), row("b"))).pending, surveyed().pending) == (2, 0)


def test_results_add_to_what_was_planned() -> None:
    report = carried_out(surveyed(unchanged=4), [Result("a", Outcome.UNCHANGED), Result("b", Outcome.APPLIED)])
    assert differences(report, listed=2, unchanged=5, upserted=1) == {}


def test_an_error_is_shown_with_its_code() -> None:
    error: ConnectorError = IndexGone("look up index", "index-1", "there is none")
    assert error_facts(error) == {"code": "index_gone", "message": str(error)}


@pytest.mark.parametrize(
    ("facts", "clean"),
    [
        ({}, True),
        ({"upserted": 1, "unchanged": 9, "waiting": 2, "vanished": 1, "kept": 3, "complete": False}, True),
        ({"failed": 1}, False),
        ({"deferred": 1}, False),
        ({"withheld": 1}, False),
        ({"quarantined": 1}, False),
        ({"interrupted": True}, False),
        ({"error": {"code": "index_gone", "message": ""}}, False),
    ],
)
def test_a_clean_cycle_left_nothing_undone(facts: dict[str, Any], clean: bool) -> None:
    assert CycleReport("index-1", **facts).clean is clean
