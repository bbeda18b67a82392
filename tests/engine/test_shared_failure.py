"""An error that ends one pass of an index ends all of them: none waits for another one to go on."""

import asyncio

from connector.domain.errors import AuthenticationFailed
from connector.engine.survey import CycleOptions
from tests.engine.polling import synced
from tests.engine.world import INDEX
from tests.virtual_time import until


def refused() -> AuthenticationFailed:
    return AuthenticationFailed("retrieve asset", "new", "key refused")


async def test_a_full_cycle_whose_changes_wait_ends_with_the_error_of_a_poll() -> None:
    daemon = await synced()
    source, engine, settings = daemon.source, daemon.engine, daemon.world.settings
    names = [f"backlog{number}" for number in range(6)]
    for name in names:
        source.add(INDEX, name)
        source.hold(name)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        cycle = group.create_task(engine.run(engine.full_cycle(settings, CycleOptions())))
        await until(lambda: engine.workers.in_hand == 2, 10.0, step=0.0)
        source.add(INDEX, "new")
        poll = group.create_task(engine.run(engine.poll_pass(settings)))
        await until(lambda: engine.queue.waits(INDEX, "new"), 10.0, step=0.0)
        source.fail_next(1, refused, {"retrieve"})
        for name in names:
            source.let_go(name)

    assert [(it.result().error or {}).get("code") for it in (cycle, poll)] == ["authentication_failed"] * 2
    assert 2 <= cycle.result().upserted < len(names)
    assert (await daemon.poll()).clean
    await daemon.done()
    daemon.world.check_i1_sink_equals_source()
