"""Which rows agree with the points of a collection: decided as by looking at every point, with far fewer reads."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.ledger_model import Checkpoint
from connector.domain.reconciling import (
    adopted,
    compared,
    expected_tally,
    may_write,
    named,
    renamed,
    tally_difference,
    without,
)
from connector.domain.sink_model import Owner, SinkAsset, Tally
from tests.builders import COLLECTION, applied, row

OTHER = "another-collection"
EVERYTHING = None
REVISIONS = st.sampled_from(["r1", "r2", "r3"])
COUNTS = st.dictionaries(REVISIONS, st.integers(1, 3), max_size=2)


def held(
    name: str = "asset-1",
    revisions: Mapping[str, int] | None = None,
    metadata: Mapping[str, int] | None = None,
    fingerprint: str | None = "print-1",
    asset_points: int | None = 3,
) -> SinkAsset:
    """What the collection holds; by default exactly what `applied()` says."""
    points = {"revision-1": 3} if revisions is None else revisions
    return SinkAsset(name, points, {"metadata-1": 3} if metadata is None else metadata, fingerprint, asset_points)


@pytest.mark.parametrize(
    "found",
    [
        None,
        held(revisions={"revision-1": 2}),
        held(revisions={"revision-1": 4}),
        held(revisions={"revision-1": 3, "revision-2": 1}),
        held(revisions={"revision-2": 3}),
        held(revisions={"": 3}),
        held(metadata={"metadata-2": 3}),
        held(metadata={"metadata-1": 2, "metadata-2": 1}),
        held(metadata={}),
    ],
)
def test_a_row_is_opened_unless_the_collection_holds_exactly_its_points(found: SinkAsset | None) -> None:
    before = row(applied=applied())
    assert compared(before, held(), COLLECTION, EVERYTHING) is before
    assert compared(before, found, COLLECTION, EVERYTHING) == replace(before, opened=True)


def test_points_in_a_collection_that_the_row_does_not_name_open_it() -> None:
    before = row(applied=applied())
    after = compared(before, held(), OTHER, EVERYTHING)
    assert after == replace(before, opened=True, collections=frozenset({COLLECTION, OTHER}))


def test_a_collection_that_the_row_names_but_is_not_applied_in_must_hold_nothing() -> None:
    before = row(applied=applied(), collections=[COLLECTION, OTHER])
    assert compared(before, None, OTHER, EVERYTHING) is before
    assert compared(before, held(), OTHER, EVERYTHING) == replace(before, opened=True)


def test_a_row_applied_without_points_must_have_none() -> None:
    before = row(applied=applied(points=0))
    assert compared(before, None, COLLECTION, EVERYTHING) is before
    assert compared(before, held(revisions={}, metadata={"metadata-1": 1}), COLLECTION, EVERYTHING).opened
    assert compared(before, held(), COLLECTION, EVERYTHING).opened


def test_an_unknown_metadata_revision_is_not_compared() -> None:
    before = row(applied=applied(metadata_revision=None))
    assert compared(before, held(metadata={"anything": 3}), COLLECTION, EVERYTHING) is before


def test_an_opened_row_stays_as_it_is() -> None:
    before = row(applied=applied(), opened=True)
    assert compared(before, None, COLLECTION, EVERYTHING) is before


def test_an_opened_row_names_every_collection_with_its_points() -> None:
    """Otherwise a later delete would leave them there."""
    before = row(applied=applied(), opened=True)
    assert compared(before, held(), OTHER, EVERYTHING).collections == {COLLECTION, OTHER}
    assert compared(before, None, OTHER, EVERYTHING) is before


def test_only_what_was_read_is_compared() -> None:
    before = row(applied=applied())
    assert compared(before, None, COLLECTION, Tally({}, {})) is before
    assert compared(before, None, COLLECTION, Tally({"revision-1": 0}, {})).opened
    assert compared(before, None, COLLECTION, Tally({}, {"metadata-1": 0})).opened
    assert compared(before, held(revisions={"revision-2": 1}), COLLECTION, Tally({"revision-2": 1}, {})).opened
    assert compared(before, held(revisions={"revision-2": 1}), COLLECTION, Tally({"revision-3": 1}, {})) is before


@pytest.mark.parametrize(
    "other",
    [
        row("b"),
        row("b", applied(), opened=True),
        row("b", applied(collection=OTHER)),
        row("b", applied(collection=OTHER), collections=[OTHER, COLLECTION]),
        row("b", applied(points=0)),
    ],
)
def test_the_expected_counts_are_those_of_applied_rows_of_this_collection(other: Checkpoint) -> None:
    rows = [row("a", applied(points=2)), row("c", applied(points=5)), other]
    assert expected_tally(COLLECTION, rows) == Tally({"revision-1": 7}, {"metadata-1": 7})


def test_points_without_a_metadata_revision_are_expected_by_their_revision_only() -> None:
    assert expected_tally(COLLECTION, [row("a", applied(metadata_revision=None))]) == Tally({"revision-1": 3}, {})


def test_the_difference_says_what_is_held() -> None:
    expected, found = Tally({"a": 1, "b": 2, "c": 3}, {"m": 6}), Tally({"a": 1, "b": 3, "d": 4}, {"m": 8})
    assert tally_difference(expected, found) == Tally({"b": 3, "c": 0, "d": 4}, {"m": 8})
    assert tally_difference(expected, expected) == Tally({}, {})
    assert tally_difference(Tally({"a": 0}, {}), Tally({"b": 0}, {})) == Tally({}, {})


@st.composite
def assets(draw: st.DrawFn) -> tuple[dict[str, Checkpoint], dict[str, SinkAsset]]:
    """Rows and points of up to four assets, which may or may not agree. As in a real index, no two share a revision."""
    rows, found = dict[str, Checkpoint](), dict[str, SinkAsset]()
    for name in draw(st.sets(st.sampled_from("abcd"))):
        facts = applied(
            revision=f"{name}-{draw(REVISIONS)}",
            metadata_revision=f"{name}-{draw(REVISIONS)}",
            points=draw(st.integers(0, 3)),
            collection=draw(st.sampled_from([COLLECTION, OTHER])),
        )
        rows[name] = row(name, facts, opened=draw(st.booleans()), collections=[COLLECTION, OTHER])
        if draw(st.booleans()) and facts.points and facts.collection == COLLECTION:
            of, metadata = {facts.revision: facts.points}, {facts.metadata_revision or "": facts.points}
        else:
            of = {f"{name}-{key}": count for key, count in draw(COUNTS).items()}
            metadata = {f"{name}-{draw(REVISIONS)}": sum(of.values())} if of else {}
        if of:
            found[name] = held(name, of, metadata)
    return rows, found


@given(assets())
def test_the_counts_find_every_row_that_differs(world: tuple[dict[str, Checkpoint], dict[str, SinkAsset]]) -> None:
    """Reading only the points of differing revisions opens the same rows as reading all points."""
    rows, found = world
    revisions, metadata = Counter[str](), Counter[str]()
    for it in found.values():
        revisions.update(it.points_by_revision)
        metadata.update(it.points_by_metadata_revision)
    differing = tally_difference(expected_tally(COLLECTION, rows.values()), Tally(revisions, metadata))

    def read(it: SinkAsset) -> SinkAsset | None:
        of = {key: n for key, n in it.points_by_revision.items() if key in differing.revisions}
        by = {key: n for key, n in it.points_by_metadata_revision.items() if key in differing.metadata_revisions}
        return replace(it, points_by_revision=of, points_by_metadata_revision=by) if of or by else None

    for name, before in rows.items():
        seen = read(found[name]) if name in found else None
        thorough = compared(before, found.get(name), COLLECTION, EVERYTHING)
        assert compared(before, seen, COLLECTION, differing) == thorough, name


def test_intact_points_are_adopted_as_applied() -> None:
    after = adopted(held(), COLLECTION, 7.0)
    assert after == row(applied=applied(at=7.0))


@pytest.mark.parametrize(
    "found",
    [
        held(revisions={"revision-1": 2}),
        held(revisions={"revision-1": 2, "revision-2": 1}),
        held(fingerprint=None),
        held(asset_points=None),
    ],
)
def test_damaged_points_are_adopted_as_opened(found: SinkAsset) -> None:
    assert adopted(found, COLLECTION, 7.0) == Checkpoint("asset-1", opened=True, collections=frozenset({COLLECTION}))


def test_a_collection_has_one_name_in_all_rows() -> None:
    before = row(applied=applied(collection="alias"), collections=["alias", OTHER])
    after = row(applied=applied(collection=COLLECTION), collections=[COLLECTION, OTHER])
    assert renamed(before, {"alias": COLLECTION}) == after
    assert renamed(before, {"unknown": COLLECTION}) is before
    assert renamed(row(opened=True, collections=["alias"]), {"alias": OTHER}).collections == {OTHER}
    assert renamed(row(applied=applied(), collections=["alias", COLLECTION]), {"alias": OTHER}).applied == applied()
    assert named([before, after, row("b")]) == {"alias", OTHER, COLLECTION}


def test_leaving_a_collection_opens_what_was_applied_there() -> None:
    both = row(applied=applied(), collections=[COLLECTION, OTHER])
    assert without(both, COLLECTION) == replace(both, opened=True, collections=frozenset({OTHER}))
    assert without(both, OTHER) == replace(both, collections=frozenset({COLLECTION}))
    assert without(both, "third") is both
    opened = row(opened=True, collections=[OTHER])
    assert without(opened, OTHER) == replace(opened, collections=frozenset())


def test_who_may_write_where_an_owner_is_recorded() -> None:
    me, before = Owner("me", "here", {}, "home"), Owner("before", "there", {}, "home")
    assert may_write(replace(me, home="elsewhere"), me, None)
    assert not may_write(before, me, None)
    assert may_write(before, me, before)
    assert not may_write(replace(before, home="elsewhere"), me, before)
    assert not may_write(Owner("third", "", {}, "home"), me, before)
