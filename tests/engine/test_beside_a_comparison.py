"""A full cycle that compares a large ledger with the sink holds up nobody."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import TypeVar

import pytest

from connector.domain.sink_model import SinkAsset, Tally
from tests.engine.polling import Daemon, polled
from tests.engine.world import INDEX, World
from tests.fakes.sink import FakeSink

T = TypeVar("T")


class SlowSink(FakeSink):
    """Counting and reading points waits for `go_on`, before or after the read; `reached` is set when somebody waits."""

    def __init__(self, *, reads_first: bool) -> None:
        super().__init__()
        self._reads_first = reads_first
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()
        self.go_on.set()

    async def tally(self, collection: str, index_id: str, most: int) -> Tally | None:
        read = super().tally
        return await self._slowly(lambda: read(collection, index_id, most))

    async def manifest(self, collection: str, index_id: str, only: Tally | None = None) -> dict[str, SinkAsset]:
        read = super().manifest
        return await self._slowly(lambda: read(collection, index_id, only))

    async def _slowly(self, read: Callable[[], Awaitable[T]]) -> T:
        found = await read() if self._reads_first else None
        self.reached.set()
        await self.go_on.wait()
        return await read() if found is None else found


@pytest.fixture(params=["reads first", "reads last"])
async def daemon(request: pytest.FixtureRequest) -> Daemon:
    """With three assets applied; the next comparison waits."""
    world, sink = World(), SlowSink(reads_first=request.param == "reads first")
    world.sink = sink
    for name in ("a", "b", "c"):
        world.source.add(INDEX, name)
    daemon = Daemon(world)
    assert (await daemon.full()).upserted == 3
    sink.reached.clear()
    sink.go_on.clear()
    return daemon


def slow(daemon: Daemon) -> SlowSink:
    assert isinstance(daemon.world.sink, SlowSink)
    return daemon.world.sink


async def beside(daemon: Daemon, changed: Collection[str]) -> None:
    """A poll carries out everything while the comparison waits; afterwards nothing is left to do."""
    async with asyncio.TaskGroup() as group:
        cycle = group.create_task(daemon.full())
        await slow(daemon).reached.wait()
        async with asyncio.timeout(10):
            report = await polled(daemon.engine, daemon.world.settings)
        assert report.upserted == len(changed)
        written, _, retrieved = daemon.work()
        slow(daemon).go_on.set()
    assert (cycle.result().clean, cycle.result().upserted) == (True, 0)
    assert (daemon.work()[0], daemon.work()[2]) == (written, retrieved)
    await daemon.world.check_i2_coverage_and_truth()
    daemon.world.check_i1_sink_equals_source()


async def test_a_new_asset_does_not_wait(daemon: Daemon) -> None:
    daemon.source.add(INDEX, "new")

    await beside(daemon, ["new"])


async def test_a_changed_asset_does_not_wait(daemon: Daemon) -> None:
    """The comparison has seen its old points, and must not take the row for wrong."""
    daemon.source.change(INDEX, "a", segments=7)
    daemon.source.change(INDEX, "b")

    await beside(daemon, ["a", "b"])


async def test_points_that_are_lost_meanwhile_are_still_noticed(daemon: Daemon) -> None:
    daemon.source.add(INDEX, "new")
    (stored,) = daemon.world.sink.stored.values()
    for point_id in [it for it, point in stored.points.items() if point.payload["indexed_asset_id"] == "c"]:
        del stored.points[point_id]
    async with asyncio.TaskGroup() as group:
        cycle = group.create_task(daemon.full())
        await slow(daemon).reached.wait()
        assert (await polled(daemon.engine, daemon.world.settings)).upserted == 1
        slow(daemon).go_on.set()

    assert cycle.result().upserted == 1
    daemon.world.check_i1_sink_equals_source()


async def test_a_webhook_during_the_comparison_makes_no_listing_look_wrong(daemon: Daemon) -> None:
    """Its asset has points, but was in neither the listing nor the ledger: that is no reason to delete it."""
    daemon.source.remove(INDEX, "a")
    listed = daemon.source.listings
    async with asyncio.TaskGroup() as group:
        cycle = group.create_task(daemon.full())
        await slow(daemon).reached.wait()
        assert daemon.source.listings == listed + 1
        daemon.source.add(INDEX, "new")
        it = daemon.engine.ready(daemon.world.settings, ["new"])
        assert (await daemon.engine.run(it)).upserted == 1
        slow(daemon).go_on.set()

    assert (cycle.result().clean, cycle.result().deleted) == (True, 1)
    daemon.world.check_i1_sink_equals_source()
