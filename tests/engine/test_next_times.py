"""What a loop does next by itself, apart from the schedule: retries, and a listing due from an earlier process."""

import pytest

from connector.domain.errors import AuthenticationFailed, Unavailable
from connector.domain.watermark import OVERLAP_SEC
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


@pytest.mark.parametrize("failing", ["retrieve", "progress"])
async def test_one_half_of_a_poll_does_not_hide_that_the_other_one_fails(failing: str) -> None:
    """What is new, and what was being indexed, are two passes."""
    async with Place().running() as place:
        await place.settled(SCHEDULED)
        place.world.source.add(INDEX, "indexing", status="indexing")
        place.world.source.pass_time(OVERLAP_SEC)
        for name in ("new", "newer"):
            place.world.source.add(INDEX, name)
            place.loop.poke_poll()
            await place.settled(POLL)
        place.world.source.add(INDEX, "newest")
        refused = AuthenticationFailed(failing, INDEX, "key refused")
        place.world.source.fail_next(9, lambda: refused, {failing})
        for _ in range(2):
            place.loop.poke_poll()
            await place.settled(POLL)

        assert place.loop.live.failures_in_a_row == 2
        assert (place.loop.live.error or {})["code"] == "authentication_failed"
        assert place.loop.next_poll_in() is not None
