"""The plan: every row of its table."""

from dataclasses import replace
from typing import Any

import pytest

from connector.domain import plan as plan_module
from connector.domain.fingerprint import fingerprint
from connector.domain.ledger_model import IndexState
from connector.domain.plan import (
    UPSERTS,
    Announced,
    Decision,
    Plan,
    Refresh,
    Upsert,
    decide,
    due_again,
    wanted,
)
from connector.domain.priority import Priority
from tests.builders import POINT_CONFIG, applied, asset, row, snapshot
from tests.comparing import differences
from tests.unit.plan_cases import ASSET, DAY, FRESH, NOW, POLICY, PRINT, plan, tried

STALE = applied("other", at=NOW)


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
    assert differences(made, upserts=(), refreshes=(), deletes=(), withheld=()) == {}


@pytest.mark.parametrize(
    ("planned", "known", "needed"),
    [
        (Announced("a", fingerprint=PRINT), None, True),
        (Announced("a", fingerprint=PRINT), row("a", FRESH), True),
        (Upsert(ASSET, PRINT, Decision.NEW), None, True),
        (Upsert(ASSET, PRINT, Decision.NEW), row("a", opened=True), True),
        (Upsert(ASSET, PRINT, Decision.NEW), row("a", FRESH), False),
        (Upsert(ASSET, PRINT, Decision.NEW), row("a", attempt=tried(3)), False),
        (Refresh(row("a", FRESH), PRINT, deep=True), row("a", FRESH), True),
        (Refresh(row("a", FRESH), PRINT, deep=True), row("a", FRESH, opened=True), False),
        (Refresh(row("a", FRESH), PRINT, deep=True), row("a", STALE), False),
        (Refresh(row("a", FRESH), PRINT, deep=True), None, False),
    ],
)
def test_a_change_is_carried_out_only_if_the_row_still_needs_it(planned: Any, known: Any, needed: bool) -> None:
    assert wanted(planned, POLICY, known) == (PRINT if needed else None)


def test_a_plan_of_refreshes_has_nothing_else() -> None:
    refresh = Refresh(row("a", FRESH), PRINT, deep=True)

    assert Plan.of((refresh,)) == Plan(
        upserts=(), refreshes=(refresh,), deletes=(), unchanged=0, waiting=(), postponed=(), quarantined=()
    )


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
    assert (made.refreshes, made.unchanged) == ((Refresh(known, PRINT, deep=False),), 0)


def test_a_canary_is_marked_and_deep() -> None:
    known = row("a", replace(FRESH, deep_at=NOW - 2 * DAY))
    made = plan(snapshot(ASSET), known, state=IndexState(0.0, canary_at=0.0))
    assert made.refreshes == (Refresh(known, PRINT, deep=True, canary=True),)


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
    """And equals the decision of a plan that respects back-offs, once the asset is listed."""
    assert due_again({"a": known}, POLICY) == ({"a"} if again else set())
    assert (decide(ASSET, known, PRINT, replace(POLICY, respect_backoff=True)) in UPSERTS) == again


def test_the_docstring_names_every_decision() -> None:
    table = (plan_module.__doc__ or "").lower()
    assert [decision for decision in Decision if decision.value not in table] == []


@pytest.mark.parametrize(
    ("known", "is_settled"),
    [
        (row("a", FRESH, listed=ASSET), True),
        (row("a", FRESH, listed=asset("a", filename="newer.mp4")), False),
        (row("a", FRESH), False),
        (row("a", STALE, listed=ASSET), False),
        (row("a", FRESH, opened=True, listed=ASSET), False),
    ],
)
def test_what_is_planned_and_applied_is_settled(known: Any, is_settled: bool) -> None:
    """Unless a newer listing than this one planned it."""
    planned = replace(known, priority=Priority.BACKLOG)

    assert plan(snapshot(ASSET), planned).settled == ((planned,) if is_settled else ())
    assert plan(snapshot(ASSET), known).settled == ()
