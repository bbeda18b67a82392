"""Who owns an index in a collection, and what stands beside it: aliases, copies, other connectors, lost ledgers."""

from copy import deepcopy
from typing import Any

import pytest

from connector.engine import maintenance
from connector.engine.survey import CycleOptions
from tests.engine.world import INDEX, World
from tests.fakes.ledger import FakeCheckpointStore
from tests.fakes.sink_reading import FakePoint

NAME = "twelvelabs-marengo3.0"
VISUAL: dict[str, Any] = {"embedding_options": ("visual",)}


async def synced(**settings: Any) -> World:
    world = World(**settings)
    for name in ("a", "b", "c"):
        world.source.add(INDEX, name)
    assert (await world.cycle()).upserted == 3
    return world


def beside(world: World, **settings: Any) -> World:
    """Another connector, with a ledger of its own, on the same source and sink."""
    other = World(**settings)
    other.source, other.sink, other.now = world.source, world.sink, world.now
    return other


def vectors(world: World, name: str = NAME) -> set[frozenset[str]]:
    """Which named vectors the points have."""
    return {frozenset(point.vectors) for point in world.sink.stored[name].points.values()}


async def test_an_alias_of_the_collection_is_the_collection() -> None:
    """Nothing is lost and nothing written when the settings change from one to the other."""
    world = await synced()
    world.sink.aliases["prod-marengo3.0"] = NAME
    before = deepcopy(world.sink.stored[NAME].points)
    renamed = beside(world, collection="prod-{model}")
    renamed.ledger = world.ledger

    report = await renamed.cycle()

    assert report.clean
    assert (report.listed, report.points_written, report.upserted + report.unchanged) == (3, 0, 3)
    assert set(world.sink.stored[NAME].points) == set(before)
    again = await renamed.cycle()
    assert (again.unchanged, again.points_written) == (3, 0)
    back = await world.cycle()
    assert (back.error, back.points_written) == (None, 0)
    assert set(world.sink.stored[NAME].points) == set(before)


async def test_deletes_and_forgets_work_through_an_alias() -> None:
    world = await synced(collection="prod-{model}")
    world.sink.aliases["prod-marengo3.0"] = "real"
    world.sink.stored["real"] = world.sink.stored.pop("prod-marengo3.0")
    world.source.remove(INDEX, "a")

    report = await world.cycle()

    assert (report.deleted, report.unchanged, report.error) == (1, 2, None)
    assert len(world.sink.stored["real"].points) == 6
    found = await maintenance.forget(world.sink, world.ledger, world.settings, world.now)
    assert found == {"assets": 2, "points": 6}
    assert world.sink.stored["real"].points == {}


async def test_an_alias_that_moves_to_another_collection_moves_the_index() -> None:
    world = await synced(collection="prod-{model}")
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
    assert {name: len(it.points) for name, it in world.sink.stored.items()} == {"old": 0, "new": 9}


async def test_a_copy_that_was_restored_beside_the_collection_is_left_alone() -> None:
    """It is a backup: it has our stamp and points of our index, but it is not where we write."""
    world = await synced()
    world.sink.copy(NAME, "backup")
    world.source.remove(INDEX, "a")
    world.source.change(INDEX, "b", segments=5)

    report = await world.cycle()

    assert (report.deleted, report.upserted, report.error) == (1, 1, None)
    assert {name: len(it.points) for name, it in world.sink.stored.items()} == {NAME: 8, "backup": 9}
    world.ledger = FakeCheckpointStore()
    assert (await world.cycle()).error is None
    assert len(world.sink.stored["backup"].points) == 9


async def test_a_copy_that_the_settings_named_for_a_while_is_cleared_again() -> None:
    """Two real collections with one instance id are two: what was written to the second one does not stay there."""
    world = await synced()
    world.sink.copy(NAME, "backup-marengo3.0")
    backup = beside(world, collection="backup-{model}")
    backup.ledger = world.ledger
    assert (await backup.cycle()).error is None
    assert (await world.cycle()).error is None
    world.source.remove(INDEX, "a")

    assert (await world.cycle()).deleted == 1
    assert {name: len(it.points) for name, it in world.sink.stored.items()} == {NAME: 6, "backup-marengo3.0": 0}
    await world.check_i2_coverage_and_truth()


async def test_a_forget_leaves_a_restored_copy_alone() -> None:
    world = await synced()
    world.sink.copy(NAME, "a-backup")

    assert await maintenance.forget(world.sink, world.ledger, world.settings, world.now) == {"assets": 3, "points": 9}

    assert {name: len(it.points) for name, it in world.sink.stored.items()} == {NAME: 0, "a-backup": 9}


async def test_a_snapshot_from_before_a_lost_ledger_is_no_take_over() -> None:
    """The owner that comes back with it is an earlier one."""
    world = await synced()
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
    """Both connectors find themselves in order at first; the one that claims again wins, the other one stops."""
    world = await synced()
    old = deepcopy(world.sink.stored[NAME])
    second = beside(world, **VISUAL)
    assert (await second.engine().cycle(second.settings, CycleOptions(take_over=True))).error is None
    world.sink.stored[NAME] = old

    reports = [await it.cycle() for it in (second, world, second)]

    assert [(report.error or {}).get("code") for report in reports] == [None, "owned_elsewhere", None]


async def test_originals_behind_equal_copies_are_missed_within_a_refresh_interval() -> None:
    """The counts cannot tell; once in an interval every point is read."""
    world = await synced()
    points = world.sink.stored[NAME].points
    for number, point_id in enumerate(world.points_of("b")[NAME]):
        points[f"copy {number}"] = points.pop(point_id)
    world.now += world.settings.refresh_interval

    report = await world.cycle()

    assert report.upserted == 1
    assert len(world.points_of("b")[NAME]) == 6


@pytest.mark.parametrize("what", ["vectors", "metadata"])
async def test_a_restored_snapshot_of_equal_size_is_noticed(what: str) -> None:
    """As many points as before, but old ones."""
    world = await synced()
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
    """Copies of our points hide from the counts that the originals are gone."""
    world = await synced()
    points = world.sink.stored[NAME].points
    for number, point_id in enumerate(world.points_of("b")[NAME]):
        points[f"copy {number}"] = points.pop(point_id)
    assert (await world.cycle()).upserted == 0
    world.now += 60 * 86_400.0

    report = await world.cycle()

    assert report.upserted == 1
    assert len(world.points_of("b")[NAME]) == 6


async def test_somebody_elses_points_are_neither_adopted_nor_deleted() -> None:
    """A note of the user's on our index, before the first cycle and after, with a known ledger and with a new one."""
    world = await synced()
    points = world.sink.stored[NAME].points
    copy = deepcopy(next(iter(points.values())))
    points["note"] = FakePoint({}, {"index_id": INDEX, "indexed_asset_id": "note-1"})
    points["note on a"] = FakePoint({}, {"index_id": INDEX, "indexed_asset_id": "a", "revision": "mine"})
    points["copy"] = copy

    for ledger in (world.ledger, FakeCheckpointStore()):
        world.ledger = ledger
        report = await world.cycle()
        assert (report.error, report.deleted, report.withheld, report.points_written) == (None, 0, 0, 0)
        assert await world.row("note-1") is None
    world.source.remove(INDEX, "a")
    assert (await world.cycle()).deleted == 1

    assert {"note", "note on a", "copy"} <= set(points)
    assert len(points) == 6 + 3


async def test_a_second_connector_with_other_settings_refuses() -> None:
    world = await synced()
    second = beside(world, **VISUAL)

    report = await second.cycle()

    assert report.error
    assert report.error["code"] == "owned_elsewhere"
    identity = await world.ledger.identity()
    assert identity.ledger_id[:8] in report.error["message"]
    assert "--take-over" in report.error["message"]
    assert "embedding_options None, here ['visual']" in report.error["message"]
    assert (report.points_written, len(vectors(world))) == (0, 1)
    assert (await world.cycle()).unchanged == 3


async def test_one_that_was_taken_over_stops_writing() -> None:
    world = await synced()
    second = beside(world, **VISUAL)
    settings = second.settings

    taken = await second.engine().cycle(settings, CycleOptions(take_over=True))

    assert (taken.error, taken.upserted) == (None, 3)
    assert vectors(world) == {frozenset({"visual"})}
    world.source.change(INDEX, "a", segments=7)
    world.source.remove(INDEX, "b")
    report = await world.cycle()
    assert report.error
    assert (report.error["code"], report.points_written, report.deleted) == ("owned_elsewhere", 0, 0)
    assert "took the index over" in report.error["message"]
    assert len(world.points_of("b")[NAME]) == 3
    assert (await second.cycle()).error is None
    back = await world.engine().cycle(world.settings, CycleOptions(take_over=True))
    assert back.error is None
    assert frozenset({"visual"}) not in vectors(world)


async def test_one_that_was_taken_over_in_the_middle_of_its_work_stops_writing() -> None:
    """A pass that began before the take-over looks again before it writes, once a minute."""
    world = await synced()
    engine = world.engine(concurrency=1)
    assert (await engine.cycle(world.settings)).unchanged == 3
    second = beside(world, **VISUAL)
    assert (await second.engine().cycle(second.settings, CycleOptions(take_over=True))).upserted == 3
    world.source.add(INDEX, "d")

    report = await engine.poll(world.settings)

    assert report.error
    assert report.error["code"] == "owned_elsewhere"
    assert world.points_of("d") == {}


async def test_a_lost_ledger_with_the_same_settings_adopts_without_asking() -> None:
    world = await synced(**VISUAL)
    lost = world.ledger
    world.ledger = FakeCheckpointStore()

    report = await world.cycle()

    assert (report.error, report.unchanged, report.points_written) == (None, 3, 0)
    world.ledger = lost
    stopped = await world.cycle()
    assert stopped.error
    assert stopped.error["code"] == "owned_elsewhere"


async def test_replicas_that_share_a_ledger_are_one_owner() -> None:
    world = await synced()
    replica = beside(world)
    replica.ledger = world.ledger

    assert (await replica.cycle()).unchanged == 3
    assert (await world.cycle()).unchanged == 3


async def test_another_owners_collection_of_the_index_is_left_alone() -> None:
    """Two connectors may write one index to collections of their own."""
    world = await synced()
    second = beside(world, collection="second-{model}")

    assert (await second.cycle()).upserted == 3
    world.source.remove(INDEX, "a")
    assert (await second.cycle()).deleted == 1
    assert len(world.sink.stored[NAME].points) == 9
    assert (await world.cycle()).deleted == 1

    assert {name: len(it.points) for name, it in world.sink.stored.items()} == {NAME: 6, "second-marengo3.0": 6}


@pytest.mark.parametrize("take_over", [False, True])
async def test_what_an_owner_has_moved_away_is_left_alone(take_over: bool) -> None:
    """The first connector writes the index elsewhere now, and has not given up its old collection yet."""
    world = await synced()
    moved = beside(world, collection="moved-{model}")
    moved.ledger = world.ledger
    assert (await moved.cycle()).upserted == 3
    second = beside(world)

    report = await second.engine().cycle(second.settings, CycleOptions(take_over=take_over))

    assert (report.error, report.upserted) == (None, 3)
    assert {name: len(it.points) for name, it in world.sink.stored.items()} == {NAME: 9, "moved-marengo3.0": 9}
    assert (await moved.cycle()).unchanged == 3
    assert {name: len(it.points) for name, it in world.sink.stored.items()} == {NAME: 9, "moved-marengo3.0": 9}


async def test_an_older_ledger_finds_what_was_moved_after_it_was_saved() -> None:
    """The collection was changed after the backup: both are ours, and no point is left behind."""
    world = await synced()
    moved = beside(world, collection="moved-{model}")
    moved.ledger = world.ledger
    older = deepcopy(world.ledger)
    assert (await moved.cycle()).upserted == 3
    world.ledger = older

    report = await world.cycle()

    assert report.error is None
    world.check_i1_sink_equals_source()
    assert {name: len(it.points) for name, it in world.sink.stored.items()} == {NAME: 9, "moved-marengo3.0": 0}


async def test_a_collection_that_the_index_has_left_is_free_for_others() -> None:
    world = await synced()
    moved = beside(world, collection="moved-{model}")
    moved.ledger = world.ledger
    for _ in range(2):
        assert (await moved.cycle()).error is None

    second = beside(world, **VISUAL)

    assert (await second.cycle()).upserted == 3
    assert (await moved.cycle()).unchanged == 3


async def test_a_forget_finds_the_points_of_a_lost_ledger() -> None:
    world = await synced()
    world.ledger = FakeCheckpointStore()

    assert await maintenance.forget(world.sink, world.ledger, world.settings, world.now) == {"assets": 3, "points": 9}

    assert world.sink.stored[NAME].points == {}
    assert world.sink.stored[NAME].info.owners == {}


async def test_a_forget_leaves_what_belongs_to_another_connector() -> None:
    world = await synced()
    second = beside(world, **VISUAL)

    found = await maintenance.footprint(second.sink, second.ledger, second.settings)
    assert (found.assets, found.total, set(found.foreign)) == (set(), 0, {NAME})
    await maintenance.forget(second.sink, second.ledger, second.settings, second.now)

    assert len(world.sink.stored[NAME].points) == 9
    assert (await world.cycle()).unchanged == 3
