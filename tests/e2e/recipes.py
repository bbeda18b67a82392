"""The recipes of README.md and docs/ as files in one directory, and a synced world to run them in."""

import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from connector.simulator import Simulator, run_in_thread
from tests.command import TIMEOUT_SEC, Command, Ended
from tests.e2e import oracle
from tests.e2e.pages import RECIPES, ROOT
from tests.qdrant_server import QdrantServer, server_for_tests

COLLECTION = "twelvelabs-marengo3.0"
KEY = "a-key-of-qdrant"

_SERVED = "http://127.0.0.1:8765"


@dataclass(frozen=True, slots=True)
class World:
    """The simulator's content, synced into a collection that the user created.

    `points` are those of `index_id`. `made` and `synced` are the results of the recipe that creates the collection and
    of the sync.
    """

    simulator: Simulator
    client: QdrantClient
    connector: Command
    made: Ended
    synced: Ended
    index_id: str
    asset_id: str
    points: Mapping[str, oracle.Point]

    def run(self, recipe: str) -> Ended:
        return run(self.connector, recipe, INDEX_ID=self.index_id, ASSET_ID=self.asset_id)


@contextmanager
def synced_world(qdrant_binary: Path, directories: pytest.TempPathFactory) -> Iterator[World]:
    secured = {"QDRANT__SERVICE__API_KEY": KEY}
    with (
        server_for_tests(qdrant_binary, directories.mktemp("qdrant"), secured) as server,
        run_in_thread() as simulator,
    ):
        recipes = write_recipes(directories.mktemp("recipes"), simulator.base_url)
        connector = Command(recipes, _settings(simulator, server))
        server.start()
        client = _client(server)
        try:
            made, synced = run(connector, "own_collection.py"), connector.run("sync", "--json")
            index_id = simulator.control.index_ids[0]
            asset_id = simulator.control.asset_ids(index_id)[0]
            points = oracle.stored(client, COLLECTION, index_id)
            yield World(
                simulator=simulator,
                client=client,
                connector=connector,
                made=made,
                synced=synced,
                index_id=index_id,
                asset_id=asset_id,
                points=points,
            )
        finally:
            client.close()


def write_recipes(directory: Path, base_url: str) -> Path:
    """As printed, except for the port of the simulator."""
    for name, content in RECIPES.items():
        (directory / name).write_text(content.replace(_SERVED, base_url.removesuffix("/v1.3")), encoding="utf-8")
    return directory


def run(connector: Command, recipe: str, **variables: str) -> Ended:
    """Runs one in their directory, with the connector's settings as environment and its command on the path."""
    if recipe.endswith(".sh") and "curl " in RECIPES.get(recipe, ""):
        _require_curl()
    shell = ["bash", "-e", "-o", "pipefail"] if recipe.endswith(".sh") else [sys.executable]
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        [*shell, recipe],
        cwd=connector.directory,
        env={**connector.settings, "PATH": path, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SEC,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def lines(ended: Ended) -> list[str]:
    """The output of a recipe, which must succeed without a warning."""
    assert ended.code == 0, ended.stdout + ended.stderr
    assert ended.stderr == ""
    return ended.stdout.splitlines()


def _require_curl() -> None:
    """Without curl its recipes are skipped. In CI they fail, because a skipped test proves nothing."""
    if shutil.which("curl") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("there is no curl to run the recipes with")
        pytest.skip("there is no curl")


def _settings(simulator: Simulator, server: QdrantServer) -> dict[str, str]:
    return {
        "TWELVELABS_API_KEY": "test-key",
        "TWELVELABS_BASE_URL": simulator.base_url,
        "QDRANT_URL": server.url,
        "QDRANT_API_KEY": KEY,
        "QDRANT_GRPC_PORT": str(server.grpc_port),
        "CONNECTOR_INDEXES": "*",
        "CONNECTOR_METADATA_INDEXES": "category:keyword",
    }


def _client(server: QdrantServer) -> QdrantClient:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Api key is used with an insecure connection")
        return QdrantClient(url=server.url, api_key=KEY, check_compatibility=False)
