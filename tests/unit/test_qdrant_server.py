"""The test server's own checks: a wrong binary is never started."""

from pathlib import Path

import pytest

from tests.qdrant_server import Endpoint, QdrantServer, _check, find_binary, given_endpoint


def test_a_changed_download_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "qdrant.tgz"
    path.write_bytes(b"something else")

    with pytest.raises(RuntimeError, match=r"qdrant\.tgz has sha256 .* not the pinned"):
        _check(path, "0" * 64)


def test_a_given_binary_must_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QDRANT_BIN", str(tmp_path / "absent"))

    with pytest.raises(FileNotFoundError, match="absent"):
        find_binary()


@pytest.mark.parametrize(
    ("environment", "endpoint"),
    [
        ({}, None),
        ({"QDRANT_URL": "embedded"}, None),
        ({"QDRANT_URL": "http://host:6333"}, Endpoint("http://host:6333", 6334)),
        (
            {"QDRANT_URL": "http://host:1", "QDRANT_GRPC_PORT": "2", "QDRANT_API_KEY": "key"},
            Endpoint("http://host:1", 2, "key"),
        ),
    ],
)
def test_a_given_server_is_used(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], endpoint: Endpoint | None
) -> None:
    for name in ("QDRANT_URL", "QDRANT_GRPC_PORT", "QDRANT_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert given_endpoint() == endpoint


def test_a_server_that_ends_at_once_shows_its_log(tmp_path: Path) -> None:
    binary = tmp_path / "qdrant"
    binary.write_text("#!/bin/sh\necho cannot start >&2\nexit 1\n")
    binary.chmod(0o700)

    with pytest.raises(RuntimeError, match="cannot start"):
        QdrantServer(binary, tmp_path / "storage").start()
