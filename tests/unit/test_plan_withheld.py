"""What happens to withheld deletes later."""

from dataclasses import replace
from typing import Any

import pytest

from connector.domain.ledger_model import IndexState
from connector.domain.plan import (
    Plan,
    with_withheld,
)
from connector.domain.source_model import Snapshot
from tests.builders import asset, row, snapshot
from tests.comparing import differences
from tests.unit.plan_cases import ASSET, FRESH, STATE, plan


def withheld(count: int, listed: int, state: IndexState = STATE, **policy: Any) -> tuple[Plan, IndexState]:
    """A plan for this many absent and listed assets, and the state after it."""
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
    assert len(made.deletes) == 18
    assert made.withheld == ()
    assert differences(state, withheld_because=None, withheld_from=None) == {}


def test_the_limit_of_a_withheld_batch_falls_with_the_ledger() -> None:
    _, state = withheld(20, 70)
    _, state = withheld(20, 40, state)
    made, _ = withheld(13, 500, state)
    assert made.withheld_because == "13 deletes within 24 hours exceed the limit of 12"


def test_the_reason_is_that_of_now() -> None:
    """A delete that exceeds today's limit is allowed tomorrow."""
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
    """It did not store the size of the ledger."""
    state = replace(STATE, withheld_because="20 deletes within 24 hours exceed the limit of 18")
    assert len(withheld(20, 5000, state)[0].withheld) == 20
    assert len(withheld(10, 5000, state)[0].deletes) == 10
    assert len(withheld(1, 5000, state, max_deletes=0, max_delete_ratio=1.0)[0].withheld) == 1


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
    """No operator has to allow deletes that the settings do not want."""
    gone = [row(f"gone-{i}", FRESH) for i in range(50)]
    made = plan(snap, *gone, delete_mode="keep", allow_deletes=True)
    assert differences(made, deletes=(), withheld=(), withheld_because=None, kept=50) == {}


@pytest.mark.parametrize(
    ("shown", "allowed"),
    [(None, True), (["b", "c"], True), (["b", "c", "x"], True), (["b"], False), (["c"], False), ([], False)],
)
def test_an_operator_allows_what_was_shown(shown: list[str] | None, allowed: bool) -> None:
    """One more delete, and the limits apply to all; then they count towards the limit too."""
    names = None if shown is None else frozenset(shown)
    gone = row("b", FRESH), row("c", FRESH)

    small = plan(snapshot(ASSET), row("a", FRESH), *gone, allow_deletes=True, shown=names, max_deletes=2)
    large = plan(
        snapshot(ASSET), row("a", FRESH), *gone, allow_deletes=True, shown=names, max_deletes=1, max_delete_ratio=0.0
    )

    assert [it.counts for it in small.deletes] == [not allowed] * 2
    assert (len(large.deletes), len(large.withheld)) == ((2, 0) if allowed else (0, 2))


def test_what_is_shown_is_not_allowed_by_that() -> None:
    gone = row("b", FRESH), row("c", FRESH)
    made = plan(snapshot(ASSET), *gone, shown=frozenset("bc"), max_deletes=1, max_delete_ratio=0.0)
    assert (len(made.deletes), len(made.withheld)) == (0, 2)
