"""Vectors count against the source's limit of memory from their retrieval until they are written."""

from collections.abc import Callable, Collection

import pytest

from connector.domain.errors import PointsRejected, Unavailable
from connector.domain.points import AssetPoints
from connector.ports import CheckpointStore, Sink, Source
from tests.engine.world import INDEX, World
from tests.fakes.sink import FakeSink


class WatchedSink(FakeSink):
    """Calls `on_write` before it writes points."""

    on_write: Callable[[AssetPoints], None]

    async def replace(
        self, points: AssetPoints, collection: str, others: Collection[str], *, first: bool = False
    ) -> None:
        self.on_write(points)
        await super().replace(points, collection, others, first=first)


def world_with(sink: WatchedSink) -> World:
    def wrap(source: Source, _: Sink, ledger: CheckpointStore) -> tuple[Source, Sink, CheckpointStore]:
        return source, sink, ledger

    world = World(wrap)
    world.source.add(INDEX, "x")
    return world


async def test_vectors_count_until_they_are_written() -> None:
    sink, seen = WatchedSink(), list[tuple[int, int]]()
    world = world_with(sink)

    def note(points: AssetPoints) -> None:
        seen.append((world.source.memory.held, sum(named.matrix.nbytes for named in points.vectors.values())))

    sink.on_write = note
    await world.cycle()

    [(counted, written)] = seen
    assert counted == written > 0
    assert world.source.memory.held == 0


@pytest.mark.parametrize(
    "error",
    [ZeroDivisionError("ours"), PointsRejected("write", "x", "no"), Unavailable("write", "x", "no", side="sink")],
    ids=lambda error: type(error).__name__,
)
async def test_a_write_that_fails_gives_the_memory_back(error: Exception) -> None:
    def fail(_: AssetPoints) -> None:
        raise error

    sink = WatchedSink()
    sink.on_write = fail
    world = world_with(sink)
    await world.cycle()

    assert world.source.memory.held == 0
