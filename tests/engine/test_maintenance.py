"""Operator actions: retry, drop, forget. Each can be interrupted anywhere and repeated."""

from collections.abc import Awaitable
from typing import Any

import pytest

from connector.domain.errors import ConfigError, MalformedAsset, Unavailable
from connector.domain.priority import Priority
from connector.engine import maintenance
from tests.builders import asset, index_settings
from tests.comparing import differences
from tests.engine.world import INDEX, World
from tests.fakes.sink import Crashed

OTHER = "index-b"
STEPS = 40


def malformed() -> MalformedAsset:
    return MalformedAsset("read embeddings of asset", "bad", "vector 3 is all zero")


async def quarantined_world() -> World:
    """Two healthy assets, a quarantined one with old points, and a quarantined one that never worked."""
    world = World(max_attempts=1)
    for name in ("bad", "well", "fine"):
        world.source.add(INDEX, name)
    assert (await world.cycle()).clean
    world.source.change(INDEX, "bad", segments=5)
    world.source.add(INDEX, "never")
    world.source.fail_next(2, malformed, {"retrieve"})
    assert (await world.cycle()).failed == 2
    assert set(await maintenance.quarantined(world.ledger, INDEX, 1)) == {"bad", "never"}
    return world


@pytest.fixture
async def world() -> World:
    return await quarantined_world()


def held(world: World) -> dict[str, int]:
    """Points by asset."""
    return {
        name: sum(len(points) for points in world.points_of(name).values())
        for name in ("bad", "well", "fine", "never")
        if world.points_of(name)
    }


async def test_a_retried_asset_is_made_by_the_next_cycle(world: World) -> None:
    assert (await world.cycle()).quarantined == 2

    assert await maintenance.retry(world.ledger, INDEX, ["bad"]) == ["bad"]

    report = await world.cycle()
    assert (report.upserted, report.quarantined) == (1, 1)
    assert held(world) == {"bad": 5, "well": 3, "fine": 3}


async def test_a_retry_is_patient_with_nobody(world: World) -> None:
    """The daemon's cycle, which respects back-offs, retries it too."""
    await maintenance.retry(world.ledger, INDEX, ["never", "bad"])

    assert (await world.cycle(period=3600.0)).upserted == 2
    world.check_i1_sink_equals_source()


async def test_a_retry_changes_nothing_but_the_attempts(world: World) -> None:
    before, writes = await world.row("bad"), world.sink.writes
    await maintenance.retry(world.ledger, INDEX, ["bad"])
    after = await world.row("bad")

    assert before is not None
    assert after is not None
    assert differences(after, applied=before.applied, opened=before.opened, collections=before.collections) == {}
    assert (after.attempt, world.sink.writes) == (None, writes)


async def test_a_dropped_asset_has_no_points_and_stays_in_quarantine(world: World) -> None:
    assert await maintenance.drop(world.sink, world.ledger, world.settings, ["bad"]) == ["bad"]

    assert held(world) == {"well": 3, "fine": 3}
    await world.check_i2_coverage_and_truth()
    assert (await world.cycle()).quarantined == 2
    assert held(world) == {"well": 3, "fine": 3}


async def test_a_dropped_asset_comes_back_when_it_changes(world: World) -> None:
    await maintenance.drop(world.sink, world.ledger, world.settings, ["bad", "never"])
    world.source.change(INDEX, "bad", segments=2)

    assert (await world.cycle()).upserted == 1
    assert held(world) == {"bad": 2, "well": 3, "fine": 3}


async def test_a_dropped_asset_counts_as_no_delete(world: World) -> None:
    """The limit on deletes is for assets that leave the index without an operator's action."""
    await maintenance.drop(world.sink, world.ledger, world.settings, ["bad"])

    assert await world.ledger.deletes_since(INDEX, 0.0) == 0


@pytest.mark.parametrize("what", ["retry", "drop"])
@pytest.mark.parametrize("names", [["unknown"], ["bad", "unknown"], ["unknown", "bad"], [""]])
async def test_an_asset_that_is_not_there_is_named_and_nothing_done(world: World, what: str, names: list[str]) -> None:
    before, held_before = await world.ledger.load(INDEX), held(world)

    with pytest.raises(ConfigError, match=rf"no such asset of index {INDEX}.*quarantine list") as refused:
        await _carry_out(world, what, names)

    assert refused.value.subject in {"unknown", ""}
    assert (await world.ledger.load(INDEX), held(world)) == (before, held_before)


async def test_nothing_asked_for_is_nothing_done(world: World) -> None:
    writes = world.ledger.writes, world.sink.writes

    assert await maintenance.retry(world.ledger, INDEX, []) == []
    assert await maintenance.drop(world.sink, world.ledger, world.settings, []) == []
    assert (world.ledger.writes, world.sink.writes) == writes


async def test_a_forgotten_index_leaves_nothing(world: World) -> None:
    """Neither points nor rows; its counts are what existed."""
    seen: list[int] = []

    counts = await maintenance.forget(world.sink, world.ledger, world.settings, world.now, lambda: seen.append(1))

    assert (counts, len(seen)) == ({"assets": 4, "points": 9}, 4)
    assert (world.sink.points_of(INDEX), await world.ledger.load(INDEX)) == ({}, {})
    assert await world.ledger.state(INDEX) is None
    assert await world.ledger.reports() == {}


async def test_forgetting_one_index_leaves_the_others(world: World) -> None:
    """They share a collection."""
    world.source.add_index(OTHER)
    world.source.add(OTHER, "well", segments=2)
    settings = index_settings(OTHER)
    assert (await world.engine().cycle(settings)).clean
    points, rows = world.sink.points_of(OTHER), await world.ledger.load(OTHER)

    await maintenance.forget(world.sink, world.ledger, world.settings, world.now)

    assert (world.sink.points_of(OTHER), await world.ledger.load(OTHER)) == (points, rows)
    assert len(rows) == 1


async def test_a_backlog_costs_nothing_to_forget(world: World) -> None:
    """It has rows, but no points."""
    other = await quarantined_world()
    await other.ledger.plan(INDEX, [asset(f"planned{number}") for number in range(100)], Priority.BACKLOG)
    before, before_other = world.ledger.writes, other.ledger.writes

    await maintenance.forget(world.sink, world.ledger, world.settings, world.now)
    result = await maintenance.forget(other.sink, other.ledger, other.settings, other.now)

    assert result["assets"] == 104
    assert other.ledger.writes - before_other == world.ledger.writes - before
    assert await other.ledger.load(INDEX) == {}


async def test_an_index_that_nobody_knows_is_forgotten_already(world: World) -> None:
    assert await maintenance.forget(world.sink, world.ledger, index_settings("unknown"), 0.0) == {
        "assets": 0,
        "points": 0,
    }
    assert held(world) == {"bad": 3, "well": 3, "fine": 3}


async def test_a_forgotten_index_that_is_synced_again_is_as_new(world: World) -> None:
    await maintenance.forget(world.sink, world.ledger, world.settings, world.now)

    assert (await world.cycle()).upserted == 4
    world.check_i1_sink_equals_source()


async def test_points_in_every_collection_of_a_row_are_dropped_and_forgotten(world: World) -> None:
    """A model change was interrupted: the row names both collections, and both have points."""
    world.source.migrate(INDEX, "marengo2.7")
    world.sink.crash_at(4)
    world.now += 60 * 86_400.0
    assert await world.cycle_or_crash() is None
    world.sink.disarm()
    await world.check_i2_coverage_and_truth()
    assert len(world.sink.points_of(INDEX)) == 2

    await maintenance.forget(world.sink, world.ledger, world.settings, world.now)

    assert world.sink.points_of(INDEX) == {}


async def test_a_forget_while_the_sink_is_down_can_be_repeated(world: World) -> None:
    world.sink.fail_next(1, Unavailable("delete points of asset", "bad", "connection refused", side="sink"))
    with pytest.raises(Unavailable):
        await maintenance.forget(world.sink, world.ledger, world.settings, world.now)
    await world.check_i2_coverage_and_truth()

    await maintenance.forget(world.sink, world.ledger, world.settings, world.now)

    assert (world.sink.points_of(INDEX), await world.ledger.load(INDEX)) == ({}, {})


@pytest.mark.parametrize("arm", ["sink", "ledger before", "ledger after"])
@pytest.mark.parametrize("what", ["retry", "drop", "forget"])
async def test_a_crash_at_any_step_leaves_the_truth_and_a_repetition_finishes(what: str, arm: str) -> None:
    """I2 at every moment; repeating the operation gives the same result as without a crash."""
    expected = await quarantined_world()
    await _carry_out(expected, what, ["bad", "never"])
    crashes = 0
    for step in range(1, STEPS):
        world = await quarantined_world()
        crashed = await _crash(world, arm, step, _carry_out(world, what, ["bad", "never"]))
        await world.check_i2_coverage_and_truth()
        await _carry_out(world, what, ["bad", "never"])
        await world.check_i2_coverage_and_truth()
        assert held(world) == held(expected)
        assert await world.ledger.load(INDEX) == await expected.ledger.load(INDEX)
        crashes += crashed
        if not crashed:
            break
    assert (crashes > 0) is (arm != "sink" or what != "retry")
    assert crashes < STEPS - 1


@pytest.mark.parametrize("arm", ["sink", "ledger before", "ledger after"])
@pytest.mark.parametrize("what", ["drop", "forget"])
async def test_what_was_broken_off_and_not_given_again_is_put_right_by_a_cycle(what: str, arm: str) -> None:
    """Repeating it is optional: listed assets come back."""
    for step in range(1, STEPS):
        world = await quarantined_world()
        crashed = await _crash(world, arm, step, _carry_out(world, what, ["bad"]))
        await maintenance.retry(world.ledger, INDEX, list(await maintenance.quarantined(world.ledger, INDEX, 1)))
        assert (await world.cycle()).clean
        await world.check_i2_coverage_and_truth()
        world.check_i1_sink_equals_source()
        if not crashed:
            return
    pytest.fail("it crashed at every step")


async def _crash(world: World, arm: str, step: int, operation: Awaitable[Any]) -> bool:
    if arm == "sink":
        world.sink.crash_at(step)
    else:
        world.ledger.crash_at(step, after=arm.endswith("after"))
    try:
        await operation
    except Crashed:
        return True
    finally:
        world.sink.disarm()
        world.ledger.disarm()
    return False


async def _carry_out(world: World, what: str, names: list[str]) -> Any:
    if what == "retry":
        return await maintenance.retry(world.ledger, INDEX, names)
    if what == "drop":
        return await maintenance.drop(world.sink, world.ledger, world.settings, names)
    return await maintenance.forget(world.sink, world.ledger, world.settings, world.now)


async def test_what_was_forgotten_does_not_count_as_deletes() -> None:
    """The next delete of an index that was forgotten and synced again is an ordinary one."""
    world = World(max_deletes=1, max_delete_ratio=0.0)
    for name in ("a", "b", "c"):
        world.source.add(INDEX, name)
    await world.cycle()
    await maintenance.forget(world.sink, world.ledger, world.settings, world.now)
    await world.cycle()
    world.source.remove(INDEX, "a")

    report = await world.cycle()

    assert (report.deleted, report.withheld) == (1, 0)
