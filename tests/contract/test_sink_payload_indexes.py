"""The payload indexes of a new collection exist before its first point, whatever happens while they are made."""

import asyncio
import gc
from pathlib import Path

import pytest

from connector.domain.errors import SinkMismatch, Unavailable
from connector.qdrant.collection_layout import PAYLOAD_INDEXES
from connector.qdrant.sink import QdrantSink
from tests.conftest import ServerFactory
from tests.contract.asset_points import asset_points, spec
from tests.contract.sinks import QdrantBench
from tests.contract.test_sink_server import vendor_client

METADATA = {f"key-{number}": "keyword" for number in range(20)}


async def indexed(sink: QdrantSink, collection: str) -> int:
    info = await sink.inspect(collection)
    return len(info.payload_indexes) if info else 0


async def test_the_first_points_wait_for_the_payload_indexes(remote: QdrantBench, collection: str) -> None:
    await remote.sink.ensure(spec(collection), METADATA)

    await remote.sink.replace(asset_points(), collection, ())

    assert await indexed(remote.sink, collection) == len(PAYLOAD_INDEXES) + len(METADATA)


@pytest.mark.usefixtures("no_waiting")
async def test_payload_indexes_that_an_outage_prevented_are_made_before_the_first_points(
    new_qdrant: ServerFactory, collection: str, tmp_path: Path
) -> None:
    server = new_qdrant()
    server.start()
    sink = QdrantSink(server.url, None, server.grpc_port, tmp_path)
    await sink.ensure(spec(collection), METADATA)
    server.kill()
    with pytest.raises(Unavailable, match=r"index payload key|write points"):
        await sink.replace(asset_points(), collection, ())

    server.start()
    await sink.replace(asset_points(), collection, ())

    assert await indexed(sink, collection) == len(PAYLOAD_INDEXES) + len(METADATA)
    await sink.close()


@pytest.mark.usefixtures("no_waiting")
async def test_payload_indexes_that_nobody_waited_for_fail_silently(
    new_qdrant: ServerFactory, collection: str, tmp_path: Path
) -> None:
    """Whoever needs them makes them again; asyncio must not report an error of its own when the sink is closed."""
    reported = list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    server = new_qdrant()
    server.start()
    sink = QdrantSink(server.url, None, server.grpc_port, tmp_path)
    await sink.ensure(spec(collection), METADATA)
    server.kill()
    await asyncio.wait({task for task in asyncio.all_tasks() if "_index_payloads" in repr(task.get_coro())})

    await sink.close()
    del sink
    gc.collect()

    assert reported == []


async def test_a_collection_deleted_while_they_are_made_is_created_again(
    new_qdrant: ServerFactory, collection: str, tmp_path: Path
) -> None:
    server = new_qdrant()
    server.start()
    sink = QdrantSink(server.url, None, server.grpc_port, tmp_path)
    first = await sink.ensure(spec(collection), METADATA)
    async with vendor_client(server.endpoint) as client:
        await client.delete_collection(collection)
    with pytest.raises(SinkMismatch):
        await sink.replace(asset_points(), collection, ())

    second = await sink.ensure(spec(collection), METADATA)
    await sink.replace(asset_points(), collection, ())

    assert first.instance_id != second.instance_id
    assert await indexed(sink, collection) == len(PAYLOAD_INDEXES) + len(METADATA)
    await sink.close()
