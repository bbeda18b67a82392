"""The deletes in the plan, and the deletes that it withholds."""

from dataclasses import dataclass
from typing import Any

import pytest

from connector.domain.plan import GONE, Plan
from connector.domain.source_model import Snapshot
from tests.builders import applied, asset, row, snapshot
from tests.comparing import differences
from tests.unit.plan_cases import ASSET, FRESH, NOW, PRINT, plan, tried


def test_what_is_absent_is_deleted_in_the_order_of_ids() -> None:
    gone = [row("z", FRESH), row("m", opened=True), row("b", FRESH, attempt=tried(1))]
    made = plan(snapshot(ASSET), row("a", FRESH), *gone)
    assert [it.checkpoint for it in made.deletes] == sorted(gone, key=lambda it: it.indexed_asset_id)
    assert differences(made, withheld=(), withheld_because=None, kept=0) == {}


def test_an_empty_listing_withholds_every_delete() -> None:
    made = plan(snapshot(), row("a", FRESH))
    assert (made.deletes, len(made.withheld)) == ((), 1)
    assert made.withheld_because == "the listing is empty, but the ledger is not"


def test_an_empty_listing_of_an_empty_index_is_fine() -> None:
    made = plan(snapshot())
    assert differences(made, deletes=(), withheld=(), withheld_because=None) == {}


@pytest.mark.parametrize("allowed", [False, True])
def test_an_incomplete_listing_withholds_even_what_an_operator_allows(allowed: bool) -> None:
    made = plan(snapshot(ASSET, complete=False), row("gone", FRESH), allow_deletes=allowed)
    assert made.deletes == ()
    assert len(made.withheld) == 1
    assert len(made.upserts) == 1
    assert made.withheld_because == "the listing is incomplete, so it does not prove that an asset is absent"


def test_an_incomplete_listing_without_absent_assets_withholds_nothing() -> None:
    assert plan(snapshot(ASSET, complete=False), row("a", FRESH)).withheld_because is None


@dataclass(frozen=True, slots=True)
class Absent:
    """`gone` of `rows` assets are no longer listed, after `recent` deletes within a day."""

    gone: int
    rows: int
    recent: int = 0
    max_deletes: int = 0
    ratio: float = 0.0

    def planned(self) -> Plan:
        listed = [asset(f"listed-{i}") for i in range(self.rows - self.gone)]
        known = [row(it.indexed_asset_id, FRESH) for it in listed]
        known += [row(f"gone-{i}", FRESH) for i in range(self.gone)]
        return plan(
            snapshot(*listed),
            *known,
            recent_deletes=self.recent,
            max_deletes=self.max_deletes,
            max_delete_ratio=self.ratio,
        )


@pytest.mark.parametrize(
    "absent",
    [
        Absent(gone=10, rows=11, max_deletes=10),
        Absent(gone=20, rows=100, max_deletes=10, ratio=0.2),
        Absent(gone=99, rows=100, ratio=1.0),
        Absent(gone=5, rows=10, recent=5, max_deletes=10),
        Absent(gone=10, rows=90, recent=10, ratio=0.2),
    ],
)
def test_the_larger_bound_allows_all_deletes_of_a_day(absent: Absent) -> None:
    """The ratio applies to the ledger size before the deletes of the day."""
    made = absent.planned()

    assert (len(made.deletes), len(made.withheld)) == (absent.gone, 0)


@pytest.mark.parametrize(
    "absent",
    [
        Absent(gone=11, rows=12, max_deletes=10),
        Absent(gone=21, rows=100, max_deletes=10, ratio=0.2),
        Absent(gone=1, rows=100),
        Absent(gone=1, rows=3, ratio=0.3),
        Absent(gone=6, rows=10, recent=5, max_deletes=10),
        Absent(gone=11, rows=90, recent=10, ratio=0.2),
        Absent(gone=1, rows=10, recent=20, max_deletes=10, ratio=0.2),
    ],
)
def test_beyond_the_larger_bound_all_deletes_are_withheld(absent: Absent) -> None:
    made = absent.planned()

    assert (len(made.deletes), len(made.withheld)) == (0, absent.gone)


def test_what_is_withheld_says_by_how_much() -> None:
    gone = [row(f"gone-{i}", FRESH) for i in range(11)]
    assert plan(snapshot(ASSET), *gone).withheld_because == "11 deletes within 24 hours exceed the limit of 10"


EMPTY = applied(PRINT, at=NOW, points=0)


@pytest.mark.parametrize("snap", [snapshot(), snapshot(ASSET)])
@pytest.mark.parametrize("mode", ["sync", "keep"])
@pytest.mark.parametrize(
    "empty", [row("gone", attempt=tried(9)), row("gone", EMPTY), row("gone", opened=True, collections=[])]
)
def test_without_points_there_is_nothing_to_delete(snap: Snapshot, mode: Any, empty: Any) -> None:
    """Whatever is listed, whatever the mode, and however many were deleted today."""
    made = plan(snap, row("a", FRESH), empty, max_deletes=0, max_delete_ratio=0.0, recent_deletes=9, delete_mode=mode)
    assert made.forgets == (empty,)
    assert empty not in [it.checkpoint for it in (*made.deletes, *made.withheld)]


def test_rows_without_points_do_not_count_against_the_bounds() -> None:
    gone = [row(f"gone-{i}", attempt=tried(1)) for i in range(50)]
    made = plan(snapshot(ASSET), *gone, row("b", FRESH), max_deletes=1, max_delete_ratio=0.0)
    assert (len(made.deletes), len(made.forgets)) == (1, 50)


def test_an_incomplete_listing_proves_nothing_about_rows_without_points() -> None:
    made = plan(snapshot(ASSET, complete=False), row("gone", attempt=tried(1)))
    assert differences(made, forgets=(), deletes=(), withheld=(), withheld_because=None) == {}


def test_a_row_that_may_hold_half_of_something_is_deleted() -> None:
    assert [it.checkpoint for it in plan(snapshot(ASSET), row("gone", EMPTY, opened=True)).deletes] == [
        row("gone", EMPTY, opened=True)
    ]


def test_a_delete_that_failed_waits_and_ends_in_quarantine() -> None:
    once = row("b", FRESH, attempt=tried(1, GONE, due=NOW + 1))
    often = row("c", FRESH, attempt=tried(3, GONE))
    other = row("d", FRESH, attempt=tried(3))
    respect_backoff = plan(snapshot(ASSET), once, often, other, respect_backoff=True)
    assert differences(respect_backoff, postponed=(once,), quarantined=(often,)) == {}
    assert [it.checkpoint for it in respect_backoff.deletes] == [other]
    assert [it.checkpoint for it in plan(snapshot(ASSET), once, often).deletes] == [once]


def test_a_delete_that_failed_is_only_kept_when_nothing_is_to_be_deleted() -> None:
    made = plan(snapshot(ASSET), row("c", FRESH, attempt=tried(3, GONE)), delete_mode="keep")
    assert (made.kept, made.quarantined) == (1, ())
