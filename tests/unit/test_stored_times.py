"""Stored times in the future are not credible: they must not delay a retry, a refresh or the canary."""

from connector.domain.ledger_model import IndexState, Retrieved
from connector.domain.stored_times import credible_rows, credible_state, credible_times
from tests.builders import applied, attempt, row

NOW = 1_800_000_000.0
LONG_AGO = 0.0


def test_rows_from_before_now_are_as_they_are() -> None:
    rows = {
        "applied": row("applied", applied(at=NOW)),
        "waiting": row("waiting", attempt=attempt(due=NOW + 9, tried_at=NOW)),
        "opened": row("opened", opened=True),
    }

    assert credible_rows(rows, NOW) == rows


def test_a_row_without_a_future_time_is_not_copied() -> None:
    """Most rows have none, and there may be a hundred thousand."""
    known = row("a", applied(at=NOW), attempt=attempt(tried_at=NOW))

    assert credible_rows({"a": known}, NOW)["a"] is known


def test_a_retrieval_in_the_future_is_long_ago_each_kind_for_itself() -> None:
    deep, shallow = applied(at=NOW, deep_at=NOW + 1), applied(at=NOW, shallow_at=NOW + 1)

    found = credible_rows({"deep": row("deep", deep), "shallow": row("shallow", shallow)}, NOW)

    assert found["deep"] == row("deep", applied(at=NOW, deep_at=LONG_AGO))
    assert found["shallow"] == row("shallow", applied(at=NOW, shallow_at=LONG_AGO))


def test_an_attempt_in_the_future_is_due_at_once() -> None:
    waiting = attempt(due=NOW + 9, tried_at=NOW + 1)

    found = credible_rows({"a": row("a", applied(at=NOW), attempt=waiting)}, NOW)

    assert found["a"] == row("a", applied(at=NOW), attempt=attempt(due=LONG_AGO, tried_at=NOW + 1))


def test_the_times_of_an_index_are_capped_at_now() -> None:
    state = IndexState(
        first_cycle_at=NOW + 1, canary_at=NOW + 2, deep_due_since=NOW + 3, shallow_due_since=NOW + 4, watermark=NOW + 5
    )

    assert credible_state(state, NOW) == IndexState(
        first_cycle_at=NOW, canary_at=NOW, deep_due_since=NOW, shallow_due_since=NOW, watermark=NOW + 5
    )


def test_the_times_of_an_index_in_the_past_are_as_they_are() -> None:
    state = IndexState(first_cycle_at=1.0, canary_at=2.0, deep_due_since=3.0, shallow_due_since=4.0)

    assert credible_state(state, NOW) == state


def test_times_alone_are_corrected_like_rows() -> None:
    times = {"now": Retrieved(NOW, NOW), "deep": Retrieved(NOW, NOW + 1), "shallow": Retrieved(NOW + 1, NOW)}

    assert credible_times(times, NOW) == {
        "now": Retrieved(NOW, NOW),
        "deep": Retrieved(NOW, LONG_AGO),
        "shallow": Retrieved(LONG_AGO, NOW),
    }
