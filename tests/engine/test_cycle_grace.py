"""Deletes that wait for the end of the grace period: they need a proof of absence before it, and another one after."""

from collections.abc import Callable
from typing import Any

import pytest

from connector.domain.errors import AssetError
from connector.domain.events import DeleteCancelled, DeletePending, Event
from connector.domain.ledger_model import Checkpoint
from connector.engine import grace
from connector.engine.cycle import Engine
from connector.engine.survey import CycleOptions
from tests.comparing import differences
from tests.engine.polling import polled
from tests.engine.world import INDEX, World

HOUR, DAY = 3600.0, 86_400.0
GRACE = 3 * DAY
TOLD = (DeletePending, DeleteCancelled)


async def synced(**settings: Any) -> World:
    """With three assets applied."""
    world = World(**{"delete_grace": GRACE, **settings})
    for name in ("a", "b", "c"):
        world.source.add(INDEX, name)
    assert (await world.cycle()).upserted == 3
    return world


@pytest.fixture
async def waiting() -> World:
    """One of them is gone, and its delete waits."""
    world = await synced()
    world.source.remove(INDEX, "b")
    assert differences(await world.cycle(), deleted=0, pending=1, withheld=0, clean=True) == {}
    return world


async def told(world: World, run: Callable[[Engine], Any]) -> list[Event]:
    """What an engine says of deletes that wait."""
    events: list[Event] = []
    engine = Engine(world.source, world.sink, world.ledger, clock=lambda: world.now, observe=events.append)
    await run(engine)
    await engine.workers.close()
    return [event for event in events if isinstance(event, TOLD)]


def full(world: World) -> Callable[[Engine], Any]:
    return lambda engine: engine.cycle(world.settings, CycleOptions())


async def kept(world: World, name: str = "b") -> Checkpoint:
    row = await world.row(name)
    assert row is not None
    assert world.points_of(name)
    return row


async def test_points_stay_for_the_grace_period_and_then_go(waiting: World) -> None:
    """Each cycle is a new process."""
    since = (await kept(waiting)).absent_since
    assert since == waiting.now

    waiting.now = since + GRACE - 2
    assert differences(await waiting.cycle(), deleted=0, pending=1) == {}
    assert (await kept(waiting)).absent_since == since

    waiting.now = since + GRACE
    assert differences(await waiting.cycle(), deleted=1, pending=0, clean=True) == {}
    assert (waiting.points_of("b"), await waiting.row("b")) == ({}, None)


async def test_the_old_proof_alone_deletes_nothing(waiting: World) -> None:
    """After the grace period the asset exists again, but a wrong listing does not show it: it waits anew."""
    waiting.source.add(INDEX, "b")
    waiting.source.hide(INDEX, "b")
    waiting.now += 2 * GRACE

    report = await waiting.cycle()

    assert differences(report, deleted=0, withheld=1, pending=0) == {}
    assert "exists, but is not in the listing" in str(report.withheld_because)
    assert (await kept(waiting)).absent_since is None


async def test_an_asset_that_is_back_is_no_longer_deleted(waiting: World) -> None:
    waiting.source.add(INDEX, "b")
    assert differences(await waiting.cycle(), deleted=0, pending=0) == {}
    assert (await kept(waiting)).absent_since is None

    waiting.now += 2 * GRACE
    waiting.source.remove(INDEX, "b")
    assert differences(await waiting.cycle(), deleted=0, pending=1) == {}


async def test_a_poll_that_shows_the_asset_cancels_too(waiting: World) -> None:
    waiting.source.add(INDEX, "b")

    said = await told(waiting, lambda engine: polled(engine, waiting.settings))

    assert said == [DeleteCancelled(INDEX, "b", waiting.source.listed(INDEX)["b"].filename, grace.BACK)]
    assert (await kept(waiting)).absent_since is None


async def test_it_says_once_what_waits_and_what_no_longer_does() -> None:
    world = await synced()
    filename = world.source.listed(INDEX)["b"].filename
    world.source.remove(INDEX, "b")

    assert await told(world, full(world)) == [DeletePending(INDEX, "b", filename, world.now + GRACE)]
    assert await told(world, full(world)) == []
    world.source.add(INDEX, "b")
    assert await told(world, full(world)) == [DeleteCancelled(INDEX, "b", filename, grace.BACK)]
    assert await told(world, full(world)) == []


async def test_mode_keep_ends_the_wait(waiting: World) -> None:
    waiting.settings = World(delete_mode="keep", delete_grace=GRACE).settings

    (cancelled,) = await told(waiting, full(waiting))

    assert isinstance(cancelled, DeleteCancelled)
    assert cancelled.reason == grace.KEEP
    assert (await kept(waiting)).absent_since is None


async def test_a_grace_period_that_was_switched_off_ends_at_once(waiting: World) -> None:
    waiting.settings = World(delete_grace=0.0).settings
    assert (await waiting.cycle()).deleted == 1


async def test_a_wrong_listing_starts_no_grace_period() -> None:
    world = await synced()
    world.source.remove(INDEX, "a")
    world.source.hide(INDEX, "b")

    report = await world.cycle()

    assert differences(report, withheld=2, pending=0) == {}
    assert [(await kept(world, name)).absent_since for name in ("a", "b")] == [None, None]


async def test_what_the_source_cannot_answer_for_is_withheld_and_does_not_wait() -> None:
    world = await synced()
    for name in ("a", "b"):
        world.source.remove(INDEX, name)
    world.source.fail_next(1, lambda: AssetError("confirm asset", "a", "TwelveLabs answered 409"), ["exists"])

    report = await world.cycle()

    assert differences(report, withheld=1, pending=1, deleted=0) == {}
    assert [(await kept(world, name)).absent_since for name in ("a", "b")] == [None, world.now]


async def test_the_limit_withholds_after_the_grace_period_until_it_is_allowed() -> None:
    world = await synced(max_deletes=1, max_delete_ratio=0.0)
    for name in ("a", "b"):
        world.source.remove(INDEX, name)
    assert differences(await world.cycle(), pending=2, withheld=0) == {}
    assert differences(await world.cycle(allow_deletes=True), pending=2, deleted=0) == {}
    world.now += GRACE

    over = await world.cycle()
    allowed = await world.cycle(allow_deletes=True)

    assert differences(over, pending=0, withheld=2, deleted=0) == {}
    assert over.withheld_because == "2 deletes within 24 hours exceed the limit of 1"
    assert differences(allowed, withheld=0, deleted=2) == {}


async def test_while_it_waits_nothing_asks_for_the_asset(waiting: World) -> None:
    """Neither a refresh, which is due, nor a retry of the update that failed before the asset was removed."""
    await waiting.ledger.attempt(INDEX, "b", "print", waiting.now)
    waiting.now += 2 * DAY
    before = waiting.source.retrievals[INDEX, "b"]

    engine = waiting.engine()
    await engine.refresh(waiting.settings, 2 * DAY)
    await polled(engine, waiting.settings)
    await engine.workers.close()

    assert waiting.source.retrievals[INDEX, "b"] == before


@pytest.mark.parametrize("back", [2 * HOUR, DAY, 3650 * DAY])
async def test_after_a_clock_step_back_it_waits_once_more_and_not_for_the_size_of_the_step(
    waiting: World, back: float
) -> None:
    waiting.now -= back
    assert differences(await waiting.cycle(), deleted=0, pending=1) == {}
    assert (await kept(waiting)).absent_since == waiting.now

    waiting.now += GRACE
    assert (await waiting.cycle()).deleted == 1


async def test_a_crash_while_the_proof_is_written_only_delays_it() -> None:
    world = await synced()
    world.source.remove(INDEX, "b")
    writes_before = world.ledger.writes
    await World.cycle(world)
    writes = world.ledger.writes - writes_before
    await world.ledger.clear_absence(INDEX, ["b"])

    for number in range(1, writes + 1):
        world.ledger.crash_at(number)
        await world.cycle_or_crash()
        world.ledger.disarm()
        await world.check_i2_coverage_and_truth()
        await kept(world)

    assert differences(await world.cycle(), deleted=0, pending=1) == {}
    world.now += GRACE
    assert (await world.cycle()).deleted == 1
