"""Proxies and certificates that cannot be used, in every command that needs a connection."""

from pathlib import Path

import pytest

from tests.command import Command

COMMANDS = [["check"], ["sync"], ["plan"], ["verify"], ["search", "x"], ["forget", "a", "--yes"], ["demo"]]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("HTTPS_PROXY", "gopher://me:hunter2@host", "HTTPS_PROXY=gopher://[secret]@host cannot be used: the scheme"),
        ("SSL_CERT_FILE", "absent.pem", "SSL_CERT_FILE=absent.pem cannot be used: No such file or directory"),
    ],
)
def test_the_variable_is_named(tmp_path: Path, arguments: list[str], name: str, value: str, shown: str) -> None:
    settings = {"TWELVELABS_API_KEY": "test-key", "CONNECTOR_INDEXES": "a", "QDRANT_URL": "https://127.0.0.1:1"}

    ended = Command(tmp_path, settings).run(*arguments, **{name: value})

    assert ended.code == 2, ended.stderr
    assert shown in ended.stdout + ended.stderr
    assert "hunter2" not in ended.stdout + ended.stderr
    assert "bug in the connector" not in ended.stderr
