"""Deletes of points are told with their number, once Qdrant has acknowledged them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connector.domain.events import Event, PointsDeleted
from connector.qdrant.sink import QdrantSink
from tests.contract.asset_points import OTHER_INDEX, asset_points, spec
from tests.contract.sinks import FOREIGN_POINT, QdrantBench
from tests.qdrant_server import Endpoint, drop_collections

FIRST, SECOND = "index-1", "index-2"


class Told:
    """The numbers that were told since they were last asked for, by index."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event, /) -> None:
        self.events.append(event)

    def deletes(self) -> list[tuple[str, int]]:
        found = [(it.index_id, it.count) for it in self.events if isinstance(it, PointsDeleted)]
        self.events.clear()
        return found


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture(params=["embedded", "server"])
async def sink(
    request: pytest.FixtureRequest, tmp_path: Path, collection: str, told: Told
) -> AsyncIterator[QdrantSink]:
    if request.param == "embedded":
        found = QdrantSink("embedded", None, 0, tmp_path, observe=told)
    else:
        server: Endpoint = request.getfixturevalue("qdrant")
        found = QdrantSink(server.url, server.api_key, server.grpc_port, tmp_path, observe=told)
    await found.ensure(spec(collection), {})
    yield found
    await found.close()
    if request.param == "server":
        drop_collections(server, collection)


async def test_a_delete_tells_how_many_points_there_were(sink: QdrantSink, collection: str, told: Told) -> None:
    await sink.replace(asset_points(segments=4), collection, (), first=True)
    await sink.replace(asset_points(segments=2, index=OTHER_INDEX), collection, (), first=True)
    before = told.deletes()

    await sink.delete([collection], FIRST, "asset-1")
    first = told.deletes()
    await sink.delete([collection], FIRST, "asset-1")
    await sink.delete([collection, "no-such-collection"], SECOND, "asset-1")

    assert (before, first) == ([], [(FIRST, 4)])
    assert told.deletes() == [(SECOND, 2)]


async def test_a_replacement_tells_what_it_removed_and_not_what_it_overwrote(
    sink: QdrantSink, collection: str, told: Told
) -> None:
    await sink.replace(asset_points(segments=5), collection, (), first=True)
    await sink.replace(asset_points(segments=5, seed=1), collection, ())
    same = told.deletes()
    await sink.replace(asset_points(segments=2, seed=2), collection, ())

    assert same == []
    assert told.deletes() == [(FIRST, 3)]
    assert await sink.count(collection, FIRST) == 2


async def test_points_of_others_are_neither_deleted_nor_counted(sink: QdrantSink, collection: str, told: Told) -> None:
    await sink.replace(asset_points(segments=3), collection, (), first=True)
    bench = QdrantBench(sink)
    await bench.put(collection, {FOREIGN_POINT: next(iter((await bench.stored(collection)).values()))})

    await sink.delete([collection], FIRST, "asset-1")

    assert told.deletes() == [(FIRST, 3)]
    assert set(await bench.stored(collection)) == {FOREIGN_POINT}
