"""A page of a long list."""

import pytest

from connector.domain.page import LAST_OFFSET, LONGEST, Page, read_page


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ({}, Page(0, 100)),
        ({"other": "x"}, Page(0, 100)),
        ({"offset": "7"}, Page(7, 100)),
        ({"limit": "1"}, Page(0, 1)),
        ({"offset": "007", "limit": str(LONGEST)}, Page(7, LONGEST)),
        ({"offset": str(LAST_OFFSET)}, Page(LAST_OFFSET, 100)),
    ],
)
def test_the_page_that_a_query_names(query: dict[str, str], page: Page) -> None:
    assert read_page(query) == page


BAD = ("", "-1", "+1", "1.0", "x", " 1", "1_0", "\u0661", "9" * 5000)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (name, text)
        for name in ("offset", "limit")
        for text in ("", "-1", "+1", "1.0", "x", " 1", "1_0", "\u0661", "9" * 5000)
    ]
    + [("limit", "0"), ("limit", str(LONGEST + 1)), ("offset", str(LAST_OFFSET + 1))],
)
def test_what_is_no_page_is_refused_by_name(name: str, text: str) -> None:
    allowed = {"offset": "0 to 1000000", "limit": "1 to 1000"}[name]
    with pytest.raises(ValueError, match=f"^{name}: not a whole number from {allowed}$"):
        read_page({name: text})


@pytest.mark.parametrize(
    ("page", "total", "following"),
    [(Page(), 0, None), (Page(), 100, None), (Page(), 101, 100), (Page(100, 50), 150, None), (Page(100, 50), 151, 150)],
)
def test_where_the_next_page_begins(page: Page, total: int, following: int | None) -> None:
    assert page.next_offset(total) == following
