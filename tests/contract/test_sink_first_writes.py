"""First writes of assets at the same time: they may share requests, and each ends as if it were alone."""

import asyncio
from dataclasses import replace
from pathlib import Path

from connector.domain.errors import PointsRejected
from connector.domain.events import Event, SinkRequestEnded
from connector.domain.points import AssetPoints
from connector.qdrant.sink import QdrantSink
from tests.contract.asset_points import DIMENSION, OTHER_INDEX, asset_points, spec
from tests.contract.sinks import Bench, QdrantBench, Stored
from tests.qdrant_server import Endpoint

ASSETS = 20


async def first_writes(bench: Bench, collection: str, assets: list[AssetPoints]) -> list[PointsRejected | None]:
    async def write(points: AssetPoints) -> PointsRejected | None:
        try:
            await bench.sink.replace(points, collection, (), first=True)
        except PointsRejected as refusal:
            return refusal
        return None

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(write(points)) for points in assets]
    return [task.result() for task in tasks]


async def test_all_points_of_all_assets_are_stored(bench: Bench, collection: str) -> None:
    await bench.sink.ensure(spec(collection), {})
    assets = [asset_points(f"asset-{number}", number) for number in range(ASSETS)]
    assets += [asset_points(f"other-{number}", 2, index=OTHER_INDEX) for number in range(3)]
    assets.append(asset_points("long", 100))

    assert await first_writes(bench, collection, assets) == [None] * len(assets)

    stored = await bench.stored(collection)
    assert stored.keys() == {point_id for points in assets for point_id in points.ids}
    for points in assets:
        for row, point_id in enumerate(points.ids):
            assert stored[point_id].payload == points.payload(row, points.options)


async def test_points_of_an_earlier_revision_are_replaced_all_the_same(bench: Bench, collection: str) -> None:
    """Somebody restored them, and the ledger does not know of them."""
    await bench.sink.ensure(spec(collection), {})
    await bench.sink.replace(asset_points("asset-3", 5, seed=1), collection, ())
    assets = [asset_points(f"asset-{number}") for number in range(ASSETS)]

    assert await first_writes(bench, collection, assets) == [None] * ASSETS

    assert (await bench.stored(collection)).keys() == {point_id for points in assets for point_id in points.ids}


async def test_points_of_others_with_our_keys_stay(bench: Bench, collection: str) -> None:
    await bench.sink.ensure(spec(collection), {})
    theirs = "11111111-2222-3333-4444-555555555555"
    copied = asset_points("asset-3")
    await bench.put(collection, {theirs: Stored(copied.payload(0, copied.options), {})})

    assert await first_writes(bench, collection, [asset_points(f"asset-{number}") for number in range(ASSETS)])

    assert theirs in await bench.stored(collection)
    assert len(await bench.stored(collection)) == 3 * ASSETS + 1


async def test_a_rejected_asset_does_not_affect_the_others(remote: QdrantBench, collection: str) -> None:
    await remote.sink.ensure(spec(collection), {})
    assets = [asset_points(f"asset-{number}") for number in range(ASSETS)]
    assets[7] = asset_points("asset-7", dimension=DIMENSION + 1)

    refusals = await first_writes(remote, collection, assets)

    assert [number for number, refusal in enumerate(refusals) if refusal] == [7]
    assert "asset-7" in str(refusals[7])
    stored = {one.payload["indexed_asset_id"] for one in (await remote.stored(collection)).values()}
    assert stored >= {f"asset-{number}" for number in range(ASSETS)} - {"asset-7"}


async def test_small_assets_share_requests(qdrant: Endpoint, collection: str, tmp_path: Path) -> None:
    events: list[Event] = []
    sink = QdrantSink(qdrant.url, qdrant.api_key, qdrant.grpc_port, tmp_path, observe=events.append)
    await sink.ensure(spec(collection), {})
    await first_writes(QdrantBench(sink), collection, [asset_points("warm-up")])
    events.clear()

    await first_writes(QdrantBench(sink), collection, [asset_points(f"asset-{number}") for number in range(ASSETS)])

    sent = [it.operation for it in events if isinstance(it, SinkRequestEnded)]
    assert sent.count("write points to collection") <= ASSETS / 4
    assert len(sent) <= ASSETS / 2
    await sink.close()


async def test_a_write_waits_for_those_that_come_soon(qdrant: Endpoint, collection: str, tmp_path: Path) -> None:
    events: list[Event] = []
    sink = QdrantSink(qdrant.url, qdrant.api_key, qdrant.grpc_port, tmp_path, observe=events.append)
    await sink.ensure(spec(collection), {})
    await first_writes(QdrantBench(sink), collection, [asset_points("warm-up")])
    events.clear()
    prepared = [asyncio.Event() for _ in range(4)]

    async def prepare_and_write(number: int) -> None:
        with sink.announce_write(collection, 3):
            await prepared[number].wait()
            if number != 2:  # this one turns out to be unchanged
                await sink.replace(asset_points(f"asset-{number}"), collection, (), first=True)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(prepare_and_write(number)) for number in range(4)]
        long = asset_points("long", 100)
        with sink.announce_write(collection, len(long)):
            await sink.replace(long, collection, (), first=True)  # it waits for nobody
        for number in range(3):
            prepared[number].set()
            await sink.version()
            assert not any(task.done() for task in tasks if task is not tasks[2])
        prepared[3].set()

    sent = [it.operation for it in events if isinstance(it, SinkRequestEnded)]
    assert sent.count("write points to collection") == 2
    await sink.close()


async def test_a_write_does_not_wait_for_those_to_another_collection(bench: Bench, collection: str) -> None:
    await bench.sink.ensure(spec(collection), {})

    async def come_to_another() -> None:
        with bench.sink.announce_write("another", 3):
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        other = group.create_task(come_to_another())
        await asyncio.sleep(0)
        await bench.sink.replace(asset_points(), collection, (), first=True)
        assert not other.done()
        other.cancel()


async def test_a_write_waits_for_nobody_that_gave_up(bench: Bench, collection: str) -> None:
    await bench.sink.ensure(spec(collection), {})

    async def give_up() -> None:
        with bench.sink.announce_write(collection, 3):
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        other = group.create_task(give_up())
        write = group.create_task(bench.sink.replace(asset_points(), collection, (), first=True))
        await asyncio.sleep(0)
        other.cancel()
        await write

    assert await bench.sink.count(collection, asset_points().index_id) == len(asset_points())


async def test_assets_with_much_metadata_do_not_share_requests(
    qdrant: Endpoint, collection: str, tmp_path: Path
) -> None:
    """A request is bounded by bytes, not only by points: every point carries the metadata of its asset."""
    events: list[Event] = []
    sink = QdrantSink(qdrant.url, qdrant.api_key, qdrant.grpc_port, tmp_path, observe=events.append)
    await sink.ensure(spec(collection), {})
    assets = [asset_points(f"asset-{number}", 10, metadata={"text": "x" * 50_000}) for number in range(8)]

    assert await first_writes(QdrantBench(sink), collection, assets) == [None] * 8

    sent = [it.operation for it in events if isinstance(it, SinkRequestEnded)]
    assert sent.count("write points to collection") == 8
    await sink.close()


async def test_a_write_that_is_cancelled_does_not_stop_those_that_wait_for_it(bench: Bench, collection: str) -> None:
    await bench.sink.ensure(spec(collection), {})
    assets = [asset_points(f"asset-{number}") for number in range(ASSETS)]

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(bench.sink.replace(points, collection, (), first=True)) for points in assets]
        await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[5].cancel()

    stored = {one.payload["indexed_asset_id"] for one in (await bench.stored(collection)).values()}
    assert stored >= {f"asset-{number}" for number in range(ASSETS)} - {"asset-0", "asset-5"}


async def test_the_same_asset_twice_at_once_is_stored_once(bench: Bench, collection: str) -> None:
    await bench.sink.ensure(spec(collection), {})
    one = asset_points()
    other = replace(one, asset_payload={**one.asset_payload, "filename": "other.mp4"})

    assert await first_writes(bench, collection, [one, other, asset_points("another")]) == [None] * 3

    assert len(await bench.stored(collection)) == 6
