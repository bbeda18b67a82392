"""A bug in a command: exit 3 and one JSON document, the traceback on stderr."""

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Never

import pytest
import structlog

from connector.cli import main as cli
from connector.cli import status_reading
from connector.cli.commands import sync as sync_command


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A command sets up logging for the whole process, so restore it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def bug(*_: Any, **__: Any) -> Never:
    raise ZeroDivisionError("ours")


def ended(monkeypatch: pytest.MonkeyPatch, directory: Path, *arguments: str) -> int:
    monkeypatch.chdir(directory)
    for name, value in {"TWELVELABS_API_KEY": "tlk_test", "CONNECTOR_INDEXES": "index-a,index-b"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["connector", *arguments])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    return int(str(exit_.value.code or 0))


def test_sync_reports_it_for_every_index(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sync_command, "open_app", bug)

    code = ended(monkeypatch, tmp_path, "sync", "--json")

    shown = capfd.readouterr()
    document = json.loads(shown.out)
    assert code == 3
    assert [it["index_id"] for it in document["indexes"]] == ["index-a", "index-b"]
    assert {it["error"]["code"] for it in [document, *document["indexes"]]} == {"internal_error"}
    assert "ZeroDivisionError: ours" in document["error"]["message"]
    assert "command.crashed" in shown.err


def test_any_other_command_says_it_in_one_document(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(status_reading, "index_states", bug)

    code = ended(monkeypatch, tmp_path, "status", "--json")

    shown = capfd.readouterr()
    assert (code, json.loads(shown.out)["error"]["code"]) == (3, "internal_error")
    assert "command.crashed" in shown.err
