"""Paging through a changing set: when a walk is complete, and that an incomplete walk is always noticed."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.twelvelabs.paging import Listed, Walk, walk_until_complete

PER_PAGE = 3


@pytest.mark.parametrize(
    ("rows", "totals", "complete"),
    [
        ("", (0,), True),
        ("abc", (3,), True),
        ("abc", (2, 3), True),
        ("abc", (3.0, 3.0), True),
        ("abc", (4,), False),
        ("abc", (2,), False),
        ("abc", (4, 3), False),
        ("abc", (3, 2, 3), False),
        ("abc", (3, None), False),
        ("abc", (None, 3), False),
        ("abc", (None,), False),
        ("", (), False),
    ],
)
def test_complete_means_all_counted_and_none_lost_on_the_way(
    rows: str, totals: tuple[float | None, ...], complete: bool
) -> None:
    assert Walk(dict.fromkeys(rows, 1), totals).complete is complete


class LiveListing:
    """Numbered pages of a list that changes before each fetch: a number removes that row, None appends one."""

    def __init__(self, size: int, changes: dict[int, list[int | None]]) -> None:
        self.rows = [f"row{number}" for number in range(size)]
        self.always = set(self.rows)
        self.fetches = 0
        self._changes = changes

    async def fetch(self, number: int) -> Listed[int]:
        for change in self._changes.get(self.fetches, []):
            self._apply(change)
        self.fetches += 1
        rows = self.rows[(number - 1) * PER_PAGE : number * PER_PAGE]
        return Listed(dict.fromkeys(rows, number), -(-len(self.rows) // PER_PAGE), len(self.rows))

    def _apply(self, change: int | None) -> None:
        if change is None:
            self.rows.append(f"late{self.fetches}-{len(self.rows)}")
        elif self.rows:
            self.always.discard(self.rows.pop(change % len(self.rows)))


@given(st.integers(0, 20), st.dictionaries(st.integers(0, 15), st.lists(st.none(), max_size=3)))
def test_inserts_never_make_a_listing_incomplete(size: int, changes: dict[int, list[int | None]]) -> None:
    """They come last in ascending order; no earlier row is missed."""
    listing = LiveListing(size, changes)
    walk = asyncio.run(walk_until_complete(listing.fetch))

    assert walk.complete
    assert listing.always <= walk.rows.keys()


@given(st.integers(0, 20), st.dictionaries(st.integers(0, 15), st.lists(st.integers(0, 20), max_size=3)))
def test_a_complete_walk_among_deletes_has_missed_nothing(size: int, changes: dict[int, list[int | None]]) -> None:
    """If no insert hides the lower total, a complete walk is right."""
    listing = LiveListing(size, changes)
    walk = asyncio.run(walk_until_complete(listing.fetch))

    assert not walk.complete or set(listing.rows) <= walk.rows.keys()


@given(st.integers(0, 20), st.dictionaries(st.integers(0, 60), st.lists(st.none() | st.integers(0, 20), max_size=3)))
def test_any_listing_ends(size: int, changes: dict[int, list[int | None]]) -> None:
    listing = LiveListing(size, changes)
    walk = asyncio.run(walk_until_complete(listing.fetch))

    assert listing.fetches <= 3 * (1 + (size + 200) // PER_PAGE)
    assert len(walk.totals) <= listing.fetches


async def test_a_server_that_counts_its_pages_up_for_ever_is_left() -> None:
    """The number of pages is limited, whatever page_info says."""
    fetched = 0

    async def fetch(number: int) -> Listed[int]:
        nonlocal fetched
        fetched += 1
        return Listed({"same": 1}, number + 1, 2)

    walk = await walk_until_complete(fetch)

    assert not walk.complete
    assert fetched == 30_000
