"""The implementations that the contract suites test."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from connector.domain.ledger_place import LedgerPlace
from connector.ledger.ledger_opening import open_store
from connector.ports import CheckpointStore
from connector.qdrant.sink import QdrantSink
from tests.conftest import COLLECTION_PREFIX
from tests.contract.asset_points import spec
from tests.contract.sinks import Bench, FakeBench, QdrantBench
from tests.fakes.ledger import FakeCheckpointStore
from tests.fakes.sink import FakeSink
from tests.qdrant_server import Endpoint, drop_collections, free_port


@pytest.fixture(params=["fake", "embedded", "grpc", "rest"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path, collection: str) -> AsyncIterator[Bench]:
    """Every implementation of the Sink port."""
    if request.param == "fake":
        yield FakeBench(FakeSink())
        return
    async with _opened(request, tmp_path, collection) as running:
        yield running


@pytest.fixture(params=["embedded", "grpc", "rest"])
async def real_bench(request: pytest.FixtureRequest, tmp_path: Path, collection: str) -> AsyncIterator[QdrantBench]:
    """Qdrant in every way, without the fake."""
    async with _opened(request, tmp_path, collection) as running:
        yield running


@asynccontextmanager
async def _opened(request: pytest.FixtureRequest, tmp_path: Path, collection: str) -> AsyncIterator[QdrantBench]:
    if request.param == "embedded":
        sink = QdrantSink("embedded", None, 0, tmp_path)
        yield QdrantBench(sink)
        await sink.close()
        return
    server: Endpoint = request.getfixturevalue("qdrant")
    grpc_port = server.grpc_port if request.param == "grpc" else free_port()
    sink = QdrantSink(server.url, server.api_key, grpc_port, tmp_path)
    yield QdrantBench(sink)
    await sink.close()
    drop_collections(server, collection)


@pytest.fixture
async def remote(qdrant: Endpoint, tmp_path: Path, collection: str) -> AsyncIterator[QdrantBench]:
    """The sink on the real server, over gRPC."""
    sink = QdrantSink(qdrant.url, qdrant.api_key, qdrant.grpc_port, tmp_path)
    yield QdrantBench(sink)
    await sink.close()
    drop_collections(qdrant, collection)


@pytest.fixture
def collection() -> str:
    """A collection name that no other test uses."""
    return f"{COLLECTION_PREFIX}{uuid.uuid4().hex[:12]}"


@pytest.fixture
async def ready(bench: Bench, collection: str) -> Bench:
    """Every implementation, with the collection already created."""
    await bench.sink.ensure(spec(collection), {})
    return bench


@pytest.fixture(params=["sqlite", "postgres", "fake"])
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CheckpointStore]:
    """Every implementation of the CheckpointStore port."""
    if request.param == "fake":
        yield FakeCheckpointStore()
        return
    async with open_store(_place(request, tmp_path)) as store:
        yield store


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> LedgerPlace:
    """A ledger that does not exist yet, in every database."""
    return _place(request, tmp_path)


def _place(request: pytest.FixtureRequest, tmp_path: Path) -> LedgerPlace:
    url = request.getfixturevalue("postgres_ledger") if request.param == "postgres" else None
    return LedgerPlace(tmp_path, url)
