"""The query of a search."""

import pytest
from starlette.datastructures import QueryParams

from connector.web.search_query import SearchQuery, read_search


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", SearchQuery("")),
        ("q=", SearchQuery("")),
        ("q=+a+shark%0A", SearchQuery("a shark")),
        ("q=%F0%9F%A6%88", SearchQuery("🦈")),
        ("q=shark&index=", SearchQuery("shark")),
        ("q=shark&index=a&index=b", SearchQuery("shark", ("a", "b"))),
        ("q=shark&limit=1000", SearchQuery("shark", limit=1000)),
        ("q=shark&limit=", SearchQuery("shark")),
        (f"q={'x' * 1000}", SearchQuery("x" * 1000)),
    ],
)
def test_a_query_is_read(query: str, found: SearchQuery) -> None:
    assert read_search(QueryParams(query)) == found


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "1.5", "٣", "9" * 5000])
def test_a_limit_outside_its_range_is_refused(limit: str) -> None:
    with pytest.raises(ValueError, match="limit is not a whole number from 1 to 1,000"):
        read_search(QueryParams({"q": "shark", "limit": limit}))


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="q has 1,001 characters; the limit is 1,000"):
        read_search(QueryParams({"q": "x" * 1001}))
