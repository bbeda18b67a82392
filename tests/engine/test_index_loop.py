"""One index in the daemon: what it is poked for happens once, and fresh work at once, whatever goes wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from connector.daemon.retry import Retry
from connector.domain.errors import AuthenticationFailed, MalformedAsset, Unavailable
from connector.domain.priority import Priority
from connector.engine.survey import CycleOptions
from tests.comparing import differences
from tests.engine.loops import ALLOWED, LEFT_OVER, ORDERED, POLL, SCHEDULED, Place
from tests.engine.world import INDEX


@pytest.fixture
async def starting() -> AsyncIterator[Place]:
    """The loop is about to begin."""
    async with Place().running() as place:
        yield place


@pytest.fixture
async def place(starting: Place) -> Place:
    """The first cycle is done."""
    await starting.settled()
    return starting


async def test_the_first_cycle_comes_at_once(starting: Place) -> None:
    """It makes up for all that was missed, and spreads what it refreshes."""
    await starting.settled(SCHEDULED)

    starting.world.check_i1_sink_equals_source()
    assert starting.nothing_else()
    assert (await starting.report())["upserted"] == 2


async def test_a_poke_polls_and_a_full_poke_makes_a_cycle(place: Place) -> None:
    place.loop.poke_poll()
    await place.settled(POLL)
    place.loop.poke_full()
    await place.settled(SCHEDULED)

    assert place.nothing_else()


async def test_what_is_poked_twice_before_it_begins_is_done_once(place: Place) -> None:
    for _ in range(5):
        place.loop.poke_poll()
    await place.settled(POLL)
    assert place.nothing_else()

    for _ in range(5):
        place.loop.poke_full()
    await place.settled(SCHEDULED)
    assert place.nothing_else()


async def test_what_is_poked_meanwhile_is_done_once_more(place: Place) -> None:
    """What changed after the cycle had looked would be missed otherwise."""
    place.engine.go_on.clear()
    place.loop.poke_poll()
    assert await place.engine.begun.get() == POLL
    for _ in range(5):
        place.loop.poke_poll()
    place.engine.go_on.set()

    assert await place.engine.ended.get() == POLL
    await place.settled(POLL)
    assert place.nothing_else()


async def test_there_is_one_scheduled_cycle_at_a_time(place: Place) -> None:
    place.engine.go_on.clear()
    for _ in range(3):
        place.loop.poke_full()
        await place.waiting()
    assert place.engine.most_at_once == 1

    place.engine.go_on.set()
    await place.settled(SCHEDULED)


async def test_polls_and_refreshes_go_on_beside_a_full_cycle(place: Place) -> None:
    """Its changes wait for the source; what a poll finds meanwhile is there at once."""
    place.world.source.add(INDEX, "old")
    place.world.source.hold("old")
    place.loop.poke_full()
    assert await place.engine.begun.get() == SCHEDULED
    await place.waiting()

    place.world.source.add(INDEX, "new")
    place.loop.poke_poll()
    await place.settled(POLL)

    assert place.world.points_of("new")
    assert not place.world.points_of("old")
    place.world.source.let_go("old")
    assert await place.engine.ended.get() == SCHEDULED
    place.world.check_i1_sink_equals_source()


async def test_without_a_full_cycle_before_a_poll_becomes_one(place: Place) -> None:
    """The index was forgotten, or its first cycle failed."""
    await place.world.ledger.drop_index(INDEX)
    place.loop.poke_poll()

    await place.settled(SCHEDULED)


async def test_a_cycle_that_broke_off_goes_on_without_listing_again(place: Place) -> None:
    for number in range(9):
        place.world.source.add(INDEX, f"new{number}")
    refused = AuthenticationFailed("retrieve asset", "new", "key refused")
    place.world.source.fail_next(1, lambda: refused, {"retrieve"})
    listings = place.world.source.listings
    place.loop.poke_full()
    await place.settled(SCHEDULED)
    assert (place.loop.live.error or {})["code"] == "authentication_failed"

    await place.settled(SCHEDULED)

    assert place.loop.live.error is None
    assert place.world.source.listings == listings + 1
    place.world.check_i1_sink_equals_source()


async def test_a_new_process_carries_out_what_an_earlier_one_left_over() -> None:
    """Also what was in hand when it was killed."""
    earlier = Place()
    async with earlier.running():
        await earlier.settled()
        earlier.world.source.add(INDEX, "new")
        earlier.engine.workers.stop()
        earlier.loop.poke_full()
        await earlier.settled()
    earlier.world.source.add(INDEX, "taken")
    await earlier.world.ledger.plan(INDEX, [earlier.world.source.listed(INDEX)["taken"]], Priority.BACKLOG)
    await earlier.world.ledger.attempt(INDEX, "taken", "print", earlier.world.now)
    later = Place(earlier.world)
    listings = earlier.world.source.listings

    async with later.running():
        await later.settled(LEFT_OVER)

        report = await later.report()
        assert later.world.source.listings == listings
        assert differences(report, complete=True, listed=2, upserted=2) == {}
        later.world.check_i1_sink_equals_source()


async def test_its_live_state_shows_how_far_it_is(place: Place) -> None:
    live = place.loop.live
    assert (live.doing, live.planned, live.done) == ("waiting", 2, 2)
    for name in ("c", "d", "e"):
        place.world.source.add(INDEX, name)
    place.engine.go_on.clear()
    place.loop.poke_full()
    await place.engine.begun.get()
    assert (live.doing, live.planned, live.done) == ("full cycle", 0, 0)
    place.engine.go_on.set()
    await place.engine.ended.get()
    await place.waiting()

    assert (live.doing, live.planned, live.done) == ("waiting", 3, 3)


async def test_an_order_gets_the_report_of_its_own_cycle(place: Place) -> None:
    place.world.source.add(INDEX, "new")

    report = await place.ordered(CycleOptions())

    assert (report.upserted, report.listed) == (1, 3)
    await place.settled(ORDERED)
    assert (await place.report())["upserted"] == 1


async def test_an_order_does_not_wait_for_back_offs(place: Place) -> None:
    """The daemon's own cycles leave the asset alone until it is due; what an operator orders tries it at once."""
    place.world.source.add(INDEX, "new")
    error = MalformedAsset("read embeddings of asset", "new", "vector 3 is all zero")
    place.world.source.fail_next(1, lambda: error, {"retrieve"})
    place.loop.poke_full()
    await place.settled(SCHEDULED)
    place.loop.poke_full()
    await place.settled(SCHEDULED)
    assert (await place.report())["failed"] == 1

    report = await place.ordered(CycleOptions())

    assert (report.upserted, report.failed) == (1, 0)


async def test_deletes_are_allowed_once_by_the_order_that_allows_them(place: Place) -> None:
    for name in ("a", "b"):
        place.world.source.remove(INDEX, name)
    place.loop.poke_full()
    await place.settled(SCHEDULED)
    assert (await place.report())["withheld"] == 2

    report = await place.ordered(CycleOptions(allow_deletes=True))

    assert (report.deleted, report.withheld) == (2, 0)
    await place.settled(ALLOWED)


async def test_an_order_that_nobody_waits_for_any_more_does_no_harm(place: Place) -> None:
    place.engine.go_on.clear()
    asking = asyncio.get_running_loop().create_task(place.ordered(CycleOptions()))
    assert await place.engine.begun.get() == ORDERED
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking
    place.engine.go_on.set()
    assert await place.engine.ended.get() == ORDERED

    place.loop.poke_poll()
    await place.settled(POLL)


async def test_after_an_error_it_comes_back_by_itself(place: Place) -> None:
    """Sooner than the schedule would, and without losing what it was to do."""
    place.world.source.add(INDEX, "new")
    down = Unavailable("list assets of index", INDEX, "connection refused", side="source")
    place.world.source.fail_next(1, lambda: down, {"snapshot"})
    place.loop.poke_full()
    await place.settled(SCHEDULED)
    assert place.loop.live.failures_in_a_row == 1
    assert (place.loop.live.error or {})["code"] == "source_unavailable"
    assert (await place.report())["error"] == place.loop.live.error

    await place.settled(SCHEDULED)

    assert (place.loop.live.failures_in_a_row, place.loop.live.error) == (0, None)
    place.world.check_i1_sink_equals_source()
    assert place.nothing_else()


async def test_a_failed_poll_is_polled_again(place: Place) -> None:
    down = Unavailable("list assets of index", INDEX, "connection refused", side="source")
    place.world.source.fail_next(1, lambda: down, {"changes"})
    place.loop.poke_poll()
    await place.settled(POLL)

    await place.settled(POLL)
    assert place.loop.live.error is None


async def test_a_mistake_of_ours_is_an_error_of_this_index(place: Place) -> None:
    """The loop lives on, and so do the others."""
    place.engine.breaks = 1
    place.loop.poke_full()
    await place.settled(SCHEDULED)
    assert place.loop.live.error == {"code": "internal_error", "message": "ZeroDivisionError: ours"}

    await place.settled(SCHEDULED)
    assert place.loop.live.error is None


async def test_an_order_learns_of_a_mistake_of_ours(place: Place) -> None:
    place.engine.breaks = 1

    report = await place.ordered(CycleOptions())

    assert (report.error or {})["code"] == "internal_error"


async def test_a_thousand_failures_leave_one_retry_and_no_overflow() -> None:
    """Each failure replaces the retry of the one before it."""
    pokes: list[None] = []
    retry = Retry(lambda: pokes.append(None))
    for _ in range(1100):
        retry.failed({"code": "index_gone", "message": "gone"})
    assert retry.failures == 1100
    assert retry.due_in() is not None

    retry.succeeded()

    assert differences(retry, failures=0, error=None) == {}
    assert retry.due_in() is None
