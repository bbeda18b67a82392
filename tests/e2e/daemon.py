"""A running daemon for tests: the real process, queried through its own HTTP endpoints."""

import json
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.command import Command, Ended, end
from tests.qdrant_server import free_port
from tests.waiting import wait_until

PATIENCE_SEC = 40


@dataclass(frozen=True, slots=True)
class Running:
    process: "subprocess.Popen[str]"
    url: str
    webhook_url: str
    log: Path

    def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON body; 0 if there is no answer."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=30) as answer:  # noqa: S310  loopback only
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
        except (urllib.error.URLError, OSError):
            return 0, None

    @property
    def ready(self) -> bool:
        return self.get("/readyz")[0] == 200

    def index(self, index_id: str) -> dict[str, Any]:
        """The entry of an index in /api/status; empty if it is not known yet."""
        status, document = self.get("/api/status")
        indexes = document["indexes"] if status == 200 else []
        return next((entry for entry in indexes if entry["index_id"] == index_id), {})

    def stop(self) -> Ended:
        self.process.send_signal(signal.SIGTERM)
        return end(self.process)

    def events(self, name: str) -> list[dict[str, Any]]:
        """Log records of this event."""
        return [record for record in self.records() if record.get("event") == name]

    def records(self) -> list[dict[str, Any]]:
        written, _, _ = self.log.read_text().rpartition("\n")
        return [json.loads(line) for line in written.splitlines() if line.startswith("{")]


@contextmanager
def running(
    connector: Command, *, wait: bool = True, pace: Mapping[str, str] | None = None, **settings: str
) -> Iterator[Running]:
    """A daemon with intervals of seconds, or another `pace`. `wait` is for /readyz; killed if it still runs."""
    port, webhook_port = free_port(), free_port()
    defaults = {
        "CONNECTOR_HTTP_PORT": str(port),
        "CONNECTOR_WEBHOOK_PORT": str(webhook_port),
        "CONNECTOR_WEBHOOK_HOST": "127.0.0.1",
        "CONNECTOR_POLL_INTERVAL": "1s",
        "CONNECTOR_RECONCILE_INTERVAL": "2s",
        "CONNECTOR_DRAIN_TIMEOUT": "10s",
    }
    log = connector.directory / f"daemon-{port}.log"
    with log.open("w") as stderr:
        process = connector.start("run", stderr=stderr, **{**defaults, **(pace or {}), **settings})
        daemon = Running(
            process, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{webhook_port}/webhooks/twelvelabs", log
        )
        try:
            if wait:
                wait_until(lambda: daemon.ready, PATIENCE_SEC, f"the daemon is ready; its log is {log}")
            yield daemon
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()
