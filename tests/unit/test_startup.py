"""What a command imports: it loads only what it needs, so that it starts at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SERVICES = {"httpx", "grpc", "qdrant_client", "stamina"}
SERVERS = {"starlette", "uvicorn", "h11"}
SETTINGS = {"asyncio", "pydantic", "pydantic_settings", "structlog"}
UNREACHABLE = {
    "TWELVELABS_BASE_URL": "http://127.0.0.1:9/v1.3",
    "QDRANT_URL": "http://127.0.0.1:9",
    "QDRANT_GRPC_PORT": "9",
}


@pytest.mark.parametrize(
    ("line", "code", "slow"),
    [
        ("--help", 0, {"numpy", "msgspec", "apscheduler"} | SETTINGS | SERVICES | SERVERS),
        ("sync --help", 0, {"numpy", "msgspec", "apscheduler", "structlog"} | SERVICES | SERVERS),
        ("--version", 0, {"numpy", "msgspec", "apscheduler"} | SETTINGS | SERVICES | SERVERS),
        ("config", 0, {"numpy", "apscheduler"} | SERVICES | SERVERS),
        ("status", 0, {"numpy", "apscheduler"} | SERVICES | SERVERS),
        ("quarantine list", 0, {"numpy", "apscheduler"} | SERVICES | SERVERS),
        ("healthcheck", 1, {"numpy", "apscheduler"} | SERVICES | SERVERS),
        ("check --keys", 0, {"apscheduler"} | SERVERS - {"h11"}),
    ],
)
def test_a_command_imports_nothing_slow_that_it_does_not_need(
    line: str, code: int, slow: set[str], tmp_path: Path
) -> None:
    account = {"TWELVELABS_API_KEY": "key", "CONNECTOR_INDEXES": "*", "CONNECTOR_HTTP_PORT": "9"}
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "connector", *line.split()],
        env={"PYTHONPATH": os.environ.get("PYTHONPATH", ""), **account, **UNREACHABLE},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    records = [entry for entry in ended.stderr.splitlines() if entry.startswith("import time:")]
    packages = {entry.rpartition("|")[2].strip().partition(".")[0] for entry in records}

    assert ended.returncode == code, ended.stdout
    assert "typer" in packages
    assert slow & packages == set()
