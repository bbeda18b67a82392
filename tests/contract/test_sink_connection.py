"""Keys, transports and outages, on a real server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from connector.domain.errors import AuthenticationFailed, Unavailable
from connector.qdrant.sink import QdrantSink
from tests.conftest import ServerFactory
from tests.contract.asset_points import asset_points, spec
from tests.qdrant_server import Endpoint, QdrantServer, free_port

KEY = "correct-horse"


@asynccontextmanager
async def sink_on(
    server: QdrantServer, tmp_path: Path, *, key: str | None = None, grpc_port: int = 0
) -> AsyncIterator[QdrantSink]:
    sink = QdrantSink(server.url, key, grpc_port or server.grpc_port, tmp_path)
    try:
        yield sink
    finally:
        await sink.close()


async def test_a_blocked_grpc_port_means_rest_with_one_warning(
    qdrant: Endpoint, collection: str, tmp_path: Path
) -> None:
    sink = QdrantSink(qdrant.url, qdrant.api_key, free_port(), tmp_path)

    with capture_logs() as logs:
        await sink.ensure(spec(collection), {})
        await sink.replace(asset_points(), collection, ())
        await sink.close()

    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["qdrant.grpc_unreachable"]


async def test_a_wrong_key_is_named(new_qdrant: ServerFactory, collection: str, tmp_path: Path) -> None:
    """Over both transports, and without the key in the message; the right key works."""
    server = new_qdrant(QDRANT__SERVICE__API_KEY=KEY)
    server.start()
    for port in (server.grpc_port, free_port()):
        for wrong in ("wrong-key", None):
            async with sink_on(server, tmp_path, key=wrong, grpc_port=port) as sink:
                for call in (sink.version, sink.collections):
                    with pytest.raises(AuthenticationFailed, match="QDRANT_API_KEY") as refused:
                        await call()
                    assert "wrong-key" not in str(refused.value)

        async with sink_on(server, tmp_path, key=KEY, grpc_port=port) as sink:
            assert await sink.version()


async def test_writes_carry_the_key(new_qdrant: ServerFactory, collection: str, tmp_path: Path) -> None:
    server = new_qdrant(QDRANT__SERVICE__API_KEY=KEY)
    server.start()
    points = asset_points()
    for port in (server.grpc_port, free_port()):
        async with sink_on(server, tmp_path, key=KEY, grpc_port=port) as sink:
            await sink.ensure(spec(collection), {})
            await sink.replace(points, collection, ())
            assert await sink.count(collection, points.index_id) == len(points)


async def test_a_key_that_may_only_read_is_told_without_a_write(
    new_qdrant: ServerFactory, collection: str, tmp_path: Path
) -> None:
    server = new_qdrant(QDRANT__SERVICE__API_KEY=KEY, QDRANT__SERVICE__READ_ONLY_API_KEY="read-only")
    server.start()
    for port in (server.grpc_port, free_port()):
        async with sink_on(server, tmp_path, key="read-only", grpc_port=port) as reader:
            with pytest.raises(AuthenticationFailed, match="QDRANT_API_KEY"):
                await reader.check_write_access(None)
    async with sink_on(server, tmp_path, key=KEY) as sink:
        await sink.check_write_access(None)
        assert await sink.collections() == []
        info = await sink.ensure(spec(collection), {})
        await sink.replace(asset_points(), collection, ())
    for port in (server.grpc_port, free_port()):
        async with sink_on(server, tmp_path, key=KEY, grpc_port=port) as sink:
            await sink.check_write_access(info)
            assert await sink.count(collection, asset_points().index_id) == len(asset_points())
        async with sink_on(server, tmp_path, key="read-only", grpc_port=port) as reader:
            with pytest.raises(AuthenticationFailed, match="QDRANT_API_KEY"):
                await reader.check_write_access(info)


async def test_a_server_that_is_down_is_unavailable_and_found_again(
    new_qdrant: ServerFactory, collection: str, tmp_path: Path, no_waiting: None
) -> None:
    """Killed and restarted: acknowledged data is there, and the same sink continues."""
    server = new_qdrant()
    async with sink_on(server, tmp_path) as sink:
        with pytest.raises(Unavailable, match="QDRANT_URL") as down:
            await sink.ensure(spec(collection), {})
        assert down.value.side == "sink"

        server.start()
        instance_id = (await sink.ensure(spec(collection), {})).instance_id
        await sink.replace(asset_points(), collection, ())
        server.kill()
        with pytest.raises(Unavailable):
            await sink.count(collection, "index-1")
        server.start()

        assert (await sink.ensure(spec(collection), {})).instance_id == instance_id
        assert await sink.count(collection, "index-1") == 3
