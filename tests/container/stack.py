"""The composed services under their own project name and ports, seen from the host."""

import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qdrant_client import QdrantClient

from tests.container.engine import ROOT, ask, docker, environment_of, inspect
from tests.qdrant_server import free_port
from tests.waiting import wait_until

SYNC_SEC = 60
READ_KEY = ("cat", "/run/qdrant-key/api_key")
PUBLISHED = """
services:
  simulator:
    ports: ["127.0.0.1:${PORT_SIMULATOR}:8765"]
"""


def _ports() -> dict[str, str]:
    names = ("PORT_CONNECTOR", "PORT_QDRANT", "PORT_QDRANT_GRPC", "PORT_SIMULATOR")
    return {name: str(free_port()) for name in names}


@dataclass(frozen=True, slots=True)
class Stack:
    """docker-compose.yml unchanged, with `overlays` on top. `directory` holds the .env file."""

    project: str
    directory: Path
    image: str
    profile: str | None = "demo"
    overlays: tuple[Path, ...] = ()
    ports: dict[str, str] = field(default_factory=_ports)

    def configure(self, **settings: str) -> None:
        """The lines that the user writes into .env."""
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        (self.directory / ".env").write_text(lines, encoding="utf-8")

    def compose(self, *arguments: str, ok: bool = True) -> str:
        return docker(*self._command(*arguments), ok=ok, environment=self._environment())

    def begin(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """The same, but does not wait until it ends."""
        return subprocess.Popen(["docker", *self._command(*arguments)], env=environment_of(self._environment()))  # noqa: S607  the one in PATH

    def up(self, *services: str) -> None:
        """Returns when all services are healthy."""
        self.compose("up", "--detach", "--wait", *services)

    def never_started(self, service: str) -> bool:
        return str(self.state(service)["StartedAt"]).startswith("0001-")

    def state(self, service: str) -> Any:
        return inspect("container", f"{self.project}-{service}-1")["State"]

    def run_inside(self, service: str, *command: str) -> str:
        return self.compose("exec", "--no-TTY", service, *command)

    @property
    def status(self) -> Any:
        return ask(f"http://127.0.0.1:{self.ports['PORT_CONNECTOR']}/api/status")

    @property
    def readiness(self) -> Any:
        return ask(f"http://127.0.0.1:{self.ports['PORT_CONNECTOR']}/readyz")

    @property
    def qdrant_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['PORT_QDRANT']}"

    @property
    def simulated(self) -> str:
        """The base URL of the TwelveLabs API."""
        return f"http://127.0.0.1:{self.ports['PORT_SIMULATOR']}/v1.3"

    def look(self, path: str) -> Any:
        """A resource of the simulator's control API."""
        return ask(f"http://127.0.0.1:{self.ports['PORT_SIMULATOR']}/_control/{path}")

    def tell(self, operation: str, **arguments: Any) -> Any:
        return ask(f"http://127.0.0.1:{self.ports['PORT_SIMULATOR']}/_control/{operation}", arguments)

    @property
    def index_ids(self) -> list[str]:
        return [str(index["_id"]) for index in self.look("state")["indexes"]]

    @property
    def qdrant_key(self) -> str:
        """The generated key, as the documents tell to read it."""
        return self.run_inside("qdrant", *READ_KEY).strip()

    @contextmanager
    def client(self, key: str | None = None, *, grpc: bool = False) -> Iterator[QdrantClient]:
        """With this key, by default the generated one; none if it is empty."""
        key = self.qdrant_key if key is None else key
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Api key is used with an insecure connection")
            opened = QdrantClient(
                url=self.qdrant_url,
                grpc_port=int(self.ports["PORT_QDRANT_GRPC"]),
                prefer_grpc=grpc,
                api_key=key or None,
                check_compatibility=False,
            )
        yield opened
        opened.close()

    def wait_until_synced(self) -> None:
        wait_until(self._is_synced, SYNC_SEC, "every index is synced and its loop waits for the next cycle")

    def _is_synced(self) -> bool:
        try:
            status = self.status
        except OSError:
            return False
        loops = status["daemon"]["indexes"].values()
        reports = [index["last_cycle"] or {"error": "none yet"} for index in status["indexes"]]
        idle = all(loop["doing"] == "waiting" and not loop["error"] for loop in loops)
        clean = all(not it["error"] and it["complete"] and not it["interrupted"] for it in reports)
        return bool(loops) and idle and clean and len(reports) >= len(loops)

    def _command(self, *arguments: str) -> list[str]:
        files = [ROOT / "docker-compose.yml", *self.overlays]
        profile = ["--profile", self.profile] if self.profile else []
        return [
            "compose",
            *("--ansi", "never", "--project-name", self.project, "--project-directory", str(ROOT)),
            *("--env-file", str(self.directory / ".env")),
            *(part for file in files for part in ("--file", str(file))),
            *profile,
            *arguments,
        ]

    def _environment(self) -> dict[str, str]:
        return {**self.ports, "IMAGE_CONNECTOR": self.image}
