"""Ownership of an index in a collection: second connectors, take-overs, lost ledgers."""

from copy import deepcopy

import pytest

from connector.engine import maintenance
from connector.engine.survey import CycleOptions
from tests.comparing import differences
from tests.engine.neighbours import NAME, VISUAL, beside, points_by_collection, synced_world
from tests.engine.polling import polled
from tests.engine.world import INDEX, World
from tests.fakes.ledger import FakeCheckpointStore
from tests.fakes.sink_reading import FakePoint


def named_vectors(world: World, name: str = NAME) -> set[frozenset[str]]:
    """The named vectors of the points."""
    return {frozenset(point.vectors) for point in world.sink.stored[name].points.values()}


async def test_somebody_elses_points_are_neither_adopted_nor_deleted() -> None:
    """A user's note on our index, before the first cycle and after, with a known ledger and with a new one."""
    world = await synced_world()
    points = world.sink.stored[NAME].points
    copy = deepcopy(next(iter(points.values())))
    points["note"] = FakePoint({}, {"index_id": INDEX, "indexed_asset_id": "note-1"})
    points["note on a"] = FakePoint({}, {"index_id": INDEX, "indexed_asset_id": "a", "revision": "mine"})
    points["copy"] = copy

    for ledger in (world.ledger, FakeCheckpointStore()):
        world.ledger = ledger
        report = await world.cycle()
        assert differences(report, error=None, deleted=0, withheld=0, points_written=0) == {}
        assert await world.row("note-1") is None
    world.source.remove(INDEX, "a")
    assert (await world.cycle()).deleted == 1

    assert {"note", "note on a", "copy"} <= set(points)
    assert len(points) == 6 + 3


async def test_a_second_connector_with_other_settings_refuses() -> None:
    world = await synced_world()
    second = beside(world, **VISUAL)

    report = await second.cycle()

    assert report.error
    assert report.error["code"] == "owned_elsewhere"
    identity = await world.ledger.identity()
    assert identity.ledger_id[:8] in report.error["message"]
    assert "--take-over" in report.error["message"]
    assert "embedding_options None, here ['visual']" in report.error["message"]
    assert (report.points_written, len(named_vectors(world))) == (0, 1)
    assert (await world.cycle()).unchanged == 3


async def test_one_that_was_taken_over_stops_writing() -> None:
    world = await synced_world()
    second = beside(world, **VISUAL)
    settings = second.settings

    taken = await second.engine().cycle(settings, CycleOptions(take_over=True))

    assert (taken.error, taken.upserted) == (None, 3)
    assert named_vectors(world) == {frozenset({"visual"})}
    world.source.change(INDEX, "a", segments=7)
    world.source.remove(INDEX, "b")
    report = await world.cycle()
    assert report.error
    assert report.error["code"] == "owned_elsewhere"
    assert differences(report, points_written=0, deleted=0) == {}
    assert "took the index over" in report.error["message"]
    assert len(world.points_of("b")[NAME]) == 3
    assert (await second.cycle()).error is None
    back = await world.engine().cycle(world.settings, CycleOptions(take_over=True))
    assert back.error is None
    assert frozenset({"visual"}) not in named_vectors(world)


async def test_one_that_was_taken_over_in_the_middle_of_its_work_stops_writing() -> None:
    """A pass that began before the take-over checks the owner again before it writes, once a minute."""
    world = await synced_world()
    engine = world.engine(concurrency=1)
    assert (await engine.cycle(world.settings)).unchanged == 3
    second = beside(world, **VISUAL)
    assert (await second.engine().cycle(second.settings, CycleOptions(take_over=True))).upserted == 3
    world.source.add(INDEX, "d")

    report = await polled(engine, world.settings)

    assert report.error
    assert report.error["code"] == "owned_elsewhere"
    assert world.points_of("d") == {}


async def test_a_lost_ledger_with_the_same_settings_adopts_without_asking() -> None:
    world = await synced_world(**VISUAL)
    lost = world.ledger
    world.ledger = FakeCheckpointStore()

    report = await world.cycle()

    assert differences(report, error=None, unchanged=3, points_written=0) == {}
    world.ledger = lost
    stopped = await world.cycle()
    assert stopped.error
    assert stopped.error["code"] == "owned_elsewhere"


async def test_replicas_that_share_a_ledger_are_one_owner() -> None:
    world = await synced_world()
    replica = beside(world)
    replica.ledger = world.ledger

    assert (await replica.cycle()).unchanged == 3
    assert (await world.cycle()).unchanged == 3


async def test_another_owners_collection_of_the_index_is_left_alone() -> None:
    """Two connectors may write one index to different collections."""
    world = await synced_world()
    second = beside(world, collection="second-{model}")

    assert (await second.cycle()).upserted == 3
    world.source.remove(INDEX, "a")
    assert (await second.cycle()).deleted == 1
    assert len(world.sink.stored[NAME].points) == 9
    assert (await world.cycle()).deleted == 1

    assert points_by_collection(world) == {NAME: 6, "second-marengo3.0": 6}


@pytest.mark.parametrize("take_over", [False, True])
async def test_what_an_owner_has_moved_away_is_left_alone(take_over: bool) -> None:
    """The first connector now writes the index elsewhere, and still owns its old collection."""
    world = await synced_world()
    moved = beside(world, collection="moved-{model}")
    moved.ledger = world.ledger
    assert (await moved.cycle()).upserted == 3
    second = beside(world)

    report = await second.engine().cycle(second.settings, CycleOptions(take_over=take_over))

    assert (report.error, report.upserted) == (None, 3)
    assert points_by_collection(world) == {NAME: 9, "moved-marengo3.0": 9}
    assert (await moved.cycle()).unchanged == 3
    assert points_by_collection(world) == {NAME: 9, "moved-marengo3.0": 9}


async def test_an_older_ledger_finds_what_was_moved_after_it_was_saved() -> None:
    """The collection was changed after the backup: both are ours, and no point is left behind."""
    world = await synced_world()
    moved = beside(world, collection="moved-{model}")
    moved.ledger = world.ledger
    older = deepcopy(world.ledger)
    assert (await moved.cycle()).upserted == 3
    world.ledger = older

    report = await world.cycle()

    assert report.error is None
    world.check_i1_sink_equals_source()
    assert points_by_collection(world) == {NAME: 9, "moved-marengo3.0": 0}


async def test_a_collection_that_the_index_has_left_is_free_for_others() -> None:
    world = await synced_world()
    moved = beside(world, collection="moved-{model}")
    moved.ledger = world.ledger
    for _ in range(2):
        assert (await moved.cycle()).error is None

    second = beside(world, **VISUAL)

    assert (await second.cycle()).upserted == 3
    assert (await moved.cycle()).unchanged == 3


async def test_a_forget_finds_the_points_of_a_lost_ledger() -> None:
    world = await synced_world()
    world.ledger = FakeCheckpointStore()

    assert await maintenance.forget(world.sink, world.ledger, world.settings, world.now) == {"assets": 3, "points": 9}

    assert world.sink.stored[NAME].points == {}
    assert world.sink.stored[NAME].info.owners == {}


async def test_a_forget_leaves_what_belongs_to_another_connector() -> None:
    world = await synced_world()
    second = beside(world, **VISUAL)

    found = await maintenance.footprint(second.sink, second.ledger, second.settings)
    assert differences(found, assets=set(), total=0) == {}
    assert set(found.foreign) == {NAME}
    await maintenance.forget(second.sink, second.ledger, second.settings, second.now)

    assert len(world.sink.stored[NAME].points) == 9
    assert (await world.cycle()).unchanged == 3
