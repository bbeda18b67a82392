"""Verify finds and names every drift, and a repair mends it with the ordinary protocol."""

from copy import deepcopy

import pytest

from connector.domain.verification import Kind, Repair
from tests.comparing import differences
from tests.engine.drifts import DRIFTS, verified
from tests.engine.neighbours import NAME
from tests.engine.world import INDEX, World


async def test_a_synced_index_has_no_drift(world: World) -> None:
    found = await verified(world, deep=True)

    assert differences(found, findings=(), clean=True, listed=3, assets=3, points=9, complete=True, error=None) == {}
    assert found.deep
    assert (found.deep.compared, found.deep.unanswered) == (3, 0)


@pytest.mark.parametrize("drift", DRIFTS)
async def test_a_drift_is_named_and_nothing_is_changed(world: World, drift: str) -> None:
    inject, expected = DRIFTS[drift]
    inject(world)
    before, writes = deepcopy(world.sink.stored[NAME].points), (world.sink.writes, world.ledger.writes)

    found = await verified(world)

    assert {(it.indexed_asset_id, it.kind) for it in found.findings} == expected
    assert not found.clean
    assert {it.repaired for it in found.findings} == {None}
    assert (world.sink.writes, world.ledger.writes) == writes
    assert world.sink.stored[NAME].points.keys() == before.keys()


@pytest.mark.parametrize("drift", DRIFTS)
async def test_a_drift_is_repaired_and_not_found_again(world: World, drift: str) -> None:
    inject, expected = DRIFTS[drift]
    inject(world)

    found = await verified(world, repair=True)

    assert {(it.indexed_asset_id, it.kind) for it in found.findings} == expected
    assert {it.repaired for it in found.findings} == {True}, found
    assert found.clean
    world.check_i1_sink_equals_source()
    await world.check_i2_coverage_and_truth()
    writes = (world.sink.writes, world.ledger.writes)
    again = await verified(world, deep=True, repair=True)
    assert differences(again, findings=(), clean=True, repair=None) == {}
    assert (world.sink.writes, world.ledger.writes) == writes


async def test_a_gone_asset_is_found_until_its_grace_period_begins() -> None:
    world = World(delete_grace=3600.0)
    for name in ("a", "b"):
        world.source.add(INDEX, name)
    await world.cycle()
    DRIFTS["gone at the source"][0](world)

    found, again = await verified(world, repair=True), await verified(world, repair=True)

    assert [(it.kind, it.repair, it.repaired) for it in found.findings] == [(Kind.GONE_ASSET, Repair.PENDING, True)]
    assert differences(again, findings=(), clean=True, repair=None) == {}
    assert (await world.ledger.rows(INDEX, ["b"]))["b"].absent_since is not None


async def test_a_foreign_point_is_no_drift_and_stays(world: World) -> None:
    """A copy that another program made of a point of ours."""
    points = world.sink.stored[NAME].points
    points["copy"] = deepcopy(points[min(points)])
    points["copy"].payload["filename"] = "theirs"

    found = await verified(world, deep=True, repair=True)

    assert found.findings == ()
    assert points["copy"].payload["filename"] == "theirs"


async def test_the_findings_say_what_a_repair_would_do(world: World) -> None:
    inject, _ = DRIFTS["gone at the source"]
    inject(world)
    DRIFTS["new at the source"][0](world)

    found = await verified(world)

    assert {it.indexed_asset_id: it.repair for it in found.findings} == {"b": Repair.DELETE, "b2": Repair.UPSERT}
    assert {it.indexed_asset_id: it.filename for it in found.findings} == {"b": "b.mp4", "b2": "b2.mp4"}
    gone = found.findings[0]
    assert (gone.kind, gone.collection) == (Kind.GONE_ASSET, None)
    assert (gone.expected, gone.found, gone.affected) == (0, 3, 3)


async def test_withheld_deletes_are_named_and_stay() -> None:
    world = World(max_deletes=0, max_delete_ratio=0.0)
    for name in ("a", "b", "c"):
        world.source.add(INDEX, name)
    await world.cycle()
    world.source.remove(INDEX, "b")

    found = await verified(world, repair=True)

    assert [(it.repair, it.repaired) for it in found.findings] == [(Repair.WITHHELD, False)]
    assert "exceed the limit" in (found.findings[0].because or "")
    assert not found.clean
    assert found.repair
    assert found.repair.withheld == 1
    assert len(world.points_of("b")[NAME]) == 3


async def test_with_mode_keep_a_gone_asset_is_no_drift() -> None:
    world = World(delete_mode="keep")
    for name in ("a", "b"):
        world.source.add(INDEX, name)
    await world.cycle()
    world.source.remove(INDEX, "b")
    assert (await verified(world)).findings == ()
    world.ledger.remove(INDEX, "b")

    found = await verified(world, repair=True)

    assert [(it.kind, it.repair, it.repaired) for it in found.findings] == [(Kind.ORPHANED_POINTS, Repair.KEPT, True)]
    assert (await verified(world)).findings == ()
    assert len(world.points_of("b")[NAME]) == 3


@pytest.mark.parametrize("damage", ["a point is lost", "its payload is altered"])
async def test_what_mode_keep_cannot_repair_stays_a_finding(damage: str) -> None:
    """The source has the asset no more, so nothing can write its points again."""
    world = World(delete_mode="keep")
    for name in ("a", "b"):
        world.source.add(INDEX, name)
    await world.cycle()
    world.source.remove(INDEX, "b")
    await world.cycle()
    points = world.points_of("b")[NAME]
    if damage == "a point is lost":
        del world.sink.stored[NAME].points[next(iter(points))]
    else:
        next(iter(points.values())).payload["filename"] = "other.mp4"

    reports = [await verified(world, repair=repair) for repair in (False, True, False, True)]

    for found in reports:
        assert [(it.indexed_asset_id, it.repair) for it in found.findings] == [("b", Repair.KEPT)]
        assert not found.findings[0].repaired


async def test_an_incomplete_listing_shows_no_gone_assets(world: World) -> None:
    world.source.listing_complete(INDEX, complete=False)
    world.source.hide(INDEX, "b")

    found = await verified(world, repair=True)

    assert differences(found, complete=False, findings=()) == {}
    assert len(world.points_of("b")[NAME]) == 3


async def test_a_listing_that_is_wrong_deletes_nothing(world: World) -> None:
    """The source still has the asset."""
    world.source.hide(INDEX, "b")

    found = await verified(world, repair=True)

    assert [(it.kind, it.repaired) for it in found.findings] == [(Kind.GONE_ASSET, False)]
    assert len(world.points_of("b")[NAME]) == 3


async def test_an_asset_that_cannot_be_repaired_is_left_over(world: World) -> None:
    world.source.deform(INDEX, "b", dimension=12)
    DRIFTS["a point is deleted"][0](world)

    found = await verified(world, repair=True)

    assert [(it.repair, it.repaired) for it in found.findings] == [(Repair.UPSERT, False)]
    assert found.repair
    assert [it.indexed_asset_id for it in found.repair.problems] == ["b"]


async def test_an_asset_that_waits_keeps_its_points(world: World) -> None:
    world.source.set_status(INDEX, "b", "indexing")
    assert (await verified(world)).findings == ()
    DRIFTS["a point is deleted"][0](world)

    found = await verified(world, repair=True)

    assert [(it.kind, it.repair, it.repaired) for it in found.findings] == [
        (Kind.MISSING_POINTS, Repair.WAITING, False)
    ]
    assert len(world.points_of("b")[NAME]) == 2


async def test_a_collection_that_is_gone_is_filled_again(world: World) -> None:
    world.sink.drop(NAME)

    found = await verified(world, repair=True)

    assert {it.kind for it in found.findings} == {Kind.MISSING_POINTS}
    assert found.clean
    world.check_i1_sink_equals_source()


async def test_a_ledger_that_is_lost_adopts_intact_points_without_retrieving_them(world: World) -> None:
    retrieved = world.source.retrievals.total()
    lost = World()
    lost.source, lost.sink, lost.now = world.source, world.sink, world.now

    found = await verified(lost, repair=True)

    assert {it.kind for it in found.findings} == {Kind.ORPHANED_POINTS}
    assert found.clean
    assert world.source.retrievals.total() == retrieved
    assert (await verified(lost)).findings == ()
