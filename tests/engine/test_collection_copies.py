"""An index under an alias, and next to copies and restored snapshots of its collection."""

from copy import deepcopy

import pytest

from connector.engine import maintenance
from connector.engine.survey import CycleOptions
from tests.comparing import differences
from tests.engine.neighbours import NAME, VISUAL, beside, points_by_collection, synced_world
from tests.engine.world import INDEX, World
from tests.fakes.ledger import FakeCheckpointStore


async def test_an_alias_of_the_collection_is_the_collection() -> None:
    """Switching the settings from one to the other loses nothing and writes nothing."""
    world = await synced_world()
    world.sink.aliases["prod-marengo3.0"] = NAME
    before = deepcopy(world.sink.stored[NAME].points)
    renamed = beside(world, collection="prod-{model}")
    renamed.ledger = world.ledger

    report = await renamed.cycle()

    assert report.clean
    assert differences(report, listed=3, points_written=0) == {}
    assert report.upserted + report.unchanged == 3
    assert set(world.sink.stored[NAME].points) == set(before)
    again = await renamed.cycle()
    assert (again.unchanged, again.points_written) == (3, 0)
    back = await world.cycle()
    assert (back.error, back.points_written) == (None, 0)
    assert set(world.sink.stored[NAME].points) == set(before)


async def test_deletes_and_forgets_work_through_an_alias() -> None:
    world = await synced_world(collection="prod-{model}")
    world.sink.aliases["prod-marengo3.0"] = "real"
    world.sink.stored["real"] = world.sink.stored.pop("prod-marengo3.0")
    world.source.remove(INDEX, "a")

    report = await world.cycle()

    assert differences(report, deleted=1, unchanged=2, error=None) == {}
    assert len(world.sink.stored["real"].points) == 6
    found = await maintenance.forget(world.sink, world.ledger, world.settings, world.now)
    assert found == {"assets": 2, "points": 6}
    assert world.sink.stored["real"].points == {}


async def test_an_alias_that_moves_to_another_collection_moves_the_index() -> None:
    world = await synced_world(collection="prod-{model}")
    world.sink.stored["old"] = world.sink.stored.pop("prod-marengo3.0")
    world.sink.aliases["prod-marengo3.0"] = "old"
    assert (await world.cycle()).unchanged == 3
    empty = World()
    await empty.cycle()
    world.sink.stored["new"] = empty.sink.stored[NAME]
    world.sink.stored["new"].info = world.sink.stored["old"].info.__class__(
        "new", 0, world.sink.stored["old"].info.vectors
    )
    world.sink.aliases["prod-marengo3.0"] = "new"

    report = await world.cycle()

    assert (report.error, report.upserted) == (None, 3)
    assert points_by_collection(world) == {"old": 0, "new": 9}


async def test_a_copy_that_was_restored_beside_the_collection_is_left_alone() -> None:
    """It is a backup: it has our stamp and points of our index, but we do not write there."""
    world = await synced_world()
    world.sink.copy(NAME, "backup")
    world.source.remove(INDEX, "a")
    world.source.change(INDEX, "b", segments=5)

    report = await world.cycle()

    assert differences(report, deleted=1, upserted=1, error=None) == {}
    assert points_by_collection(world) == {NAME: 8, "backup": 9}
    world.ledger = FakeCheckpointStore()
    assert (await world.cycle()).error is None
    assert len(world.sink.stored["backup"].points) == 9


async def test_a_copy_is_left_alone_after_the_settings_name_another_collection() -> None:
    """Then no row names the original any more, and both have the same instance id."""
    world = await synced_world()
    world.sink.copy(NAME, "backup")
    moved = beside(world, collection="moved-{model}")
    moved.ledger = world.ledger

    for _ in range(3):
        assert (await moved.cycle()).clean

    assert points_by_collection(world) == {NAME: 0, "backup": 9, "moved-marengo3.0": 9}


async def test_an_older_ledger_tells_a_collection_from_its_copy() -> None:
    """It names neither: the original is the one whose owner entry says that the index is written there."""
    world = await synced_world()
    older = deepcopy(world.ledger)
    moved = beside(world, collection="moved-{model}")
    moved.ledger = world.ledger
    assert (await moved.cycle()).upserted == 3
    world.sink.copy("moved-marengo3.0", "a-backup")
    world.ledger = older

    for _ in range(3):
        assert (await world.cycle()).error is None

    assert points_by_collection(world) == {NAME: 9, "moved-marengo3.0": 0, "a-backup": 9}


async def test_a_copy_that_the_settings_named_for_a_while_is_cleared_again() -> None:
    """Two real collections can share an instance id: what was written to the second one does not stay there."""
    world = await synced_world()
    world.sink.copy(NAME, "backup-marengo3.0")
    backup = beside(world, collection="backup-{model}")
    backup.ledger = world.ledger
    assert (await backup.cycle()).error is None
    assert (await world.cycle()).error is None
    world.source.remove(INDEX, "a")

    assert (await world.cycle()).deleted == 1
    assert points_by_collection(world) == {NAME: 6, "backup-marengo3.0": 0}
    await world.check_i2_coverage_and_truth()


async def test_a_forget_leaves_a_restored_copy_alone() -> None:
    world = await synced_world()
    world.sink.copy(NAME, "a-backup")

    assert await maintenance.forget(world.sink, world.ledger, world.settings, world.now) == {"assets": 3, "points": 9}

    assert points_by_collection(world) == {NAME: 0, "a-backup": 9}


async def test_a_snapshot_from_before_a_lost_ledger_is_no_take_over() -> None:
    """The owner in the snapshot is an earlier one."""
    world = await synced_world()
    old = deepcopy(world.sink.stored[NAME])
    world.ledger = FakeCheckpointStore()
    assert (await world.cycle()).unchanged == 3
    world.source.change(INDEX, "b")
    assert (await world.cycle()).upserted == 1
    world.sink.stored[NAME] = old

    report = await world.cycle()

    assert (report.error, report.upserted) == (None, 1)
    world.check_i1_sink_equals_source()
    assert (await world.cycle()).unchanged == 3


async def test_a_snapshot_from_before_a_take_over_leaves_one_owner() -> None:
    """At first neither connector sees a problem; the one that claims again wins, the other one stops."""
    world = await synced_world()
    old = deepcopy(world.sink.stored[NAME])
    second = beside(world, **VISUAL)
    assert (await second.engine().cycle(second.settings, CycleOptions(take_over=True))).error is None
    world.sink.stored[NAME] = old

    reports = [await it.cycle() for it in (second, world, second)]

    assert [(report.error or {}).get("code") for report in reports] == [None, "owned_elsewhere", None]


async def test_originals_behind_equal_copies_are_missed_within_a_refresh_interval() -> None:
    """The counts cannot show it; once per interval every point is read."""
    world = await synced_world()
    points = world.sink.stored[NAME].points
    for number, point_id in enumerate(world.points_of("b")[NAME]):
        points[f"copy {number}"] = points.pop(point_id)
    world.now += world.settings.refresh_interval

    report = await world.cycle()

    assert report.upserted == 1
    assert len(world.points_of("b")[NAME]) == 6


@pytest.mark.parametrize("what", ["vectors", "metadata"])
async def test_a_restored_snapshot_of_equal_size_is_noticed(what: str) -> None:
    """The same number of points, but old ones."""
    world = await synced_world()
    old = deepcopy(world.sink.stored[NAME])
    if what == "vectors":
        world.source.change(INDEX, "b")
    else:
        world.source.set_metadata(INDEX, "b", {"category": "new"})
    world.now += 60 * 86_400.0
    assert (await world.cycle()).points_written == 3
    world.sink.stored[NAME] = old

    report = await world.cycle()

    assert (report.upserted, report.unchanged) == (1, 2)
    world.check_i1_sink_equals_source()
    assert (await world.cycle()).points_written == 0


async def test_a_deep_refresh_compares_with_what_the_sink_holds() -> None:
    """Because of the copies, the counts do not show that our originals are gone."""
    world = await synced_world()
    points = world.sink.stored[NAME].points
    for number, point_id in enumerate(world.points_of("b")[NAME]):
        points[f"copy {number}"] = points.pop(point_id)
    assert (await world.cycle()).upserted == 0
    world.now += 60 * 86_400.0

    report = await world.cycle()

    assert report.upserted == 1
    assert len(world.points_of("b")[NAME]) == 6
