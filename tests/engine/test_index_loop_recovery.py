"""What a loop does after a loss in the sink or a failure of the source, and when it says that it is over."""

from collections.abc import AsyncIterator

import pytest

from connector.domain.errors import AuthenticationFailed
from tests.engine.loops import POLL, SCHEDULED, Place
from tests.engine.world import INDEX
from tests.virtual_time import until


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with Place().running() as place:
        await place.settled()
        yield place


async def test_a_home_that_somebody_deleted_is_filled_again_at_once(place: Place) -> None:
    """The ledger states what is no longer there, so going on with a new asset alone would hide the loss."""
    place.world.sink.drop("twelvelabs-marengo3.0")
    place.world.source.add(INDEX, "new")

    place.loop.poke_poll()
    await place.settled(POLL)
    await place.settled(SCHEDULED)

    assert len(place.world.points_of("a")) == 1
    place.world.check_i1_sink_equals_source()


async def test_a_failure_has_ended_when_work_goes_on_and_not_when_all_is_done(place: Place) -> None:
    names = [f"backlog{number:02}" for number in range(12)]
    for name in names:
        place.world.source.add(INDEX, name)
    place.world.source.fail_next(1, lambda: AuthenticationFailed("retrieve", "x", "key refused"), {"retrieve"})
    place.loop.poke_full()
    await place.settled()
    assert (place.loop.live.error or {})["code"] == "authentication_failed"
    place.world.source.hold(names[0])
    await place.engine.begun.get()

    await until(lambda: bool(place.world.points_of(names[1])), 10.0, step=0.0)

    await place.waiting()
    assert place.loop.live.error is None
    assert place.loop.live.doing == "full cycle"
    place.world.source.let_go(names[0])
    assert await place.engine.ended.get() == SCHEDULED
