"""The table of `verification`: what differs, what a repair marks, and what it would do."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from connector.domain.holding import Holding, Holdings, add_points
from connector.domain.ledger_model import Checkpoint
from connector.domain.priority import Priority
from connector.domain.source_model import Snapshot
from connector.domain.verification import DriftFinding, Kind, Repair, find_drift, marks, with_repairs, with_result
from tests.builders import COLLECTION, MODEL, POINT_CONFIG, asset, attempt, row, snapshot
from tests.comparing import differences
from tests.unit.plan_cases import ASSET, FRESH, POLICY, PRINT, STATE
from tests.unit.test_holding import built, payloads

OTHER = "another-collection"
POINTS = [{**payload, "indexed_asset_id": "a"} for payload in payloads(built("a"))]
APPLIED = replace(FRESH, revision=built("a").revision, metadata_revision=built("a").metadata_revision, points=5)
CLOSED, READY, NOTHING = row("a", APPLIED), snapshot(ASSET), snapshot()


def held(points: Sequence[Mapping[str, Any]] = POINTS, place: str = COLLECTION) -> dict[str, Holdings]:
    found: Holdings = {}
    add_points(found, points, MODEL)
    return {place: found}


def drift(snap: Snapshot, *rows: Checkpoint, points: Mapping[str, Holdings] | None = None) -> list[DriftFinding]:
    stored = held() if points is None else points
    return find_drift(snap, {it.indexed_asset_id: it for it in rows}, stored, POINT_CONFIG)


def kinds(findings: Sequence[DriftFinding]) -> list[Kind]:
    return [it.kind for it in findings]


def point(place: int = 0, **changes: Any) -> list[dict[str, Any]]:
    return [{**it, **changes} if number == place else dict(it) for number, it in enumerate(POINTS)]


def test_what_agrees_is_no_drift() -> None:
    assert drift(READY, CLOSED) == []
    assert drift(NOTHING, points={}) == []
    assert drift(snapshot(asset("a", "indexing")), points={}) == []
    assert drift(READY, row("a", replace(APPLIED, points=0)), points={}) == []


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (POINTS[:3], (Kind.MISSING_POINTS, 5, 3, 2)),
        ([], (Kind.MISSING_POINTS, 5, 0, 5)),
        ([*POINTS, POINTS[0]], (Kind.SURPLUS_POINTS, 5, 6, 1)),
        (point(revision="x"), (Kind.STALE_POINTS, 5, 5, 1)),
        ([*POINTS, {**POINTS[0], "revision": "x"}], (Kind.STALE_POINTS, 5, 6, 1)),
        (point(filename="x"), (Kind.ALTERED_PAYLOAD, 5, 5, 1)),
        (point(asset_points=9), (Kind.ALTERED_PAYLOAD, 5, 5, 1)),
        ([*POINTS, {**POINTS[0], "embedding_model": "marengo2.7"}], (Kind.WRONG_MODEL, 5, 6, 1)),
    ],
)
def test_points_that_differ_from_their_row(points: list[Any], expected: tuple[Kind, int, int, int]) -> None:
    [found] = drift(READY, CLOSED, points=held(points))

    assert (found.kind, found.expected, found.found, found.affected) == expected
    assert (found.indexed_asset_id, found.collection) == ("a", COLLECTION)


def test_one_asset_may_differ_in_several_ways() -> None:
    points = [*point(filename="x")[:4], {**POINTS[0], "embedding_model": "marengo2.7"}]

    assert kinds(drift(READY, CLOSED, points=held(points))) == [
        Kind.MISSING_POINTS,
        Kind.WRONG_MODEL,
        Kind.ALTERED_PAYLOAD,
    ]


def test_points_in_another_collection() -> None:
    [found] = drift(READY, CLOSED, points=held() | held(POINTS[:2], OTHER))

    assert (found.indexed_asset_id, found.kind, found.collection) == ("a", Kind.WRONG_COLLECTION, OTHER)
    assert (found.expected, found.found, found.affected) == (0, 2, 2)
    both = row("a", APPLIED, collections=[COLLECTION, OTHER])
    assert kinds(drift(READY, both, points=held() | held(POINTS[:2], OTHER))) == [Kind.WRONG_COLLECTION]


def test_points_of_a_row_that_says_there_are_none() -> None:
    empty, zero = row("a", attempt=attempt()), row("a", replace(APPLIED, points=0))

    assert kinds(drift(READY, empty)) == [Kind.MISSING_ASSET, Kind.SURPLUS_POINTS]
    assert kinds(drift(READY, zero)) == [Kind.SURPLUS_POINTS]


def test_points_without_a_row() -> None:
    [found] = drift(READY)
    assert differences(found, kind=Kind.ORPHANED_POINTS, collection=COLLECTION, expected=0, affected=5) == {}
    assert found.found == 5
    assert kinds(drift(NOTHING)) == [Kind.ORPHANED_POINTS]
    assert kinds(drift(READY, points=held() | held(place=OTHER))) == [Kind.ORPHANED_POINTS] * 2


def test_a_ready_asset_without_row_or_points() -> None:
    assert drift(READY, points={}) == [DriftFinding("a", Kind.MISSING_ASSET)]
    assert drift(READY, row("a"), points={}) == [DriftFinding("a", Kind.MISSING_ASSET)]
    assert kinds(drift(READY, row("a", attempt=attempt()), points={})) == [Kind.MISSING_ASSET]


def test_an_asset_that_changed_at_the_source_is_stale_and_its_payload_is_not_judged() -> None:
    stale = row("a", replace(APPLIED, fingerprint="older"))

    [found] = drift(READY, stale, points=held(point(filename="x")))
    assert (found.indexed_asset_id, found.kind, found.collection) == ("a", Kind.STALE_ASSET, None)
    assert (found.expected, found.found, found.affected) == (5, 5, 5)
    assert kinds(drift(READY, stale, points=held(POINTS[:4]))) == [Kind.STALE_ASSET, Kind.MISSING_POINTS]
    assert drift(snapshot(asset("a", "indexing")), stale) == []


def test_an_opened_row_says_nothing_of_its_points() -> None:
    opened = row("a", APPLIED, opened=True)

    [found] = drift(READY, opened, points=held(POINTS[:3]))
    assert (found.indexed_asset_id, found.kind, found.collection) == ("a", Kind.INTERRUPTED, None)
    assert (found.expected, found.found, found.affected) == (None, 3, 3)
    assert kinds(drift(READY, opened, points=held(place=OTHER))) == [Kind.INTERRUPTED, Kind.WRONG_COLLECTION]


def test_only_a_complete_listing_shows_that_an_asset_is_gone() -> None:
    incomplete = snapshot(complete=False)

    [found] = drift(NOTHING, CLOSED)
    assert (found.kind, found.collection) == (Kind.GONE_ASSET, None)
    assert (found.expected, found.found, found.affected) == (0, 5, 5)
    assert kinds(drift(NOTHING, row("a", opened=True), points={})) == [Kind.GONE_ASSET]
    assert kinds(drift(NOTHING, row("a"), points={})) == [Kind.ORPHANED_ROW]
    assert kinds(drift(NOTHING, row("a"))) == [Kind.GONE_ASSET, Kind.SURPLUS_POINTS]
    assert drift(incomplete, CLOSED) == []
    assert kinds(drift(incomplete, row("a", opened=True))) == [Kind.INTERRUPTED]


def test_findings_are_in_the_order_of_the_ids() -> None:
    found = drift(snapshot(asset("c"), asset("a"), asset("b")), points={})

    assert [it.indexed_asset_id for it in found] == ["a", "b", "c"]


def test_marks_reopen_rows_in_their_collections_and_adopt_what_has_none() -> None:
    findings = [
        DriftFinding("a", Kind.STALE_ASSET),
        DriftFinding("a", Kind.MISSING_POINTS, COLLECTION),
        DriftFinding("a", Kind.ALTERED_PAYLOAD, COLLECTION),
        DriftFinding("a", Kind.WRONG_COLLECTION, OTHER),
        DriftFinding("new", Kind.ORPHANED_POINTS, COLLECTION),
        DriftFinding("new", Kind.ORPHANED_POINTS, OTHER),
        DriftFinding("gone", Kind.GONE_ASSET),
    ]
    rows = {"a": CLOSED, "gone": row("gone", APPLIED)}

    found = marks(findings, rows)

    assert found.reopened == {COLLECTION: ["a"], OTHER: ["a"]}
    assert found.adopted == {"new": Checkpoint("new", opened=True, collections=frozenset({COLLECTION, OTHER}))}
    marked = found.of(rows)
    assert marked["a"] == replace(CLOSED, opened=True, collections=frozenset({COLLECTION, OTHER}))
    assert (marked["gone"], marked["new"]) == (rows["gone"], found.adopted["new"])


def repairs(snap: Snapshot, *rows: Checkpoint, points: Mapping[str, Holdings] | None = None, **policy: Any) -> Any:
    by_name = {it.indexed_asset_id: it for it in rows}
    found = drift(snap, *rows, points=points)
    completed = with_repairs(found, snap, by_name, STATE, POINT_CONFIG, replace(POLICY, refresh=None, **policy))
    return [(it.kind, it.repair) for it in completed]


def test_a_repair_does_what_the_plan_of_the_marked_rows_does() -> None:
    broken = row("a", APPLIED, attempt=attempt(PRINT, POLICY.max_attempts))
    waiting = snapshot(asset("a", "indexing"))
    few = held(POINTS[:2])

    assert repairs(READY, CLOSED, points=few) == [(Kind.MISSING_POINTS, Repair.UPSERT)]
    assert repairs(READY, broken, points=few) == [(Kind.MISSING_POINTS, Repair.QUARANTINED)]
    assert repairs(waiting, CLOSED, points=few) == [(Kind.MISSING_POINTS, Repair.WAITING)]
    assert repairs(snapshot(asset("b")), CLOSED, points=few)[0] == (Kind.GONE_ASSET, Repair.DELETE)
    assert repairs(NOTHING, CLOSED)[0] == (Kind.GONE_ASSET, Repair.WITHHELD), "an empty listing deletes nothing"
    assert repairs(NOTHING, row("a"), points={}) == [(Kind.ORPHANED_ROW, Repair.FORGET)]
    assert repairs(snapshot(complete=False)) == [(Kind.ORPHANED_POINTS, Repair.WITHHELD)]
    begun = row("a", opened=True, collections=[])
    assert repairs(snapshot(complete=False), begun, points={}) == [(Kind.INTERRUPTED, Repair.NONE)]


def test_with_mode_keep_a_gone_asset_is_no_finding_and_stays() -> None:
    assert repairs(NOTHING, CLOSED, delete_mode="keep") == []
    assert repairs(NOTHING, replace(CLOSED, opened=True), delete_mode="keep") == [(Kind.GONE_ASSET, Repair.KEPT)]
    assert repairs(NOTHING, replace(CLOSED, applied=None, opened=True), delete_mode="keep") == []
    assert repairs(NOTHING, delete_mode="keep") == [(Kind.ORPHANED_POINTS, Repair.KEPT)]
    assert repairs(READY, CLOSED, points={}, delete_mode="keep") == [(Kind.MISSING_POINTS, Repair.UPSERT)]


def test_a_delete_that_waits_for_the_end_of_the_grace_period_is_no_finding() -> None:
    others, now = snapshot(asset("b")), POLICY.now
    proven = replace(CLOSED, absent_since=now - 1)

    def with_grace(gone: Checkpoint | None, grace: float, points: Mapping[str, Holdings] | None = None) -> list[Any]:
        found = repairs(others, *([gone] if gone else []), points=points, delete_grace=grace)
        return [it for it in found if it[0] is not Kind.MISSING_ASSET]

    assert with_grace(proven, 60.0) == []
    assert with_grace(proven, 0.5) == [(Kind.GONE_ASSET, Repair.DELETE)]
    assert with_grace(CLOSED, 60.0) == [(Kind.GONE_ASSET, Repair.PENDING)]
    assert with_grace(replace(proven, opened=True), 60.0) == [(Kind.GONE_ASSET, Repair.PENDING)]
    assert with_grace(replace(proven, applied=None, opened=True), 60.0) == []
    assert with_grace(proven, 60.0, {}) == [(Kind.MISSING_POINTS, Repair.PENDING)], "damage is told all the same"
    assert with_grace(None, 60.0) == [(Kind.ORPHANED_POINTS, Repair.PENDING)]


@pytest.mark.parametrize(
    ("kind", "after", "repaired"),
    [
        (Kind.GONE_ASSET, replace(CLOSED, absent_since=1.0), True),
        (Kind.GONE_ASSET, CLOSED, False),
        (Kind.GONE_ASSET, None, True),
        (Kind.ORPHANED_POINTS, row("a", opened=True, absent_since=1.0), True),
        (Kind.MISSING_POINTS, replace(CLOSED, absent_since=1.0), False),
    ],
)
def test_a_gone_asset_is_repaired_when_its_grace_period_has_begun(
    kind: Kind, after: Checkpoint | None, repaired: bool
) -> None:
    finding = DriftFinding("a", kind, COLLECTION, repair=Repair.PENDING)

    assert with_result(finding, after, is_listed=False).repaired is repaired


def test_a_finding_has_the_name_of_the_file_and_why_its_delete_is_withheld() -> None:
    gone = replace(CLOSED, listed=asset("a", filename="gone.mp4"))
    findings = drift(NOTHING, gone)

    [found] = with_repairs(findings, NOTHING, {"a": gone}, STATE, POINT_CONFIG, replace(POLICY, refresh=None))

    assert found.filename == "gone.mp4"
    assert found.because == "the listing is empty, but the ledger is not"
    policy = replace(POLICY, refresh=None, max_deletes=0, max_delete_ratio=0.0)
    both = snapshot(asset("b"))
    withheld, written = with_repairs(drift(both, gone), both, {"a": gone}, STATE, POINT_CONFIG, policy)
    assert (withheld.repair, withheld.because) == (Repair.WITHHELD, "1 deletes within 24 hours exceed the limit of 0")
    assert (written.repair, written.because) == (Repair.UPSERT, None)
    [found] = with_repairs(drift(READY), READY, {}, STATE, POINT_CONFIG, replace(POLICY, refresh=None))
    assert (found.filename, found.because) == (ASSET.filename, None)
    [found] = with_repairs(drift(NOTHING), NOTHING, {}, STATE, POINT_CONFIG, replace(POLICY, delete_mode="keep"))
    assert (found.filename, found.because) == (None, None)


@pytest.mark.parametrize(
    ("after", "is_listed", "repaired"),
    [
        (CLOSED, True, True),
        (row("a", APPLIED, opened=True), True, False),
        (row("a", APPLIED, attempt=attempt()), True, False),
        (replace(CLOSED, priority=Priority.COMMAND), True, False),
        (row("a"), True, False),
        (CLOSED, False, False),
        (None, True, False),
        (None, False, True),
    ],
)
def test_what_is_repaired_is_applied_and_closed_or_gone(
    after: Checkpoint | None, is_listed: bool, repaired: bool
) -> None:
    finding = DriftFinding("a", Kind.MISSING_POINTS, COLLECTION)

    assert with_result(finding, after, is_listed=is_listed) == replace(finding, repaired=repaired)


def test_points_that_are_kept_are_repaired_by_a_row() -> None:
    kept = DriftFinding("a", Kind.ORPHANED_POINTS, COLLECTION, repair=Repair.KEPT)
    opened = row("a", opened=True)

    assert with_result(kept, opened, is_listed=False).repaired
    assert with_result(kept, None, is_listed=False).repaired is False
    assert with_result(replace(kept, kind=Kind.MISSING_POINTS), opened, is_listed=False).repaired is False


def test_a_holding_that_is_missing_counts_as_empty() -> None:
    assert Holding() == Holding()
    assert kinds(drift(READY, CLOSED, points={OTHER: {}})) == [Kind.MISSING_POINTS]


def test_a_row_whose_points_are_kept_is_not_marked() -> None:
    kept = DriftFinding("a", Kind.ALTERED_PAYLOAD, COLLECTION, repair=Repair.KEPT)
    assert marks([kept], {"a": CLOSED}).reopened == {}
    assert marks([replace(kept, repair=Repair.PENDING)], {"a": CLOSED}).reopened == {}
    assert marks([replace(kept, repair=Repair.UPSERT)], {"a": CLOSED}).reopened == {COLLECTION: ["a"]}
    assert marks([kept], {}).adopted.keys() == {"a"}
