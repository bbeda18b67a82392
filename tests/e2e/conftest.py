"""The real command with the simulator and a real Qdrant server."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from connector.simulator import IndexSpec, Knobs, Scenario, Simulator, run_in_thread
from tests.command import Command
from tests.qdrant_server import QdrantServer

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"  # read when it is imported; tests talk to this machine only


@pytest.fixture
def scenario() -> Scenario:
    """Two indexes of two models, assets of every status, silent segments, audio with its own time ranges."""
    statuses = {"failed": 0.1, "indexing": 0.1, "archived": 0.05}
    return Scenario(
        seed=5,
        knobs=Knobs(audio_grid="own"),
        indexes=(
            IndexSpec(name="newer", model="marengo3.0", generate=34, duration=(10.0, 60.0), statuses=statuses),
            IndexSpec(name="older", model="marengo2.7", generate=30, duration=(10.0, 60.0), statuses=statuses),
        ),
    )


@pytest.fixture
def simulator(scenario: Scenario) -> Iterator[Simulator]:
    with run_in_thread(scenario) as running:
        yield running


@pytest.fixture
def server(new_qdrant: Callable[..., QdrantServer]) -> QdrantServer:
    """A server for one test: it may be killed, and its collections have the default names."""
    running = new_qdrant()
    running.start()
    return running


@pytest.fixture
def client(server: QdrantServer) -> Iterator[QdrantClient]:
    with_rest = QdrantClient(url=server.url, check_compatibility=False)
    yield with_rest
    with_rest.close()


@pytest.fixture
def connector(tmp_path: Path, simulator: Simulator, server: QdrantServer) -> Command:
    return Command(
        tmp_path,
        {
            "TWELVELABS_API_KEY": "test-key",
            "TWELVELABS_BASE_URL": simulator.base_url,
            "QDRANT_URL": server.url,
            "QDRANT_GRPC_PORT": str(server.grpc_port),
            "CONNECTOR_INDEXES": "*",
        },
    )
