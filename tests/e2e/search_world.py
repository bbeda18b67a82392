"""Synced videos of two models, and the ways to search them: over gRPC, over REST, embedded."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connector.search import AsyncVideoSearch, Moment, VideoSearch
from connector.simulator import IndexSpec, Scenario, Simulator, run_in_thread
from tests.command import Command
from tests.qdrant_server import QdrantServer, free_port, server_for_tests

KEY = "test-key"
WAYS = ("grpc", "rest", "embedded")
CAPTIONS = ["a diver feeds a shark", "a diver feeds a shark again", "monks ring a bronze bell", "rain on a tin roof"]
SCENARIO = Scenario(
    seed=5,
    indexes=(
        IndexSpec(name="newer", model="marengo3.0", generate=6, duration=(10.0, 40.0)),
        IndexSpec(name="older", model="marengo2.7", generate=4, duration=(10.0, 40.0)),
    ),
)


@dataclass(frozen=True, slots=True)
class SearchWorld:
    """`captioned` maps an index id to an asset with CAPTIONS, one per segment."""

    simulator: Simulator
    server: QdrantServer
    connector: Command
    newer: str
    older: str
    captioned: dict[str, str] = field(default_factory=dict)

    def arguments(self, way: str = "grpc", **changes: Any) -> dict[str, Any]:
        """Of a search."""
        grpc_port = self.server.grpc_port if way == "grpc" else free_port()
        return {
            "qdrant_url": "embedded" if way == "embedded" else self.server.url,
            "qdrant_grpc_port": grpc_port,
            "data_dir": self.connector.directory / "embedded",
            "twelvelabs_api_key": KEY,
            "twelvelabs_base_url": self.simulator.base_url,
            **changes,
        }

    def search(self, way: str = "grpc", **changes: Any) -> VideoSearch:
        return VideoSearch(**self.arguments(way, **changes))

    def async_search(self, way: str = "grpc", **changes: Any) -> AsyncVideoSearch:
        return AsyncVideoSearch(**self.arguments(way, **changes))


@contextmanager
def search_world(binary: Path, directory: Path, *, embedded: bool = True) -> Iterator[SearchWorld]:
    """Without `embedded`, only the server is synced."""
    (directory / "qdrant").mkdir()
    with server_for_tests(binary, directory / "qdrant", {}) as server, run_in_thread(SCENARIO) as simulator:
        server.start()
        connector = Command(
            directory,
            {
                "TWELVELABS_API_KEY": KEY,
                "TWELVELABS_BASE_URL": simulator.base_url,
                "QDRANT_URL": server.url,
                "QDRANT_GRPC_PORT": str(server.grpc_port),
                "CONNECTOR_INDEXES": "*",
            },
        )
        newer, older = simulator.control.index_ids
        world = SearchWorld(simulator, server, connector, newer, older)
        for index_id in simulator.control.index_ids:
            world.captioned[index_id] = simulator.control.add_asset(index_id, "captioned.mp4", captions=list(CAPTIONS))
            simulator.control.patch_metadata(index_id, world.captioned[index_id], {"category": "sea", "batch": 7})
        beside = [{"QDRANT_URL": "embedded", "CONNECTOR_DATA_DIR": "embedded"}] if embedded else []
        for settings in ({}, *beside):
            synced = connector.run("sync", **settings)
            assert synced.code == 0, synced.stderr
        yield world


def place(moment: Moment) -> tuple[str, float]:
    return moment.indexed_asset_id, moment.start_sec
