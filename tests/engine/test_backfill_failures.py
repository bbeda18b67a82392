"""A backfill of 5,000 assets from a source that fails again and again lists its index once."""

import asyncio

from connector.daemon.index_loop import IndexLoop
from connector.daemon.ledger_writes import LedgerWrites
from connector.domain.errors import AuthenticationFailed
from connector.engine.cycle import Engine
from tests import virtual_time
from tests.engine.world import INDEX, World
from tests.fakes.source import FakeSource
from tests.virtual_time import EPOCH, until

ASSETS, FAILS_AFTER = 5000, 200


class FailingSource(FakeSource):
    """Every 200th request fails so that the cycle ends; a failure that a retry mends does not even do that."""

    failures = 0

    def _ask(self, method: str, index_id: str | None) -> None:
        super()._ask(method, index_id)
        if self.requests() % FAILS_AFTER == 0:
            self.failures += 1
            raise AuthenticationFailed(method, index_id or "", "key refused")


def test_a_source_that_fails_once_every_200_requests_is_listed_once() -> None:
    async def scenario() -> tuple[int, int, float]:
        world = World()
        world.source = source = FailingSource()
        source.add_index(INDEX)
        for number in range(ASSETS):
            source.add(INDEX, f"asset{number:04}", segments=1 if number % 100 == 0 else 0)
        time = asyncio.get_running_loop().time
        engine = Engine(source, world.sink, world.ledger, clock=lambda: EPOCH + time(), stopwatch=time)
        loop = IndexLoop(
            world.settings, engine, world.ledger, LedgerWrites(lambda _: None), 86_400.0, lambda: EPOCH + time()
        )
        began = time()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(loop.run())
            await until(lambda: source.retrievals.total() >= ASSETS and not engine.workers.in_hand, 3600.0, step=1.0)
            running.cancel()
        await engine.workers.close()
        world.check_i1_sink_equals_source()
        assert (await world.ledger.summary(INDEX, 5)).applied == ASSETS
        return source.listings, source.failures, time() - began

    listings, failures, seconds = virtual_time.run(scenario())

    assert listings == 1
    assert failures >= ASSETS // FAILS_AFTER - 1
    assert seconds <= 2 * failures, "it waits longer after each failure, although it got on in between"
