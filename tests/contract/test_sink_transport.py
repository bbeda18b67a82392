"""From REST back to gRPC, on a real server whose gRPC port can be reached later than REST."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from connector.domain.errors import Unavailable
from connector.qdrant.connection import Connection, Transport
from connector.qdrant.session import GRPC_TRIAL_SEC
from connector.qdrant.sink import QdrantSink
from tests.conftest import ServerFactory
from tests.contract.asset_points import asset_points, spec
from tests.fakes.clock import FakeTime
from tests.qdrant_server import free_port


@asynccontextmanager
async def forwarded(port: int, target: int) -> AsyncIterator[None]:
    """The target can be reached at `port` inside this block only."""
    writers: list[asyncio.StreamWriter] = []

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        writers.extend((writer, far_writer))
        async with asyncio.TaskGroup() as pair:
            pair.create_task(copy(reader, far_writer))
            pair.create_task(copy(far_reader, writer))

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.create_task(talk(reader, writer))

    async with asyncio.TaskGroup() as talks, await asyncio.start_server(accept, "127.0.0.1", port) as server:
        yield
        server.close()
        for writer in writers:
            writer.transport.abort()
    for writer in writers:
        with suppress(ConnectionError):
            await writer.wait_closed()


async def transport_of(sink: QdrantSink) -> Transport:
    async def look(connection: Connection) -> Transport:
        return connection.transport

    return await sink._session.once("look", "", look)


async def trial_ended(sink: QdrantSink) -> None:
    if sink._session._trial:
        await asyncio.wait([sink._session._trial])


async def test_after_a_restart_in_which_rest_came_first_grpc_is_used_again_within_a_minute(
    new_qdrant: ServerFactory, collection: str, tmp_path: Path, no_waiting: None
) -> None:
    server, clock, port = new_qdrant(), FakeTime(), free_port()
    server.start()
    sink = QdrantSink(server.url, None, port, tmp_path, monotonic=lambda: clock.now)
    async with forwarded(port, server.grpc_port):
        await sink.ensure(spec(collection), {})
        await sink._setup.indexed(collection)
        assert await transport_of(sink) is Transport.GRPC
    server.kill()
    with pytest.raises(Unavailable):
        await sink.count(collection, "index-1")

    server.start()
    with capture_logs() as logs:
        await sink.replace(asset_points(), collection, ())
        assert await transport_of(sink) is Transport.REST
        await clock.sleep(GRPC_TRIAL_SEC)
        assert await sink.count(collection, "index-1") == 3, "gRPC is still blocked: REST goes on"
        await trial_ended(sink)
        assert await transport_of(sink) is Transport.REST

        async with forwarded(port, server.grpc_port):
            await clock.sleep(GRPC_TRIAL_SEC)
            await transport_of(sink)
            await trial_ended(sink)
            assert await transport_of(sink) is Transport.GRPC
            assert await sink.count(collection, "index-1") == 3
            await sink.close()

    assert 2 * GRPC_TRIAL_SEC <= 60
    ours = [entry["event"] for entry in logs if entry["event"].startswith("qdrant.")]
    assert ours == ["qdrant.grpc_unreachable", "qdrant.grpc_reached"]
