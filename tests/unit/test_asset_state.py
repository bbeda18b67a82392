"""Each ledger row has one state; a query matches by state and by a part of the id or the file name."""

from dataclasses import replace

import pytest

from connector.domain.asset_state import AssetQuery, AssetState, ascii_lower, state_of
from connector.domain.ledger_model import Checkpoint
from connector.domain.priority import Priority
from connector.domain.source_model import IndexedAsset
from tests.builders import applied, asset, attempt

TRIED = attempt("p", 1, reason="r", code="c")
ROWS = [
    (Checkpoint("a"), AssetState.IDLE),
    (Checkpoint("a", applied=applied()), AssetState.APPLIED),
    (Checkpoint("a", applied=applied(points=0)), AssetState.APPLIED),
    (Checkpoint("a", applied=applied(), opened=True), AssetState.OPENED),
    (Checkpoint("a", attempt=attempt("p", 1)), AssetState.OPENED),
    (Checkpoint("a", applied=applied(), attempt=attempt("p", 1)), AssetState.OPENED),
    (Checkpoint("a", attempt=TRIED), AssetState.FAILED),
    (Checkpoint("a", attempt=replace(TRIED, attempts=2), opened=True), AssetState.FAILED),
    (Checkpoint("a", attempt=replace(TRIED, attempts=0)), AssetState.DEFERRED),
    (Checkpoint("a", attempt=replace(TRIED, attempts=3)), AssetState.QUARANTINED),
    (Checkpoint("a", attempt=attempt("p", 4), opened=True), AssetState.QUARANTINED),
    (Checkpoint("a", attempt=replace(TRIED, attempts=3), absent_since=1.0), AssetState.QUARANTINED),
    (Checkpoint("a", applied=applied(), absent_since=0.0), AssetState.PENDING),
    (Checkpoint("a", absent_since=1.0), AssetState.PENDING),
    (Checkpoint("a", applied=applied(), opened=True, absent_since=1.0), AssetState.OPENED),
    (Checkpoint("a", applied=applied(), priority=Priority.FRESH, absent_since=1.0), AssetState.BACKLOG),
    (Checkpoint("a", attempt=replace(TRIED, attempts=3), priority=Priority.BACKLOG), AssetState.BACKLOG),
]


@pytest.mark.parametrize(("row", "state"), ROWS)
def test_a_row_has_one_state(row: Checkpoint, state: AssetState) -> None:
    assert state_of(row, 3) is state


@pytest.mark.parametrize(("row", "state"), ROWS)
def test_a_query_matches_its_state(row: Checkpoint, state: AssetState) -> None:
    assert [it for it in AssetState if AssetQuery(3, it).matches(row)] == [state]
    assert AssetQuery(3).matches(row)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", True),
        ("sset-7", True),
        ("ASSET", True),
        ("holiday", True),
        ("DAY.MP4", True),
        ("é", True),
        ("É", False),
        ("7h", False),
        ("holiday2", False),
    ],
)
def test_a_query_matches_a_part_of_a_name(text: str, found: bool) -> None:
    row = Checkpoint("Asset-7", listed=asset("Asset-7", filename="Holidéy Holiday.mp4"))

    assert AssetQuery(3, text=text).matches(row) is found
    assert AssetQuery(3, AssetState.IDLE, text).matches(row) is found
    assert not AssetQuery(3, AssetState.FAILED, text).matches(row)


@pytest.mark.parametrize("listed", [None, asset("7", filename=None)])
def test_a_row_without_a_file_name_matches_by_its_id_only(listed: IndexedAsset | None) -> None:
    row = Checkpoint("7", listed=listed)

    assert AssetQuery(3, text="7").matches(row)
    assert not AssetQuery(3, text="x").matches(row)


def test_an_asset_without_a_file_name_is_found_by_its_id() -> None:
    assert AssetQuery(3, text="a").matches(Checkpoint("xay"))
    assert not AssetQuery(3, text="b").matches(Checkpoint("xay", listed=asset("xay", filename=None)))


def test_only_ascii_letters_have_a_lower_case() -> None:
    assert ascii_lower("AbZ-É") == "abz-É"
