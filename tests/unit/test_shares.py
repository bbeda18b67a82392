"""The bar of an index: every asset in one part, and each part that is not empty can be seen."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.ledger_model import Summary
from connector.domain.priority import Priority
from connector.web.pages.shares import LABELS, MEANINGS, WIDTH, shares

COUNTS = st.integers(0, 100_000)


def summary(**counts: int) -> Summary:
    backlog = counts.pop("backlog", 0)
    names = ("assets", "applied", "points", "opened", "deferred", "failed", "quarantined", "pending")
    return Summary(**(dict.fromkeys(names, 0) | counts), backlog={Priority.BACKLOG: backlog} if backlog else {})


def counted(found: Summary, waiting: int = 0, withheld: int = 0) -> dict[str, int]:
    return {it.state: it.count for it in shares(found, waiting, withheld) if it.count}


@pytest.mark.parametrize(
    ("found", "waiting", "withheld", "counts"),
    [
        (summary(), 0, 0, {}),
        (summary(assets=5, applied=5), 2, 0, {"applied": 5, "waiting": 2}),
        (summary(assets=5, applied=5, backlog=2), 0, 0, {"applied": 3, "backlog": 2}),
        (summary(assets=5, applied=2, backlog=3), 0, 0, {"applied": 2, "backlog": 3}),
        (
            summary(assets=9, applied=9, opened=1, deferred=1, failed=2, quarantined=1, pending=1),
            0,
            2,
            {"applied": 1, "opened": 1, "deferred": 1, "failed": 2, "quarantined": 1, "pending": 1, "withheld": 2},
        ),
        (summary(assets=3, applied=2), 0, 0, {"applied": 2}),
        (summary(assets=1, applied=1), 0, 5, {"withheld": 5}),
    ],
)
def test_the_counts(found: Summary, waiting: int, withheld: int, counts: dict[str, int]) -> None:
    assert counted(found, waiting, withheld) == counts


@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_the_parts_fill_the_bar_side_by_side(
    applied: int, backlog: int, failed: int, waiting: int, withheld: int
) -> None:
    found = summary(
        assets=applied + backlog + failed + withheld, applied=applied + withheld, backlog=backlog, failed=failed
    )
    parts = [it for it in shares(found, waiting, withheld) if it.count]

    assert all(it.width >= 7.9 for it in parts)
    assert all(b.x >= a.x + a.width for a, b in pairwise(parts))
    if parts:
        assert (parts[0].x, round(parts[-1].x + parts[-1].width)) == (0.0, WIDTH)


def test_a_larger_part_is_not_narrower() -> None:
    parts = {it.state: it.width for it in shares(summary(assets=10_000, applied=9_000, failed=1_000), 1, 0)}

    assert parts["applied"] > parts["failed"] > parts["waiting"] > 0
    assert parts["backlog"] == 0.0


def test_every_state_is_explained() -> None:
    assert LABELS.keys() == MEANINGS.keys()
    assert [it.state for it in shares(summary(), 0, 0)] == list(LABELS)
