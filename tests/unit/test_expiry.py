"""When an index expires, and when that is announced."""

import pytest

from connector.domain.expiry import DAY_SEC, announced, days_ahead, expires_in, to_announce
from connector.domain.ledger_model import IndexState

EXPIRES, AT = "2026-05-01T00:00:00Z", 1_777_593_600.0


def test_the_seconds_until_then() -> None:
    assert expires_in(EXPIRES, AT - 90.5) == 90.5
    assert expires_in(EXPIRES, AT + 1) == -1


@pytest.mark.parametrize("text", [None, "", "soon", "99999-01-01T00:00:00Z"])
def test_no_time_or_one_that_is_unreadable_is_never(text: str | None) -> None:
    assert expires_in(text, 0.0) is None
    assert days_ahead(text, 0.0) is None


@pytest.mark.parametrize(
    ("left", "days"),
    [
        (100 * DAY_SEC, None),
        (7 * DAY_SEC + 1, None),
        (7 * DAY_SEC, 7),
        (DAY_SEC + 1, 7),
        (DAY_SEC, 1),
        (1.0, 1),
        (0.0, None),
        (-1.0, None),
    ],
)
def test_it_is_announced_7_days_and_1_day_ahead(left: float, days: int | None) -> None:
    assert days_ahead(EXPIRES, AT - left) == days
    assert to_announce(IndexState(0.0, 0.0, expires_at=EXPIRES), AT - left) == days


@pytest.mark.parametrize(
    ("told", "left", "days"),
    [(7, 6 * DAY_SEC, None), (7, DAY_SEC, 1), (1, DAY_SEC, None), (1, 6 * DAY_SEC, None), (7, 8 * DAY_SEC, None)],
)
def test_each_announcement_is_made_once(told: int, left: float, days: int | None) -> None:
    """The last row: the clock was set back."""
    state = announced(IndexState(0.0, 0.0, expires_at=EXPIRES), told)
    assert state.expiry_announced == told
    assert to_announce(state, AT - left) == days
