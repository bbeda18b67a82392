"""Synced videos with the payload profile `frameworks`, and the recipes of docs/integrations.md to run on them."""

import runpy
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connector.simulator import Simulator, run_in_thread
from tests.command import Command
from tests.e2e.pages import RECIPES
from tests.e2e.recipes import COLLECTION
from tests.qdrant_server import QdrantServer, server_for_tests

QUERY = "goal celebration"
SPORTS = {"category": "sports"}
EVERYTHING = 1000
_PRINTED_URL = "http://localhost:6333"

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FrameworksWorld:
    """`points` maps a point id to its payload, of both models."""

    simulator: Simulator
    server: QdrantServer
    connector: Command
    points: dict[str, Payload]

    @property
    def arguments(self) -> dict[str, Any]:
        """Of a search."""
        settings = self.connector.settings
        return {
            "qdrant_url": settings["QDRANT_URL"],
            "qdrant_grpc_port": self.server.grpc_port,
            "twelvelabs_api_key": settings["TWELVELABS_API_KEY"],
            "twelvelabs_base_url": settings["TWELVELABS_BASE_URL"],
        }

    def of_sports(self, option: str | None = None) -> dict[str, Payload]:
        """Those that the filter SPORTS selects; with an option, those of the newer model that have its vector."""
        return {
            key: payload
            for key, payload in self.points.items()
            if payload["user_metadata"].get("category") == "sports"
            if option is None or payload["embedding_model"] == "marengo3.0"
            if option in {None, *payload["embedding_options"]}
        }

    def run(self, recipe: str, patch: pytest.MonkeyPatch) -> dict[str, Any]:
        """Runs one of the page in this process, because its imports are slow, with the connector's settings.

        Returns its variables, to close what it leaves open: that ends with the process otherwise.
        """
        for name, value in self.connector.settings.items():
            patch.setenv(name, value)
        patch.chdir(self.connector.directory)
        path = self.connector.directory / recipe
        path.write_text(RECIPES[recipe].replace(_PRINTED_URL, self.server.url), encoding="utf-8")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Qdrant client version")  # the server of the tests is older
            left = runpy.run_path(str(path))
            for thread in threading.enumerate():
                if "_check_compatibility" in thread.name:  # of the client: it may warn later
                    thread.join()
            return left


@contextmanager
def frameworks_world(binary: Path, directories: pytest.TempPathFactory) -> Iterator[FrameworksWorld]:
    with server_for_tests(binary, directories.mktemp("qdrant"), {}) as server, run_in_thread() as simulator:
        server.start()
        settings = {
            "TWELVELABS_API_KEY": "test-key-of-twelvelabs",
            "TWELVELABS_BASE_URL": simulator.base_url,
            "QDRANT_URL": server.url,
            "QDRANT_GRPC_PORT": str(server.grpc_port),
            "CONNECTOR_INDEXES": "*",
            "CONNECTOR_PAYLOAD_PROFILE": "frameworks",
        }
        connector = Command(directories.mktemp("connector"), settings)
        assert connector.run("sync").code == 0
        yield FrameworksWorld(simulator, server, connector, _stored(server))


def check_text_and_metadata(payload: Payload, text: str, metadata: Payload) -> None:
    """A hit has what is stored: text, video and time range; also where nothing is said."""
    assert text == payload["page_content"]
    assert text.strip()
    for key in ("indexed_asset_id", "filename", "start_offset_sec", "end_offset_sec", "user_metadata", "created_at"):
        assert metadata[key] == payload[key]


def check_has_silence(points: dict[str, Payload]) -> None:
    assert {bool(it["transcript"]) for it in points.values()} == {True, False}


def is_place(line: str, points: dict[str, Payload]) -> bool:
    """True if a recipe printed the text, the asset and the start of one of these."""
    places = (f"{it['page_content']} {it['indexed_asset_id']} {it['start_offset_sec']}" for it in points.values())
    return any(line == place or line.startswith(f"{place} ") for place in places)


def _stored(server: QdrantServer) -> dict[str, Payload]:
    from qdrant_client import QdrantClient  # noqa: PLC0415  the frameworks import it anyway, and it is slow

    client = QdrantClient(url=server.url, check_compatibility=False)
    try:
        names = [COLLECTION, "twelvelabs-marengo2.7"]
        pages = [client.scroll(name, limit=EVERYTHING)[0] for name in names]
        return {str(record.id): record.payload or {} for page in pages for record in page}
    finally:
        client.close()
