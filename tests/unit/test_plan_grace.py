"""Deletes in the plan that wait for the end of the grace period."""

from typing import Any

import pytest

from connector.domain.ledger_model import Checkpoint
from connector.domain.plan import GONE, Plan, due_again
from connector.domain.source_model import Snapshot
from tests.builders import asset, row, snapshot
from tests.comparing import differences
from tests.unit.plan_cases import ASSET, DAY, FRESH, NOW, POLICY, plan, tried

GRACE = 7 * DAY


def made(*rows: Checkpoint, snap: Snapshot | None = None, **policy: Any) -> Plan:
    return plan(snap or snapshot(ASSET), row("a", FRESH), *rows, **{"delete_grace": GRACE, **policy})


def gone(since: float | None, name: str = "gone", **facts: Any) -> Checkpoint:
    return row(name, FRESH, absent_since=since, **facts)


def parts(found: Plan) -> dict[str, list[str]]:
    """The lists of the plan that an absent asset may be in."""
    deletes = {"deletes": [it.checkpoint for it in found.deletes], "withheld": [it.checkpoint for it in found.withheld]}
    rows = {name: list(getattr(found, name)) for name in ("absent", "pending", "cancelled", "postponed", "forgets")}
    return {name: [it.indexed_asset_id for it in found] for name, found in {**deletes, **rows}.items() if found}


@pytest.mark.parametrize(
    ("since", "where"),
    [
        (None, "absent"),
        (NOW - GRACE - 1, "deletes"),
        (NOW - GRACE, "deletes"),
        (NOW - GRACE + 1, "pending"),
        (NOW - 1, "pending"),
        (NOW, "pending"),
        (NOW + 1, "absent"),
        (NOW + 1000 * DAY, "absent"),
    ],
)
def test_an_absent_asset_waits_from_its_first_proof_to_the_end_of_the_grace_period(
    since: float | None, where: str
) -> None:
    """A proof in the future is of unknown age, because the clock was set back: it needs a new one."""
    assert parts(made(gone(since))) == {where: ["gone"]}


@pytest.mark.parametrize("since", [None, NOW, NOW + 1])
def test_without_a_grace_period_it_is_deleted_at_once(since: float | None) -> None:
    assert parts(made(gone(since), delete_grace=0.0)) == {"deletes": ["gone"]}


def test_an_incomplete_listing_starts_and_ends_nothing() -> None:
    """What waits goes on to wait; what is due or new is withheld."""
    rows = gone(None, "new"), gone(NOW, "waits"), gone(0.0, "due")

    found = made(*rows, snap=snapshot(ASSET, complete=False))

    assert parts(found) == {"pending": ["waits"], "withheld": ["due", "new"]}
    assert found.withheld_because == "the listing is incomplete, so it does not prove that an asset is absent"


def test_the_limit_holds_after_the_grace_period() -> None:
    """What waits does not count yet."""
    waiting = [gone(NOW, f"waits-{number}") for number in range(20)]
    found = made(*waiting, gone(0.0, "due-1"), gone(0.0, "due-2"), max_deletes=2)
    assert (len(found.deletes), len(found.pending), found.withheld_because) == (2, 20, None)

    over = made(*waiting, *(gone(0.0, f"due-{number}") for number in range(3)), max_deletes=2, max_delete_ratio=0.0)
    assert (len(over.deletes), len(over.pending), len(over.withheld)) == (0, 20, 3)
    assert over.withheld_because == "3 deletes within 24 hours exceed the limit of 2"


def test_an_operator_allows_more_deletes_not_earlier_ones() -> None:
    found = made(gone(NOW), gone(0.0, "due"), gone(None, "new"), allow_deletes=True, max_deletes=0)
    assert parts(found) == {"absent": ["new"], "pending": ["gone"], "deletes": ["due"]}


def test_an_empty_listing_deletes_nothing_after_the_grace_period_either() -> None:
    found = plan(snapshot(), gone(0.0), gone(None, "new"), delete_grace=GRACE)
    assert parts(found) == {"absent": ["new"], "withheld": ["gone"]}
    assert found.withheld_because == "the listing is empty, but the ledger is not"


@pytest.mark.parametrize("status", ["ready", "indexing", "failed"])
@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("mode", ["sync", "keep"])
def test_what_is_listed_again_no_longer_waits(status: str, complete: bool, mode: Any) -> None:
    """In a poll too, whose listing is incomplete and which deletes nothing."""
    listed = [asset("z", status), asset("b", status)]
    found = made(gone(NOW, "z"), gone(0.0, "b"), snap=snapshot(ASSET, *listed, complete=complete), delete_mode=mode)
    assert parts(found) == {"cancelled": ["b", "z"]}


def test_nothing_waits_where_nothing_is_deleted() -> None:
    rows = gone(NOW), gone(None, "new")
    found = made(*rows, delete_mode="keep")
    assert (parts(found), found.kept) == ({"cancelled": ["gone"]}, 2)

    assert parts(made(*rows, delete_mode="keep", snap=snapshot(ASSET, complete=False))) == {}


def test_what_never_waited_is_not_cancelled() -> None:
    assert parts(made(row("b", FRESH), snap=snapshot(ASSET, asset("b")))) == {}


def test_an_asset_without_points_does_not_wait() -> None:
    assert parts(made(row("tried", attempt=tried(1)))) == {"forgets": ["tried"]}


def test_a_delete_that_failed_after_the_grace_period_has_its_back_off() -> None:
    failed = gone(0.0, attempt=tried(1, GONE, due=NOW + 1))
    assert parts(made(failed, respect_backoff=True)) == {"postponed": ["gone"]}
    assert parts(made(failed)) == {"deletes": ["gone"]}


def test_what_is_gone_is_not_tried_again() -> None:
    """An update that failed before the asset was gone."""
    rows = {it.indexed_asset_id: it for it in (gone(5.0, attempt=tried(1)), row("b", FRESH, attempt=tried(1)))}
    assert due_again(rows, POLICY) == {"b"}


def test_a_plan_without_absent_assets_has_nothing_that_waits() -> None:
    assert differences(made(), absent=(), pending=(), cancelled=()) == {}
