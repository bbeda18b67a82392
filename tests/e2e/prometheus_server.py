"""A real Prometheus server with the project's configuration, scraping a daemon every second."""

import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.alerting import MONITORING, RULES
from tests.qdrant_server import free_port
from tests.waiting import wait_until

_READY_SEC = 30


@dataclass(frozen=True, slots=True)
class Prometheus:
    url: str

    def ask(self, path: str, **query: str) -> Any:
        """`data` of the response. Raises AssertionError with Prometheus' own words if it refuses."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310  loopback only
                return json.loads(answer.read())["data"]
        except urllib.error.HTTPError as refused:
            raise AssertionError(refused.read().decode()) from refused

    def values(self, expression: str) -> list[float]:
        """Of an instant query."""
        return [float(it["value"][1]) for it in self.ask("query", query=expression)["result"]]

    @property
    def targets(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("targets", state="active")["activeTargets"]
        return found


def server_program() -> str:
    """Without it the test is skipped; in CI it fails, because a skipped test proves nothing."""
    program = shutil.which("prometheus")
    if program is None:
        reason = "prometheus is not installed; Debian's package of that name has it"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return program


@contextmanager
def prometheus(directory: Path, target: str, token: str = "") -> Iterator[Prometheus]:
    """`target` is host and port of a daemon."""
    port, config = free_port(), directory / "prometheus.yml"
    (directory / "token").write_text(token, encoding="utf-8")
    written = (MONITORING / "prometheus.yml").read_text(encoding="utf-8")
    for before, after in {
        "connector:8080": target,
        "/etc/prometheus/alerts.yml": str(RULES),
        "/tmp/connector-token": str(directory / "token"),  # noqa: S108  in the container
    }.items():
        assert before in written
        written = written.replace(before, after)
    written = re.sub(r"(scrape_interval|scrape_timeout|evaluation_interval): \w+", r"\1: 1s", written)
    config.write_text(written, encoding="utf-8")
    process = subprocess.Popen(
        [
            server_program(),
            f"--config.file={config}",
            f"--storage.tsdb.path={directory / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    found = Prometheus(f"http://127.0.0.1:{port}")
    try:
        wait_until(lambda: _is_ready(found.url), _READY_SEC, "Prometheus is ready")
        yield found
    finally:
        process.kill()
        process.wait()


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=5) as answer:  # noqa: S310  loopback only
            return bool(answer.status == 200)
    except OSError:
        return False
