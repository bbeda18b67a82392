"""The plan: every row of its table, the policy, and what must hold whatever is listed and known."""

from dataclasses import replace
from typing import Any

import pytest

from connector.domain import plan as plan_module
from connector.domain.fingerprint import fingerprint
from connector.domain.model import IndexState, Snapshot
from connector.domain.plan import (
    GONE,
    UPSERTS,
    Decision,
    Plan,
    Policy,
    Refresh,
    Upsert,
    decide,
    due_again,
    make_plan,
    with_withheld,
)
from connector.domain.refresh import RefreshPolicy
from tests.builders import POINT_CONFIG, applied, asset, attempt, row, snapshot

DAY = 86_400.0
NOW = 1000 * DAY
POLICY = Policy(
    now=NOW,
    delete_mode="sync",
    max_deletes=10,
    max_delete_ratio=0.2,
    max_attempts=3,
    refresh=RefreshPolicy(interval=DAY, deep_interval=30 * DAY),
)
STATE = IndexState(first_cycle_at=0.0, canary_at=NOW)
ASSET = asset("a")
PRINT = fingerprint(ASSET, POINT_CONFIG)
FRESH = applied(PRINT, at=NOW)
STALE = applied("other", at=NOW)


def plan(snap: Snapshot, *rows: Any, state: IndexState = STATE, **policy: Any) -> Plan:
    return make_plan(snap, {it.indexed_asset_id: it for it in rows}, state, POINT_CONFIG, replace(POLICY, **policy))


def tried(attempts: int, fingerprint: str = PRINT, due: float = 0.0) -> Any:
    return attempt(fingerprint, attempts, reason="broken", code="malformed_asset", due=due)


@pytest.mark.parametrize("respect_backoff", [False, True])
@pytest.mark.parametrize(
    ("known", "decision"),
    [
        (None, Decision.NEW),
        (row("a"), Decision.NEW),
        (row("a", attempt=tried(3, "other")), Decision.NEW),
        (row("a", FRESH), Decision.UNCHANGED),
        (row("a", FRESH, attempt=tried(3, "other")), Decision.UNCHANGED),
        (row("a", STALE), Decision.CHANGED),
        (row("a", STALE, attempt=tried(3, "other")), Decision.CHANGED),
        (row("a", opened=True), Decision.INTERRUPTED),
        (row("a", FRESH, opened=True), Decision.INTERRUPTED),
        (row("a", STALE, opened=True), Decision.INTERRUPTED),
        (row("a", opened=True, attempt=tried(2)), Decision.INTERRUPTED),
        (row("a", attempt=tried(0)), Decision.RETRY),
        (row("a", attempt=tried(2)), Decision.RETRY),
        (row("a", attempt=tried(2, due=NOW)), Decision.RETRY),
        (row("a", FRESH, attempt=tried(1)), Decision.RETRY),
        (row("a", STALE, attempt=tried(1)), Decision.RETRY),
        (row("a", attempt=tried(3)), Decision.QUARANTINED),
        (row("a", attempt=tried(4, due=NOW + 1)), Decision.QUARANTINED),
        (row("a", FRESH, attempt=tried(3)), Decision.QUARANTINED),
        (row("a", FRESH, opened=True, attempt=tried(3)), Decision.QUARANTINED),
    ],
)
def test_what_becomes_of_a_ready_asset(known: Any, decision: Decision, respect_backoff: bool) -> None:
    assert decide(ASSET, known, PRINT, replace(POLICY, respect_backoff=respect_backoff)) is decision


@pytest.mark.parametrize("known", [row("a", attempt=tried(2, due=NOW + 1)), row("a", FRESH, attempt=tried(0, due=2e9))])
def test_only_the_patient_wait_until_a_retry_is_due(known: Any) -> None:
    assert decide(ASSET, known, PRINT, replace(POLICY, respect_backoff=True)) is Decision.POSTPONED
    assert decide(ASSET, known, PRINT, POLICY) is Decision.RETRY


def test_an_interrupted_asset_that_failed_since_waits_as_well() -> None:
    known = row("a", opened=True, attempt=tried(1, due=NOW + 1))
    assert decide(ASSET, known, PRINT, replace(POLICY, respect_backoff=True)) is Decision.POSTPONED


@pytest.mark.parametrize("status", ["pending", "queued", "validating", "indexing", "failed", "ascending", ""])
@pytest.mark.parametrize("known", [None, row("a", FRESH), row("a", opened=True), row("a", attempt=tried(9))])
def test_what_is_not_ready_waits_and_is_never_deleted(status: str, known: Any) -> None:
    waiting = replace(ASSET, status=status)
    made = plan(snapshot(waiting), *([known] if known else []))
    assert made.waiting == (waiting,)
    assert (made.upserts, made.refreshes, made.deletes, made.withheld) == ((), (), (), ())


def test_the_plan_carries_what_is_needed_to_carry_it_out() -> None:
    known = row("a", STALE)
    made = plan(snapshot(asset("new"), ASSET), known)
    assert made.upserts == (
        Upsert(ASSET, PRINT, Decision.CHANGED, known),
        Upsert(asset("new"), fingerprint(asset("new"), POINT_CONFIG), Decision.NEW, None),
    )


def test_older_assets_come_first_then_their_ids_decide() -> None:
    late, early = asset("a", created_at="2026-02-01T00:00:00Z"), asset("z", created_at="2026-01-01T00:00:00Z")
    undated = asset("u", created_at=None)
    twin = asset("b", created_at="2026-02-01T00:00:00Z")
    assert [it.asset for it in plan(snapshot(twin, late, early, undated)).upserts] == [undated, early, late, twin]


def test_a_due_refresh_is_no_unchanged_asset() -> None:
    known = row("a", applied(PRINT, at=NOW - 2 * DAY))
    made = plan(snapshot(ASSET), known)
    assert (made.refreshes, made.unchanged) == ((Refresh(ASSET, PRINT, known, deep=False),), 0)


def test_a_canary_is_marked_and_deep() -> None:
    known = row("a", FRESH)
    made = plan(snapshot(ASSET), known, state=IndexState(0.0, canary_at=0.0))
    assert made.refreshes == (Refresh(ASSET, PRINT, known, deep=True, canary=True),)


@pytest.mark.parametrize(
    "known",
    [
        row("a", applied("other")),
        row("a", applied(PRINT), opened=True),
        row("a", applied(PRINT), attempt=tried(1)),
        row("a", applied(PRINT), attempt=tried(3)),
    ],
)
def test_only_unchanged_assets_are_refreshed(known: Any) -> None:
    assert plan(snapshot(ASSET), known, state=IndexState(0.0, canary_at=0.0)).refreshes == ()


def test_what_is_absent_is_deleted_in_the_order_of_ids() -> None:
    gone = [row("z", FRESH), row("m", opened=True), row("b", FRESH, attempt=tried(1))]
    made = plan(snapshot(ASSET), row("a", FRESH), *gone)
    assert [it.checkpoint for it in made.deletes] == sorted(gone, key=lambda it: it.indexed_asset_id)
    assert (made.withheld, made.withheld_because, made.kept) == ((), None, 0)


def test_an_empty_listing_withholds_every_delete() -> None:
    made = plan(snapshot(), row("a", FRESH))
    assert (made.deletes, len(made.withheld)) == ((), 1)
    assert made.withheld_because == "the listing is empty, but the ledger is not"


def test_an_empty_listing_of_an_empty_index_is_fine() -> None:
    made = plan(snapshot())
    assert (made.deletes, made.withheld, made.withheld_because) == ((), (), None)


@pytest.mark.parametrize("allowed", [False, True])
def test_an_incomplete_listing_withholds_even_what_an_operator_allows(allowed: bool) -> None:
    made = plan(snapshot(ASSET, complete=False), row("gone", FRESH), allow_deletes=allowed)
    assert (made.deletes, len(made.withheld), len(made.upserts)) == ((), 1, 1)
    assert made.withheld_because == "the listing is incomplete, so it does not prove that an asset is absent"


def test_an_incomplete_listing_without_absent_assets_withholds_nothing() -> None:
    assert plan(snapshot(ASSET, complete=False), row("a", FRESH)).withheld_because is None


@pytest.mark.parametrize(
    ("gone", "rows", "recent", "max_deletes", "ratio", "carried_out"),
    [
        (10, 11, 0, 10, 0.0, True),
        (11, 12, 0, 10, 0.0, False),
        (20, 100, 0, 10, 0.2, True),
        (21, 100, 0, 10, 0.2, False),
        (1, 100, 0, 0, 0.0, False),
        (99, 100, 0, 0, 1.0, True),
        (1, 3, 0, 0, 0.3, False),
        (5, 10, 5, 10, 0.0, True),
        (6, 10, 5, 10, 0.0, False),
        (10, 90, 10, 0, 0.2, True),
        (11, 90, 10, 0, 0.2, False),
        (1, 10, 20, 10, 0.2, False),
    ],
)
def test_the_larger_bound_holds_for_all_deletes_of_a_day(
    gone: int, rows: int, recent: int, max_deletes: int, ratio: float, carried_out: bool
) -> None:
    """All or none: the ratio is that of the ledger as it was before the deletes of the day."""
    listed = [asset(f"listed-{i}") for i in range(rows - gone)]
    known = [row(it.indexed_asset_id, FRESH) for it in listed] + [row(f"gone-{i}", FRESH) for i in range(gone)]
    made = plan(snapshot(*listed), *known, recent_deletes=recent, max_deletes=max_deletes, max_delete_ratio=ratio)
    assert (len(made.deletes), len(made.withheld)) == ((gone, 0) if carried_out else (0, gone))


def test_what_is_withheld_says_by_how_much() -> None:
    gone = [row(f"gone-{i}", FRESH) for i in range(11)]
    assert plan(snapshot(ASSET), *gone).withheld_because == "11 deletes within 24 hours exceed the limit of 10"


EMPTY = applied(PRINT, at=NOW, points=0)


@pytest.mark.parametrize("snap", [snapshot(), snapshot(ASSET)])
@pytest.mark.parametrize("mode", ["sync", "keep"])
@pytest.mark.parametrize(
    "empty", [row("gone", attempt=tried(9)), row("gone", EMPTY), row("gone", opened=True, collections=[])]
)
def test_without_points_there_is_nothing_to_delete(snap: Snapshot, mode: Any, empty: Any) -> None:
    """Whatever is listed, whatever the mode, and however many were deleted today."""
    made = plan(snap, row("a", FRESH), empty, max_deletes=0, max_delete_ratio=0.0, recent_deletes=9, delete_mode=mode)
    assert made.forgets == (empty,)
    assert empty not in [it.checkpoint for it in (*made.deletes, *made.withheld)]


def test_rows_without_points_do_not_count_against_the_bounds() -> None:
    gone = [row(f"gone-{i}", attempt=tried(1)) for i in range(50)]
    made = plan(snapshot(ASSET), *gone, row("b", FRESH), max_deletes=1, max_delete_ratio=0.0)
    assert (len(made.deletes), len(made.forgets)) == (1, 50)


def test_an_incomplete_listing_proves_nothing_about_rows_without_points() -> None:
    made = plan(snapshot(ASSET, complete=False), row("gone", attempt=tried(1)))
    assert (made.forgets, made.deletes, made.withheld, made.withheld_because) == ((), (), (), None)


def test_a_row_that_may_hold_half_of_something_is_deleted() -> None:
    assert [it.checkpoint for it in plan(snapshot(ASSET), row("gone", EMPTY, opened=True)).deletes] == [
        row("gone", EMPTY, opened=True)
    ]


def test_a_delete_that_failed_waits_and_ends_in_quarantine() -> None:
    once = row("b", FRESH, attempt=tried(1, GONE, due=NOW + 1))
    often = row("c", FRESH, attempt=tried(3, GONE))
    other = row("d", FRESH, attempt=tried(3))
    respect_backoff = plan(snapshot(ASSET), once, often, other, respect_backoff=True)
    assert (
        respect_backoff.postponed,
        respect_backoff.quarantined,
        [it.checkpoint for it in respect_backoff.deletes],
    ) == (
        (once,),
        (often,),
        [other],
    )
    assert [it.checkpoint for it in plan(snapshot(ASSET), once, often).deletes] == [once]


def test_a_delete_that_failed_is_only_kept_when_nothing_is_to_be_deleted() -> None:
    made = plan(snapshot(ASSET), row("c", FRESH, attempt=tried(3, GONE)), delete_mode="keep")
    assert (made.kept, made.quarantined) == (1, ())


def withheld(count: int, listed: int, state: IndexState = STATE, **policy: Any) -> tuple[Plan, IndexState]:
    """So many assets are absent and so many listed; and what is remembered of that."""
    there = [asset(f"listed-{i}") for i in range(listed)]
    rows = [row(it.indexed_asset_id, FRESH) for it in there] + [row(f"gone-{i}", FRESH) for i in range(count)]
    made = plan(snapshot(*there), *rows, state=state, **policy)
    return made, with_withheld(state, made)


def test_a_withheld_batch_does_not_pass_because_the_ledger_grew() -> None:
    first, state = withheld(20, 70)
    second, state = withheld(20, 80, state)
    third, state = withheld(20, 5000, state)
    assert [len(made.withheld) for made in (first, second, third)] == [20, 20, 20]
    assert third.withheld_because == "20 deletes within 24 hours exceed the limit of 18"


def test_a_withheld_batch_passes_whole_when_enough_of_it_is_back() -> None:
    _, state = withheld(20, 70)
    made, state = withheld(18, 72, state)
    assert (len(made.deletes), made.withheld, state.withheld_because, state.withheld_from) == (18, (), None, None)


def test_the_limit_of_a_withheld_batch_falls_with_the_ledger() -> None:
    _, state = withheld(20, 70)
    _, state = withheld(20, 40, state)
    made, _ = withheld(13, 500, state)
    assert made.withheld_because == "13 deletes within 24 hours exceed the limit of 12"


def test_the_reason_is_that_of_now() -> None:
    """A delete too many today is one of tomorrow's."""
    over, state = withheld(1, 30, recent_deletes=10)
    worse, state = withheld(3, 30, state, recent_deletes=9)
    next_day, state = withheld(3, 30, state)
    assert over.withheld_because == "11 deletes within 24 hours exceed the limit of 10"
    assert worse.withheld_because == "12 deletes within 24 hours exceed the limit of 10"
    assert (len(next_day.deletes), state.withheld_because) == (3, None)


def test_no_part_of_a_withheld_batch_is_carried_out_later() -> None:
    _, state = withheld(20, 30)
    for _ in range(5):
        made, state = withheld(20, 30, state)
        assert (len(made.deletes), len(made.withheld)) == (0, 20)


def test_deletes_that_an_earlier_release_withheld_pass_by_the_fixed_bound_only() -> None:
    """It did not note how large the ledger was."""
    state = replace(STATE, withheld_because="20 deletes within 24 hours exceed the limit of 18")
    assert len(withheld(20, 5000, state)[0].withheld) == 20
    assert len(withheld(10, 5000, state)[0].deletes) == 10


def test_an_incomplete_listing_does_not_make_the_ledger_large_again() -> None:
    _, state = withheld(20, 70)
    made = plan(snapshot(ASSET, complete=False), row("gone", FRESH), state=state)
    assert with_withheld(state, made) == state


@pytest.mark.parametrize("allowed", [False, True])
def test_only_what_nobody_had_to_allow_counts(allowed: bool) -> None:
    made, _ = withheld(3, 30, allow_deletes=allowed)
    assert [it.counts for it in made.deletes] == [not allowed] * 3


@pytest.mark.parametrize("snap", [snapshot(), snapshot(ASSET)])
def test_an_operator_may_allow_the_deletes(snap: Snapshot) -> None:
    gone = [row(f"gone-{i}", FRESH) for i in range(50)]
    made = plan(snap, *gone, allow_deletes=True, recent_deletes=500)
    assert (len(made.deletes), made.withheld_because) == (50, None)


@pytest.mark.parametrize("snap", [snapshot(), snapshot(ASSET), snapshot(ASSET, complete=False)])
def test_keep_never_deletes_and_withholds_nothing(snap: Snapshot) -> None:
    """Nobody has to allow what was never wanted."""
    gone = [row(f"gone-{i}", FRESH) for i in range(50)]
    made = plan(snap, *gone, delete_mode="keep", allow_deletes=True)
    assert (made.deletes, made.withheld, made.withheld_because, made.kept) == ((), (), None, 50)


def test_without_a_refresh_policy_nothing_is_retrieved_again() -> None:
    known = row("a", applied(PRINT))
    made = plan(snapshot(ASSET), known, state=IndexState(0.0, canary_at=0.0), refresh=None)
    assert (made.refreshes, made.unchanged) == ((), 1)


@pytest.mark.parametrize(
    ("known", "again"),
    [
        (row("a", opened=True), True),
        (row("a", attempt=tried(0)), True),
        (row("a", attempt=tried(2, due=NOW)), True),
        (row("a", attempt=tried(2, due=NOW + 1)), False),
        (row("a", attempt=tried(3)), False),
        (row("a", opened=True, attempt=tried(2, due=NOW + 1)), False),
    ],
)
def test_what_is_due_again_can_be_told_without_the_listing(known: Any, again: bool) -> None:
    """And agrees with what a patient plan decides once the asset is listed."""
    assert due_again({"a": known}, POLICY) == ({"a"} if again else set())
    assert (decide(ASSET, known, PRINT, replace(POLICY, respect_backoff=True)) in UPSERTS) == again


def test_the_docstring_names_every_decision() -> None:
    table = (plan_module.__doc__ or "").lower()
    assert [decision for decision in Decision if decision.value not in table] == []
