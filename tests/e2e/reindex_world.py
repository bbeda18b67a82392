"""The same videos in indexes of two models, synced by a connector, and a Qdrant server."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qdrant_client import QdrantClient

from connector.simulator import AssetSpec, IndexSpec, Scenario, Simulator, run_in_thread
from connector.simulator.world.scenes import Scene
from tests.command import Command, Ended
from tests.e2e import oracle
from tests.qdrant_server import QdrantServer, server_for_tests

KEY = "test-key"
OLD = "twelvelabs-marengo3.0"


BELL = Scene(visual="monks ring a bronze bell", audio="a bell rings", speech="hear the bell", seconds=8.0)
RAIN = Scene(visual="rain on a tin roof", audio="rain drums", speech="it rains", seconds=7.0)


def scenario(assets: int = 5, seconds: float = 24.0) -> Scenario:
    """So many generated videos, and one that can be searched; `asset` makes them the same uploads in both indexes."""
    videos = tuple(
        AssetSpec(filename=f"video-{number}.mp4", asset=f"upload-{number}", duration=seconds + number)
        for number in range(assets)
    )
    videos += (AssetSpec(filename="bell.mp4", asset="bell", scenes=(BELL, RAIN)),)
    specs = (IndexSpec(name="newer", assets=videos), IndexSpec(name="older", model="marengo2.7", assets=videos))
    return Scenario(seed=5, indexes=specs)


@dataclass(frozen=True, slots=True)
class ReindexWorld:
    """`newer` is the index of marengo3.0 and the configured one, `older` that of marengo2.7."""

    simulator: Simulator
    server: QdrantServer
    client: QdrantClient
    connector: Command

    @property
    def newer(self) -> str:
        return self.simulator.control.index_ids[0]

    @property
    def older(self) -> str:
        return self.simulator.control.index_ids[1]

    def alias_at(self, alias: str = "videos") -> str | None:
        return {it.alias_name: it.collection_name for it in self.client.get_aliases().aliases}.get(alias)

    def stored(self, collection: str) -> dict[str, Any]:
        """Point id -> vectors, of all points."""
        ids = self.simulator.control.index_ids
        return {
            key: it["vectors"] for index in ids for key, it in oracle.stored(self.client, collection, index).items()
        }

    def reindex(self, *arguments: str, **settings: str) -> Ended:
        return self.ended(0, *arguments, **settings)

    def ended(self, code: int, /, *arguments: str, **settings: str) -> Ended:
        """`connector reindex` with these arguments, which ends with this exit code."""
        ended = self.connector.run("reindex", *arguments, **settings)
        assert ended.code == code, (arguments, ended.stdout, ended.stderr)
        return ended

    def requests(self) -> int:
        return self.simulator.control.requests.total


@contextmanager
def reindex_world(binary: Path, directory: Path, world: Scenario | None = None) -> Iterator[ReindexWorld]:
    (directory / "qdrant").mkdir()
    with (
        server_for_tests(binary, directory / "qdrant", {}) as server,
        run_in_thread(world or scenario()) as simulator,
    ):
        server.start()
        settings: Mapping[str, str] = {
            "TWELVELABS_API_KEY": KEY,
            "TWELVELABS_BASE_URL": simulator.base_url,
            "QDRANT_URL": server.url,
            "QDRANT_GRPC_PORT": str(server.grpc_port),
            "CONNECTOR_INDEXES": simulator.control.index_ids[0],
        }
        client = QdrantClient(url=server.url, check_compatibility=False)
        try:
            yield ReindexWorld(simulator, server, client, Command(directory, settings))
        finally:
            client.close()
