"""The bar of `connector status`: proportions, and what is rare is still seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.cli.state_bar import STATES, shares

COUNTS = st.lists(st.integers(0, 100_000), min_size=1, max_size=6)


@given(COUNTS, st.integers(1, 40))
def test_all_cells_are_given_and_what_occurs_has_one(counts: list[int], cells: int) -> None:
    given = shares(counts, cells)

    assert sum(given) == (cells if any(counts) else 0)
    assert all(count for count, cell in zip(counts, given, strict=True) if cell)
    if sum(1 for count in counts if count) <= cells:
        assert all(cell for count, cell in zip(counts, given, strict=True) if count)


@given(COUNTS, st.integers(6, 40))
def test_more_assets_never_have_fewer_cells(counts: list[int], cells: int) -> None:
    pairs = sorted(zip(counts, shares(counts, cells), strict=True))

    assert [cell for _, cell in pairs] == sorted(cell for _, cell in pairs)


@pytest.mark.parametrize(
    ("counts", "cells", "expected"),
    [
        ([50, 50], 10, [5, 5]),
        ([9_999, 1], 8, [7, 1]),
        ([100, 0, 300], 8, [2, 0, 6]),
        ([1, 1, 1, 1], 2, [0, 0, 1, 1]),  # the states behind are the problems
        ([0, 0], 8, [0, 0]),
    ],
)
def test_cells_are_in_proportion(counts: list[int], cells: int, expected: list[int]) -> None:
    assert shares(counts, cells) == expected


def test_the_states_differ_without_colours() -> None:
    """Failed and quarantined assets are both problems; the table counts them separately."""
    alike = [state for name, state in STATES.items() if name != "quarantined"]

    assert len({state.block for state in alike}) == len({state.plain for state in alike}) == len(alike)
    assert all(state.plain.isascii() for state in alike)
