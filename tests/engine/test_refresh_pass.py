"""Refreshes between full cycles: spread over passes, without other work."""

import asyncio
from collections import Counter

from connector.domain.errors import AuthenticationFailed
from tests.builders import COLLECTION
from tests.engine.polling import SCHEDULED, Daemon, synced
from tests.engine.world import INDEX, World
from tests.virtual_time import until

PASSES = 24


async def hours_of_passes(daemon: Daemon, hours: float) -> list[int]:
    """Assets retrieved in each pass."""
    world, done = daemon.world, []
    period = world.settings.refresh_interval / PASSES
    for _ in range(int(hours * 3600 / period)):
        world.now += period
        before = world.source.retrievals.total()
        report = await daemon.engine.refresh(world.settings, period)
        assert report.clean
        done.append(world.source.retrievals.total() - before)
    return done


async def test_passes_spread_the_refreshes_over_the_interval() -> None:
    world = World()
    for number in range(48):
        world.source.add(INDEX, f"asset{number:02}")
    daemon = Daemon(world)
    await daemon.full()

    done = await hours_of_passes(daemon, 24)

    assert sum(done) >= 48
    assert max(done) <= 48 * 3 / PASSES


async def test_a_pass_patches_metadata_that_no_listing_shows() -> None:
    daemon = await synced()
    daemon.source.set_metadata(INDEX, "b", {"key": "new"})

    await hours_of_passes(daemon, 25)

    daemon.world.check_i1_sink_equals_source()


async def test_after_a_long_stop_a_pass_does_no_more_than_ever() -> None:
    world = World()
    for number in range(48):
        world.source.add(INDEX, f"asset{number:02}")
    daemon = Daemon(world)
    await daemon.full()
    world.now += 100 * world.settings.refresh_interval

    done = await hours_of_passes(daemon, 1)

    assert done == [6]


async def test_a_pass_deletes_nothing() -> None:
    daemon = await synced()
    daemon.source.remove(INDEX, "a")

    world = daemon.world
    world.now += world.settings.refresh_interval
    report = await daemon.engine.refresh(world.settings, world.settings.refresh_interval)

    assert (report.deleted, report.vanished) == (0, 1)
    assert world.points_of("a")


async def test_a_new_name_of_the_index_is_spread_over_passes() -> None:
    world = World()
    for number in range(48):
        world.source.add(INDEX, f"asset{number:02}")
    daemon = Daemon(world)
    await daemon.full()
    world.source.change_index(INDEX, name="another name")

    world.now += 1.0
    before = world.source.retrievals.total()
    first = await daemon.engine.cycle(world.settings, SCHEDULED)
    in_the_cycle = world.source.retrievals.total() - before
    done = await hours_of_passes(daemon, 8)

    assert (first.clean, in_the_cycle) == (True, 6)
    assert max(done) <= 6
    world.check_i1_sink_equals_source()


async def test_polls_write_the_new_name_after_a_cycle_that_noticed_it_and_broke_off() -> None:
    daemon = await synced()
    world = daemon.world
    daemon.source.change_index(INDEX, name="another name")
    daemon.source.fail_next(1, lambda: AuthenticationFailed("retrieve", "a", "401"), ["retrieve"])
    assert (await daemon.full()).error
    daemon.source.add(INDEX, "new")

    await daemon.poll()

    assert {it.payload["index_name"] for held in world.points_of("new").values() for it in held.values()} == {
        "another name"
    }


async def test_an_asset_that_was_opened_after_the_survey_is_not_refreshed() -> None:
    """Its points may be anything by now, so comparing metadata with the row would prove nothing."""
    daemon = await synced()
    world = daemon.world
    for name in ("a", "b", "c"):
        world.source.hold(name)
    world.now += 2 * world.settings.refresh_interval
    before = Counter(world.source.retrievals)

    async with asyncio.TaskGroup() as group:
        refresh = group.create_task(daemon.engine.refresh(world.settings, 2 * world.settings.refresh_interval))
        await until(lambda: (world.source.retrievals - before).total() == 2, 10.0, step=0.0)
        (last,) = {"a", "b", "c"} - {name for _, name in world.source.retrievals - before}
        await world.ledger.reopen(INDEX, [last], COLLECTION)
        for name in ("a", "b", "c"):
            world.source.let_go(name)

    row = await world.row(last)
    assert row
    assert row.opened
    assert world.source.retrievals[INDEX, last] == before[INDEX, last]
    assert refresh.result().clean
