"""What a measurement needs around it: a prepared source and a fresh Qdrant server, each a process of its own."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from qdrant_client import QdrantClient

from benchmarks.library import INDEX_ID, Library
from benchmarks.processes import cpu_seconds, environment
from benchmarks.source import COUNTERS
from tests.qdrant_server import QdrantServer, find_binary, free_port


@dataclass(frozen=True, slots=True)
class Source:
    """The running source of prepared bodies."""

    port: int
    pid: int

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1.3"

    def take_counters(self) -> dict[str, float]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", COUNTERS)
            found: dict[str, float] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return found

    def cpu_sec(self) -> float:
        return cpu_seconds(self.pid)


@contextmanager
def prepared_source(library: Library) -> Iterator[Source]:
    """Returns when all bodies are made and compressed."""
    command = [sys.executable, "-m", "benchmarks.source", json.dumps(asdict(library))]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield Source(int(process.stdout.readline()), process.pid)
    finally:
        process.kill()
        process.communicate()


@contextmanager
def fresh_qdrant() -> Iterator[QdrantServer]:
    """An empty server with the default settings; raises NoServerError if none is available."""
    with tempfile.TemporaryDirectory(prefix="bench-qdrant-") as directory:
        server = QdrantServer(find_binary(), Path(directory))
        server.start()
        try:
            yield server
        finally:
            server.kill()


@contextmanager
def client_of(server: QdrantServer) -> Iterator[QdrantClient]:
    client = QdrantClient(
        url=server.url, grpc_port=server.grpc_port, prefer_grpc=True, timeout=60, check_compatibility=False
    )
    try:
        yield client
    finally:
        client.close()


def connector_settings(base_url: str, server: QdrantServer, directory: Path, **more: str) -> dict[str, str]:
    return {
        "TWELVELABS_API_KEY": "benchmark",
        "TWELVELABS_BASE_URL": base_url,
        "QDRANT_URL": server.url,
        "QDRANT_GRPC_PORT": str(server.grpc_port),
        "CONNECTOR_INDEXES": INDEX_ID,
        "CONNECTOR_DATA_DIR": str(directory / "data"),
        "CONNECTOR_HTTP_PORT": str(free_port()),
        **more,
    }


def connector(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "connector", *arguments]


@contextmanager
def daemon(directory: Path, settings: Mapping[str, str]) -> Iterator[int]:
    """`connector run`; gives its process id. Its log is in `directory`."""
    with (directory / "daemon.log").open("wb") as log:
        process = subprocess.Popen(connector("run"), cwd=directory, env=environment(**settings), stdout=log, stderr=log)
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait()


def report_of(stdout: str) -> dict[str, Any]:
    """The only index of `sync --json`."""
    (found,) = json.loads(stdout)["indexes"]
    assert isinstance(found, dict)
    return found
