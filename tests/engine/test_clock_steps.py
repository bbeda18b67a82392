"""The wall clock is set back or forward between cycles: nothing waits for the size of the step."""

import pytest

from connector.domain.errors import MalformedAsset, RateLimited
from connector.engine.cycle import Engine
from connector.engine.embedding_lag import LONGEST_LAG_SEC
from tests.engine.polling import Daemon, synced
from tests.engine.test_refresh_pass import hours_of_passes
from tests.engine.world import INDEX, World

HOUR, DAY, YEARS = 3600.0, 86_400.0, 10 * 365 * 86_400.0
BACK = [2 * HOUR, DAY, YEARS]


def malformed() -> MalformedAsset:
    return MalformedAsset("read embeddings of asset", "new", "vector 3 is all zero")


def limited() -> RateLimited:
    return RateLimited("retrieve asset", "new", "429", side="source", retry_after=5 * HOUR)


async def failing(error: MalformedAsset | RateLimited) -> Daemon:
    """A new asset was attempted, and waits for its retry."""
    daemon = await synced()
    daemon.source.add(INDEX, "new")
    daemon.source.fail_next(1, lambda: error, {"retrieve"})
    report = await daemon.full()
    assert report.failed + report.deferred == 1
    return daemon


@pytest.mark.parametrize("error", [malformed(), limited()])
@pytest.mark.parametrize("back", BACK)
async def test_after_a_step_back_what_waits_is_tried_again(back: float, error: MalformedAsset | RateLimited) -> None:
    """By the next poll and by the next cycle; without the step it waits."""
    polled, compared = await failing(error), await failing(error)
    assert (await polled.poll()).upserted == 0

    for daemon in (polled, compared):
        daemon.world.now -= back

    assert (await polled.poll()).upserted == 1
    assert (await compared.full()).upserted == 1


@pytest.mark.parametrize("back", BACK)
async def test_after_a_step_back_refreshes_go_on(back: float) -> None:
    daemon = await synced()
    daemon.world.now -= back
    daemon.source.set_metadata(INDEX, "b", {"key": "new"})

    done = await hours_of_passes(daemon, 30)

    daemon.world.check_i1_sink_equals_source()
    assert sum(done) <= 3 * 3


@pytest.mark.parametrize("back", BACK)
async def test_after_a_step_back_an_index_is_retrieved_once_and_not_at_every_pass(back: float) -> None:
    """The canary's vectors had changed, so all were due for a deep refresh when the clock was set back."""
    daemon = await synced()
    for name in ("a", "b", "c"):
        daemon.source.change(INDEX, name, quietly=True)
    daemon.world.now += DAY
    await daemon.engine.refresh(daemon.world.settings, DAY / 24)
    state = await daemon.state()
    assert state.deep_due_since == daemon.world.now

    daemon.world.now -= back
    first, *others = await hours_of_passes(daemon, 6)

    daemon.world.check_i1_sink_equals_source()
    assert (first, sum(others)) == (1, 2)
    assert (await daemon.state()).deep_due_since <= daemon.world.now


@pytest.mark.parametrize("back", BACK)
async def test_after_a_step_back_the_canary_is_due_within_its_interval(back: float) -> None:
    world = World(deep_refresh_interval=1000 * DAY)
    world.source.add(INDEX, "a")
    daemon = Daemon(world)
    await daemon.full()
    world.now -= back
    await daemon.full()
    daemon.source.change(INDEX, "a", quietly=True)
    world.now += DAY

    await daemon.full()

    world.check_i1_sink_equals_source()


async def test_an_embedding_that_was_late_before_a_step_back_has_its_hour_from_then() -> None:
    world = World()
    world.source.add(INDEX, "a")
    world.source.set_embedded(INDEX, "a", embedded=False)
    daemon = Daemon(world)
    await daemon.full()
    world.now -= DAY
    assert (await daemon.full()).deferred == 1
    world.now += LONGEST_LAG_SEC

    assert (await daemon.full()).failed == 1


async def test_a_step_forward_and_back_again_leaves_nothing_waiting() -> None:
    """Everything written in between has a time years in the future."""
    daemon = await synced()
    daemon.world.now += YEARS
    daemon.source.change(INDEX, "a")
    daemon.source.add(INDEX, "new")
    daemon.source.fail_next(1, malformed, {"retrieve"})
    await daemon.full()
    daemon.world.now -= YEARS

    assert (await daemon.poll()).failed == 0
    daemon.world.check_i1_sink_equals_source()


async def test_how_long_a_cycle_took_does_not_go_by_the_wall_clock() -> None:
    world, seconds = World(), iter([10.0, 12.5])
    world.source.add(INDEX, "a")
    parts = world.source, world.sink, world.ledger

    def stepping() -> float:
        world.now -= HOUR
        return world.now

    engine = Engine(*parts, clock=stepping, stopwatch=lambda: next(seconds))

    assert (await engine.cycle(world.settings)).duration_sec == 2.5
