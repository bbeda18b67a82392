"""How many requests searches may send."""

import pytest

from connector.daemon.search_budget import SearchBudget, searches_a_minute


@pytest.mark.parametrize(("limit", "most"), [(None, 60), (1000, 60), (60, 30), (5, 2), (2, 1), (1, 1)])
def test_searches_get_half_of_the_limit(limit: int | None, most: int) -> None:
    assert searches_a_minute(limit) == most


def test_no_minute_has_more_searches_than_that() -> None:
    budget = SearchBudget(2)

    assert [budget.take(at) for at in (0.0, 10.0)] == [0.0, 0.0]
    assert budget.take(20.0) == 40.0
    assert budget.take(59.5) == 0.5, "a refusal does not count"
    assert budget.take(60.0) == 0.0
    assert budget.take(60.0) == 10.0
    assert budget.take(70.0) == 0.0
