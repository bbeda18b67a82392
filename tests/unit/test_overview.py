"""What the overview says of the facts: current or not, why not, and what to do."""

from dataclasses import replace
from typing import Any

import pytest

from connector.domain import timestamps
from connector.domain.asset_state import AssetState
from connector.domain.errors import LedgerUnavailable
from connector.domain.history import Minute, PastCycle
from connector.domain.ledger_model import Checkpoint, IndexState, Summary
from connector.domain.priority import Priority
from connector.domain.report import CycleReport, Problem
from connector.web.pages.fragments import LIST, fragments_of, html_of
from connector.web.pages.index_view import index_key
from connector.web.pages.overview_facts import IndexFacts, OverviewFacts, Unready
from connector.web.pages.overview_view import Answer, OverviewView, Verdict, overview, unreadable
from tests.builders import applied, asset, attempt

NOW = 1_800_000_000.0
LIVE = {
    "doing": "waiting",
    "planned": 0,
    "done": 0,
    "failures_in_a_row": 0,
    "error": None,
    "checked_at": timestamps.text(NOW - 30),
    "poll_interval_sec": 60.0,
}
STATE = IndexState(first_cycle_at=1.0, canary_at=1.0, index_name="Videos", model="marengo3.0")
SUMMARY = Summary(assets=5, applied=5, points=50, opened=0, deferred=0, failed=0, quarantined=0, backlog={})
REPORT = CycleReport("i", listed=5, duration_sec=2.0)
ERROR = {"code": "authentication_failed", "message": "list index i: rejected. Check the key."}


def index_facts(**given: Any) -> IndexFacts:
    facts = IndexFacts(
        index_id="i",
        live=LIVE,
        collection="twelvelabs-marengo3.0",
        max_attempts=5,
        delete_grace=3600.0,
        state=STATE,
        summary=SUMMARY,
        cycles=[PastCycle("full cycle", NOW - 60, {})],
        report=REPORT,
        listing=REPORT,
        minutes=[],
        problems=[],
        in_hand=[],
        pending=[],
        withheld=[],
        unready=Unready(),
    )
    return replace(facts, **given)


def view(*indexes: IndexFacts, not_ready: dict[str, str] | None = None, state: str = "running") -> OverviewView:
    live: dict[str, Any] = {"state": state, "limited_by": None, "indexes": {}}
    return overview(OverviewFacts(live, {} if not_ready is None else not_ready, indexes), NOW)


def answer(*indexes: IndexFacts, **given: Any) -> Answer:
    return view(*indexes, **given).answer


def counts(**given: Any) -> Summary:
    return replace(SUMMARY, **given)


def test_everything_is_current() -> None:
    found = answer(index_facts(state=replace(STATE, pending=frozenset({"a", "b"}))))

    assert (found.verdict, found.headline, found.reasons) == (Verdict.CURRENT, "Everything is current", ())
    assert "2 more are still being indexed" in found.sentence


@pytest.mark.parametrize(
    "summary", [counts(backlog={Priority.FRESH: 1, Priority.BACKLOG: 2}), counts(opened=3), counts(deferred=3)]
)
def test_work_that_is_left_is_no_trouble(summary: Summary) -> None:
    found = answer(index_facts(summary=summary))

    assert (found.verdict, found.sentence) == (Verdict.BUSY, "3 of 5 assets are still to be synced.")


@pytest.mark.parametrize("report", [{"error": ERROR}, {"interrupted": True}, None])
def test_an_index_that_was_never_listed_completely_is_not_current(report: dict[str, Any] | None) -> None:
    """Its name may be known, and its first cycle may have ended with an error that is over by now."""
    cycles = [PastCycle("full cycle", NOW - 60, report)] if report else []
    nothing = counts(assets=0, applied=0, points=0)

    found = answer(index_facts(summary=nothing, cycles=cycles))
    assert (found.verdict, found.sentence) == (Verdict.BUSY, "The first full cycle of an index has not ended yet.")
    listed = replace(STATE, listed_at=NOW - 60)
    assert answer(index_facts(state=listed, cycles=cycles)).verdict is Verdict.CURRENT


def test_an_index_whose_first_cycle_runs_is_not_current() -> None:
    new = index_facts(index_id="new", state=None, summary=counts(assets=0, applied=0, points=0), cycles=[])
    found = view(index_facts(), new)

    assert (found.answer.verdict, [it.is_new for it in found.indexes]) == (Verdict.BUSY, [True, False])
    assert [it.name for it in found.indexes] == ["new", "Videos"]
    assert answer(new).verdict is Verdict.EMPTY


def test_no_index_yet() -> None:
    assert answer().verdict is Verdict.EMPTY
    assert "CONNECTOR_INDEXES" in answer().sentence


@pytest.mark.parametrize(
    ("facts", "text", "advice"),
    [
        (index_facts(summary=counts(failed=1)), "1 asset failed", "below"),
        (index_facts(summary=counts(quarantined=2), max_attempts=1), "failed once, no longer", "retry"),
        (index_facts(summary=counts(quarantined=1200)), "1,200 assets in quarantine", "`connector quarantine retry`"),
        (index_facts(live={**LIVE, "error": ERROR}), "The API key was rejected.", "Correct the key"),
        (
            index_facts(listing=replace(REPORT, withheld=1)),
            "1 delete was withheld.",
            "`connector sync --allow-deletes`",
        ),
        (index_facts(live={}, report=replace(REPORT, error=ERROR)), "rejected", "key"),
    ],
)
def test_why_an_index_is_not_current(facts: IndexFacts, text: str, advice: str) -> None:
    found = answer(facts)

    assert found.verdict is Verdict.TROUBLED
    assert [(it.subject, it.where) for it in found.reasons] == [("Videos", index_key("i"))]
    assert text in found.reasons[0].text
    assert advice in found.reasons[0].advice


def test_an_error_that_the_loop_has_overcome_is_over() -> None:
    assert answer(index_facts(report=replace(REPORT, error=ERROR))).reasons == ()


@pytest.mark.parametrize(
    ("ago", "sentence"),
    [(None, "has not seen all changes"), (3600 + 3 * 60 + 1, "too long ago")],
)
def test_only_what_this_process_saw_is_current(ago: float | None, sentence: str) -> None:
    """The cycles of an earlier process, or of hours ago, do not tell what has changed since."""
    live = {**LIVE, "checked_at": None if ago is None else timestamps.text(NOW - ago)}

    found = answer(index_facts(), index_facts(index_id="j", live=live))

    assert (found.verdict, found.headline) == (Verdict.CHECKING, "Checking…")
    assert sentence in found.sentence
    assert found.current_at == NOW - 60
    assert answer(index_facts(live=live, summary=counts(opened=1))).verdict is Verdict.BUSY


def test_nothing_is_current_before_source_and_sink_were_asked() -> None:
    facts = OverviewFacts({"state": "running"}, None, [index_facts()])

    assert overview(facts, NOW).answer.verdict is Verdict.CHECKING


def test_an_index_that_is_not_synced_counts_nowhere() -> None:
    """After it was removed from CONNECTOR_INDEXES."""
    gone = index_facts(index_id="gone", live={}, summary=counts(quarantined=1))
    live = {"state": "running", "indexes_known": True}
    found = overview(OverviewFacts(live, {}, [index_facts(), gone]), NOW)

    assert (found.answer.verdict, found.totals.assets, found.totals.points) == (Verdict.CURRENT, 5, 50)
    assert [it.work.is_followed for it in found.indexes] == [False, True]


def test_before_the_indexes_are_known_none_is_called_removed() -> None:
    """With CONNECTOR_INDEXES=* they are those that TwelveLabs names."""
    facts = OverviewFacts({"state": "running", "indexes_known": False}, {}, [index_facts(live={})])
    found = overview(facts, NOW)

    assert (found.answer.verdict, found.totals.assets) == (Verdict.CHECKING, 5)
    assert "still looking" in html_of(fragments_of(found, {}, 1)[f"{index_key('i')} work"], NOW)


def test_an_asset_that_is_indexed_once_more_counts_once() -> None:
    pending = replace(STATE, pending=frozenset({"a", "failed", "new"}))
    summary = counts(applied=4, failed=1)
    (index,) = view(index_facts(state=pending, summary=summary, unready=Unready(1, 1))).indexes

    found = {it.state: it.count for it in index.bar.shares if it.count}
    assert (index.bar.assets, found) == (6, {"applied": 3, "waiting": 2, "failed": 1})


def test_what_the_daemon_depends_on() -> None:
    found = answer(index_facts(), not_ready={"sink": "connection refused", "daemon": "it is shutting down"})

    assert found.verdict is Verdict.TROUBLED
    assert [(it.subject, it.text) for it in found.reasons] == [("Qdrant cannot be used", "connection refused")]
    assert "cannot be seen or synced" in found.sentence


def test_a_daemon_that_drains_says_so_before_all_else() -> None:
    assert answer(index_facts(summary=counts(failed=1)), state="draining").verdict is Verdict.STOPPING


def test_the_daemon_has_not_been_asked_yet() -> None:
    facts = OverviewFacts({"state": "running"}, None, [index_facts()])

    assert not overview(facts, NOW).answer.is_checked


def test_a_ledger_that_cannot_be_read_any_more_leaves_what_was_known() -> None:
    before = view(index_facts())
    after = unreadable(before, LedgerUnavailable("read ledger", "file", "disk gone", "Mount it"))

    assert (after.indexes, after.totals) == (before.indexes, before.totals)
    assert after.answer.verdict is Verdict.TROUBLED
    assert [(it.text, it.advice) for it in after.answer.reasons] == [("read ledger file: disk gone.", "Mount it")]


def test_errors_are_told_by_code_the_latest_first() -> None:
    def failed(name: str, code: str, at: float, attempts: int = 1) -> Checkpoint:
        tried = attempt("p", attempts, reason=f"why {name}", code=code, due=at + 60, tried_at=at)
        return Checkpoint(name, attempt=tried, listed=asset(name, filename=f"{name}.mp4"))

    rows = [
        failed("a", "malformed_asset", 10.0),
        failed("b", "malformed_asset", 30.0),
        failed("c", "unavailable", 40.0, 0),
    ]
    rows += [failed("d", "points_rejected", 20.0, 5), Checkpoint("e", opened=True)]
    (index,) = view(index_facts(problems=rows)).indexes

    assert [(it.code, it.count, it.asset_id, it.state, it.next_attempt) for it in index.troubles.errors] == [
        ("unavailable", 1, "c", AssetState.DEFERRED, 100.0),
        ("malformed_asset", 2, "b", AssetState.FAILED, 90.0),
        ("points_rejected", 1, "d", AssetState.QUARANTINED, None),
    ]


def test_errors_of_many_assets_are_those_of_the_first() -> None:
    rows = [Checkpoint("a", opened=True)]
    found = [view(index_facts(problems=rows, summary=counts(opened=it))).indexes[0].troubles for it in (1, 2)]

    assert [it.is_partial for it in found] == [False, True]


def test_deletes_that_wait() -> None:
    row = Checkpoint("gone", applied=applied(points=7), absent_since=NOW - 600, listed=asset("gone", filename="g.mp4"))
    named = [Problem("w", "withheld", "withheld", "r")]
    (index,) = view(index_facts(summary=counts(pending=1), pending=[row], withheld=named)).indexes

    (pending,) = index.troubles.pending_deletes
    assert (pending.asset_id, pending.filename, pending.points, pending.due) == ("gone", "g.mp4", 7, NOW + 3000)
    assert [it.asset_id for it in index.troubles.withheld_deletes] == ["w"]


def test_speed_lag_and_the_time_left() -> None:
    minute = int(NOW // 60)
    minutes = [Minute(minute - 1, assets=20, points=600, lags=2, lag_sum=5.0, lag_max=4.0)]
    found = view(index_facts(minutes=minutes, summary=counts(assets=110, backlog={Priority.BACKLOG: 100})))
    (index,) = found.indexes

    assert (index.work.rate, index.lag.lag_sec, index.lag.worst_lag_sec) == (10.0, 2.5, 4.0)
    assert (index.work.remaining_sec, found.totals.remaining_sec) == (300.0, 300.0)
    assert (found.totals.to_do, found.totals.points, found.totals.lag_sec) == (100, 50, 2.5)


def test_an_index_that_expires_soon() -> None:
    soon = replace(STATE, expires_at=timestamps.text(NOW + 86_400))
    late = replace(STATE, expires_at=timestamps.text(NOW + 86_400 * 30))

    assert [view(index_facts(state=it)).indexes[0].head.expires_soon for it in (soon, late, STATE)] == [
        True,
        False,
        False,
    ]
    assert answer(index_facts(state=soon)).verdict is Verdict.CURRENT


def test_an_index_without_a_loop_is_shown_as_not_synced() -> None:
    assert view(index_facts(live={})).indexes[0].work.doing is None


def test_a_new_reader_gets_the_list_as_it_is_now() -> None:
    """Not as it was when an index came or went, which is when the list as a whole was last sent."""
    before = fragments_of(view(index_facts(summary=counts(applied=0, opened=5))), {}, 1)

    after = fragments_of(view(index_facts()), before, 2)

    assert after[LIST].version == 1
    assert '>5</span> <span class="label">Applied' in html_of(after[LIST], NOW)
