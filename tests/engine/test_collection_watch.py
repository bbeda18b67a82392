"""A collection that was dropped is noticed by a look, not only by the next full cycle of the schedule."""

from connector.daemon.collection_watch import CollectionWatch
from connector.domain.errors import Unavailable
from tests.engine.loops import SCHEDULED, Place
from tests.engine.world import INDEX


def watch(place: Place) -> CollectionWatch:
    return CollectionWatch(place.world.sink, place.world.ledger, lambda: [place.loop])


async def drop(place: Place) -> str:
    (row, *_) = (await place.world.ledger.load(INDEX)).values()
    assert row.applied
    place.world.sink.drop(row.applied.collection)
    return row.applied.collection


async def test_a_dropped_collection_is_written_again_at_once() -> None:
    async with Place().running() as place:
        await place.settled(SCHEDULED)
        before = {name: set(points) for name, points in place.world.sink.points_of(INDEX).items()}
        collection = await drop(place)

        await watch(place).look()
        await place.settled(SCHEDULED)

        assert before[collection]
        assert {name: set(points) for name, points in place.world.sink.points_of(INDEX).items()} == before


async def test_nothing_is_done_while_all_is_well() -> None:
    async with Place().running() as place:
        await watch(place).look()
        await place.settled(SCHEDULED)
        await watch(place).look()
        await place.waiting()

        assert place.nothing_else()


async def test_one_full_cycle_is_begun_until_the_collection_exists_again() -> None:
    """It may fail as well; then it is retried as after any other error."""
    async with Place().running() as place:
        await place.settled(SCHEDULED)
        watching = watch(place)
        for _ in range(2):
            await drop(place)
            place.engine.go_on.clear()
            for _ in range(3):
                await watching.look()
            await place.waiting()
            place.engine.go_on.set()
            await place.settled(SCHEDULED)
            assert place.nothing_else()
            await watching.look()


async def test_a_server_that_is_down_has_dropped_nothing() -> None:
    async with Place().running() as place:
        await place.settled(SCHEDULED)
        await drop(place)
        down = Unavailable("inspect", "c", "connection refused", side="sink")
        place.world.sink.fail_next(1, down)
        watching = watch(place)

        await watching.look()
        await place.waiting()
        assert place.nothing_else()

        await watching.look()
        await place.settled(SCHEDULED)
