"""One simulator and one Qdrant server for all rows of the fault matrix: each row has an index that was synced."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from qdrant_client import QdrantClient, models

from connector.simulator import IndexSpec, Scenario, Simulator, run_in_thread
from tests.command import Command, Ended
from tests.e2e.fault_matrix import ROWS, Row
from tests.e2e.fault_rows import ELSEWHERE, Proven
from tests.e2e.oracle import check_equal, stored
from tests.e2e.other_faults import NARROW, READ_ONLY_KEY
from tests.qdrant_server import QdrantServer

SOURCE_KEY, SINK_KEY = "the-key-of-twelvelabs", "the-key-of-qdrant"
COLLECTION = "twelvelabs-marengo3.0"
SERVER = {"QDRANT__SERVICE__API_KEY": SINK_KEY, "QDRANT__SERVICE__READ_ONLY_API_KEY": READ_ONLY_KEY}
PLACES = {id(row): place for place, row in enumerate(row for row in ROWS if not isinstance(row, Proven))}


@dataclass
class Elsewhere:
    """Another server, which notes the headers of each request."""

    url: str
    heard: list[Mapping[str, str]] = field(default_factory=list)


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.heard.append(dict(self.headers.items()))
            self.send_response(204)
            self.end_headers()

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002  as in the base class
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Elsewhere(f"http://localhost:{server.server_port}")
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Stand:
    """A row's index and command."""

    simulator: Simulator
    client: QdrantClient
    elsewhere: Elsewhere
    connector: Command
    seed: Path
    index: str
    assets: list[str]
    changed: str = ""
    new: str = ""

    @property
    def ledger(self) -> Path:
        return self.connector.directory / "data" / "ledger.sqlite3"

    def restore_ledger(self) -> None:
        shutil.rmtree(self.ledger.parent)
        shutil.copytree(self.seed / "data", self.ledger.parent)

    def change(self) -> None:
        """There is a new asset, and one has changed."""
        self.changed = self.assets[0]
        self.simulator.control.update_asset(self.index, self.changed, duration=33.0)
        self.new = self.simulator.control.add_asset(self.index, "new.mp4", duration=12.0)

    def inject(self, path: str, fault: Mapping[str, Any], method: str = "GET") -> None:
        headers = {name: it.replace(ELSEWHERE, self.elsewhere.url) for name, it in fault.get("headers", {}).items()}
        self.simulator.control.inject(f"{method} {path}", **{**fault, "headers": headers})

    def points(self, *without: str) -> dict[str, Any]:
        """The stored points, without those of these assets."""
        found = stored(self.client, COLLECTION, self.index)
        return {key: it for key, it in found.items() if it["payload"]["indexed_asset_id"] not in without}

    def sync(self, **settings: str) -> Ended:
        """The operator reads neither keys nor tracebacks."""
        ended = self.connector.run("sync", "--json", **settings)
        assert_readable(ended)
        return ended

    def check_clean_sync(self) -> None:
        """Without the fault, `sync` ends with 0 and Qdrant equals the source."""
        self.simulator.control.clear_faults()
        ended = self.sync()
        assert ended.code == 0, ended.stdout
        self.check_equal()

    def check_equal(self) -> None:
        assert check_equal(self.client, self.simulator.base_url, self.index) > 0


@dataclass
class Bench:
    simulator: Simulator
    client: QdrantClient
    elsewhere: Elsewhere
    seed: Path
    settings: Mapping[str, str]

    def stand(self, row: Row, directory: Path) -> Stand:
        """With a copy of the ledger after the first sync."""
        index = self.simulator.control.index_ids[PLACES[id(row)]]
        shutil.copytree(self.seed / "data", directory / "data")
        connector = Command(directory, {**self.settings, "CONNECTOR_INDEXES": index})
        assets = self.simulator.control.asset_ids(index)
        return Stand(self.simulator, self.client, self.elsewhere, connector, self.seed, index, assets)


@contextmanager
def bench(server: QdrantServer, seed: Path) -> Iterator[Bench]:
    """All indexes are synced once, with the ledger in `seed`."""
    specs = tuple(IndexSpec(name=f"row-{place}", generate=3, duration=(6.0, 12.0)) for place in PLACES.values())
    client = QdrantClient(url=server.url, metadata={"api-key": SINK_KEY}, check_compatibility=False)
    with run_in_thread(Scenario(seed=11, indexes=specs)) as simulator, elsewhere() as other:
        settings = {
            "TWELVELABS_API_KEY": SOURCE_KEY,
            "TWELVELABS_BASE_URL": simulator.base_url,
            "QDRANT_URL": server.url,
            "QDRANT_GRPC_PORT": str(server.grpc_port),
            "QDRANT_API_KEY": SINK_KEY,
        }
        ended = Command(seed, {**settings, "CONNECTOR_INDEXES": "*"}).run("sync", "--json")
        assert ended.code == 0, ended.stdout
        narrow = {
            option: models.VectorParams(size=256, distance=models.Distance.COSINE)
            for option in ("visual", "audio", "transcription")
        }
        client.create_collection(NARROW.format(model="marengo3.0"), vectors_config=narrow)
        yield Bench(simulator, client, other, seed, settings)
    client.close()


def assert_readable(ended: Ended) -> None:
    for text in (ended.stdout, ended.stderr):
        assert SOURCE_KEY not in text
        assert SINK_KEY not in text
        assert "Traceback" not in text
