"""What becomes of an asset: the state of its row, unless something else is known of it."""

from dataclasses import replace

import pytest

from connector.domain.asset_situation import Situation, situation
from connector.domain.asset_state import AssetState
from connector.domain.ledger_model import Checkpoint
from connector.domain.priority import Priority
from tests.builders import applied, asset, attempt, row

CLOSED = row("a", applied())
PLANNED = replace(CLOSED, priority=Priority.FRESH)
GONE = replace(CLOSED, absent_since=1.0)
FAILED = row("a", attempt=attempt(attempts=1, reason="torn"))


@pytest.mark.parametrize(
    ("known", "found"),
    [
        (None, None),
        (CLOSED, Situation.APPLIED),
        (PLANNED, Situation.BACKLOG),
        (row("a"), Situation.BACKLOG),
        (row("a", listed=asset("a")), Situation.BACKLOG),
        (row("a", listed=asset("a", status="indexing")), Situation.WAITING),
        (row("a", listed=asset("a", status="failed")), Situation.WAITING),
        (row("a", applied(), listed=asset("a", status="indexing")), Situation.APPLIED),
        (row("a", opened=True), Situation.OPENED),
        (row("a", attempt=attempt(attempts=0, reason="down")), Situation.DEFERRED),
        (FAILED, Situation.FAILED),
        (row("a", attempt=attempt(attempts=5, reason="torn")), Situation.QUARANTINED),
        (GONE, Situation.PENDING),
    ],
)
def test_of_a_row_alone(known: Checkpoint | None, found: Situation | None) -> None:
    assert situation(known, 5) is found


def test_what_is_in_hand_is_in_progress_whatever_its_row_says() -> None:
    for known in (None, CLOSED, GONE, FAILED):
        assert situation(known, 5, in_hand=True, indexing=True, withheld=True) is Situation.IN_PROGRESS


def test_what_was_being_indexed_waits_at_the_source_unless_something_was_tried() -> None:
    for known in (None, CLOSED, row("a")):
        assert situation(known, 5, indexing=True) is Situation.WAITING
    assert situation(FAILED, 5, indexing=True) is Situation.FAILED
    assert situation(PLANNED, 5, indexing=True) is Situation.BACKLOG


def test_a_withheld_delete_counts_more_than_what_was_tried_before() -> None:
    for known in (CLOSED, PLANNED, FAILED):
        assert situation(known, 5, withheld=True) is Situation.WITHHELD
    assert situation(GONE, 5, withheld=True) is Situation.PENDING


def test_the_states_of_a_row_keep_their_names() -> None:
    assert {it.value for it in AssetState} - {it.value for it in Situation} == {"idle"}
