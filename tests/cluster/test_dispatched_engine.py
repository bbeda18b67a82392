"""An engine whose changes are carried out by workers of several replicas, over fakes and a queue in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from connector.cluster.dispatcher import Dispatcher
from connector.cluster.job_worker import JobWorker
from connector.domain.errors import AssetError, AuthenticationFailed, Unavailable
from connector.domain.index_settings import settings_digest
from connector.domain.report import CycleReport
from connector.engine.cycle import Engine
from connector.engine.survey import CycleOptions
from tests.engine.world import INDEX, World
from tests.fakes.job_queue import FakeJobQueue
from tests.virtual_time import until

WITHIN = 30.0


async def _no_reopen(_: object) -> None: ...


@dataclass(slots=True)
class Replicas:
    """One holder, and workers with a queue in between."""

    world: World
    queue: FakeJobQueue = field(default_factory=FakeJobQueue)
    epoch: int = 1

    def worker(self) -> JobWorker:
        world = self.world
        return JobWorker(
            world.source,
            world.sink,
            world.ledger,
            _no_reopen,
            clock=lambda: world.now,
            of_index=lambda _: world.settings,
            digest_of=lambda _: settings_digest(world.settings),
        )

    @asynccontextmanager
    async def holder(self, workers: int = 2) -> AsyncIterator[tuple[Engine, Dispatcher]]:
        digest = settings_digest(self.world.settings)
        dispatcher = Dispatcher(self.queue, lambda _: self.epoch, lambda _: digest)
        world = self.world
        engine = Engine(
            world.source, world.sink, world.ledger, clock=lambda: world.now, concurrency=8, dispatch=dispatcher
        )
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(dispatcher.run())]
            tasks += [group.create_task(self.queue.work(self.worker())) for _ in range(workers)]
            yield engine, dispatcher
            await engine.workers.close()
            for task in tasks:
                task.cancel()

    async def cycle(self) -> CycleReport:
        self.world.now += 1.0
        async with self.holder() as (engine, _):
            return await engine.cycle(self.world.settings, CycleOptions())


@pytest.fixture
def replicas() -> Replicas:
    world = World(max_deletes=10)
    for name in "abcdefgh":
        world.source.add(INDEX, name)
    return Replicas(world)


async def test_workers_carry_out_what_the_holder_plans(replicas: Replicas) -> None:
    report = await replicas.cycle()

    assert (report.upserted, report.clean, replicas.queue.taken) == (8, True, 8)
    replicas.world.check_i1_sink_equals_source()
    await replicas.world.check_i2_coverage_and_truth()
    assert replicas.queue.done == {}


async def test_a_second_cycle_writes_nothing_and_the_holder_deletes(replicas: Replicas) -> None:
    await replicas.cycle()
    assert (await replicas.cycle()).unchanged == 8
    replicas.world.source.remove(INDEX, "a")
    replicas.world.source.change(INDEX, "b", segments=5)

    report = await replicas.cycle()

    assert (report.deleted, report.upserted, replicas.queue.taken) == (1, 1, 9)
    replicas.world.check_i1_sink_equals_source()


async def test_the_holder_reports_what_failed_at_a_worker(replicas: Replicas) -> None:
    replicas.world.source.fail_next(
        1, lambda: AssetError("retrieve asset", "x", "it is broken", "Look at it"), {"retrieve"}
    )

    report = await replicas.cycle()

    assert (report.upserted, report.failed) == (7, 1)
    assert "it is broken" in report.problems[0].reason


async def test_an_error_that_ends_the_pass_ends_it_at_the_holder(replicas: Replicas) -> None:
    await replicas.cycle()
    replicas.world.source.change(INDEX, "a", segments=5)
    refused = AuthenticationFailed("retrieve", "a", "the key was revoked")
    replicas.world.source.fail_next(1, lambda: refused, {"retrieve"})

    report = await replicas.cycle()

    assert report.error
    assert report.error["code"] == "authentication_failed"


async def test_a_transient_error_defers_the_asset(replicas: Replicas) -> None:
    down = Unavailable("retrieve", "x", "connection refused", side="source")
    replicas.world.source.fail_next(1, lambda: down, {"retrieve"})

    assert (await replicas.cycle()).deferred == 1


async def test_what_no_worker_has_begun_is_withdrawn_and_ends_the_pass(replicas: Replicas) -> None:
    """The lease is given back: the next holder submits it again."""
    async with replicas.holder(workers=0) as (engine, dispatcher), asyncio.TaskGroup() as group:
        cycle = group.create_task(engine.cycle(replicas.world.settings, CycleOptions()))
        await until(lambda: len(replicas.queue.waiting) == 8, WITHIN)
        engine.workers.stop()
        await dispatcher.withdraw(INDEX)

        report = await cycle

    assert (report.interrupted, report.error, replicas.queue.waiting) == (True, None, {})
    assert len(await replicas.world.ledger.planned(INDEX)) == 8
    replicas.epoch = 2
    assert (await replicas.cycle()).upserted == 8


async def test_a_lost_job_is_submitted_again(replicas: Replicas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.cluster.dispatcher._LATE_SEC", 0.0)
    monkeypatch.setattr("connector.cluster.dispatcher._LOOK_AGAIN_SEC", 0.0)
    async with replicas.holder(workers=0) as (engine, _), asyncio.TaskGroup() as group:
        cycle = group.create_task(engine.cycle(replicas.world.settings, CycleOptions()))
        await until(lambda: len(replicas.queue.waiting) == 8, WITHIN)
        replicas.queue.waiting.clear()
        worker = group.create_task(replicas.queue.work(replicas.worker()))

        assert (await cycle).upserted == 8
        worker.cancel()


async def test_a_worker_that_dies_leaves_its_job_to_the_next_one(replicas: Replicas) -> None:
    replicas.world.source.hold("h")
    async with replicas.holder(workers=0) as (engine, _), asyncio.TaskGroup() as group:
        cycle = group.create_task(engine.cycle(replicas.world.settings, CycleOptions()))
        dying = group.create_task(replicas.queue.work(replicas.worker()))
        await until(lambda: (INDEX, "h") in replicas.queue.running, WITHIN)
        dying.cancel()
        with suppress(asyncio.CancelledError):
            await dying
        replicas.world.source.let_go("h")
        worker = group.create_task(replicas.queue.work(replicas.worker()))

        assert (await cycle).upserted == 8
        worker.cancel()
    replicas.world.check_i1_sink_equals_source()
