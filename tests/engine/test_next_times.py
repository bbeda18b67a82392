"""What a loop does next by itself, apart from the schedule: retries, and a listing due from an earlier process."""

from connector.domain.errors import Unavailable
from tests.engine.loops import LEFT_OVER, PERIOD, POLL, SCHEDULED, Place
from tests.engine.world import INDEX


async def test_without_errors_only_the_schedule_decides() -> None:
    async with Place().running() as place:
        await place.settled(SCHEDULED)

        assert (place.loop.next_poll_in(), place.loop.next_full_in()) == (None, None)


async def test_a_listing_of_an_earlier_process_says_when_the_next_one_is_due() -> None:
    earlier = Place()
    async with earlier.running():
        await earlier.settled()
        earlier.world.source.add(INDEX, "new")
        earlier.engine.workers.stop()
        earlier.loop.poke_full()
        await earlier.settled()
    later = Place(earlier.world)

    async with later.running():
        await later.settled(LEFT_OVER)

        due_in = later.loop.next_full_in()
        assert due_in is not None
        assert 0 < due_in <= PERIOD


async def test_what_failed_is_tried_again_before_the_schedule() -> None:
    async with Place().running() as place:
        await place.settled(SCHEDULED)
        down = Unavailable("list assets of index", INDEX, "connection refused", side="source")
        place.world.source.fail_next(1, lambda: down, {"changes"})
        place.loop.poke_poll()
        await place.settled(POLL)

        assert place.loop.next_poll_in() is not None
        assert place.loop.next_full_in() is None

        await place.settled(POLL)
        assert place.loop.next_poll_in() is None
