"""A forked command is as good as a started one: the same result, a process of its own, no memory of earlier ones."""

import os
import sys
from pathlib import Path

import pytest

from tests.command import FORKED_WITH, Command, end
from tests.fork_server import ROOT, ForkServer, fork_server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="commands are forked on Linux only")

SETTINGS = {"TWELVELABS_API_KEY": "the-key", "CONNECTOR_INDEXES": "*", "QDRANT_URL": "http://127.0.0.1:9"}
PLAIN = {name: os.environ[name] for name in FORKED_WITH if name in os.environ} | {"PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def server() -> ForkServer:
    return fork_server(tuple(PLAIN.items()))


@pytest.mark.parametrize(
    ("line", "code"),
    [("--help", 0), ("config --json", 0), ("status", 0), ("sync --bogus --json", 2), ("search --json", 2)],
)
def test_exit_code_and_output_are_those_of_a_started_one(
    server: ForkServer, tmp_path: Path, line: str, code: int
) -> None:
    forked = server.run(line.split(), tmp_path, PLAIN | SETTINGS, 60)
    started = end(Command(tmp_path, SETTINGS).start(*line.split()))

    assert forked == (started.code, started.stdout, started.stderr)
    assert started.code == code


def test_settings_and_directory_of_one_command_are_not_those_of_the_next(server: ForkServer, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TWELVELABS_API_KEY=from-the-file\nCONNECTOR_INDEXES=*\n")
    (tmp_path / "other").mkdir()

    first = server.run(["config"], tmp_path, PLAIN | {"CONNECTOR_MAX_DELETES": "7"}, 60)
    second = server.run(["config"], tmp_path / "other", PLAIN, 60)

    assert (first[0], second[0]) == (0, 2)
    assert "TWELVELABS_API_KEY is required" in second[1] + second[2]


def test_one_that_does_not_end_in_time_is_killed(server: ForkServer, tmp_path: Path) -> None:
    with pytest.raises(TimeoutError, match=r"within 0\.01 seconds"):
        server.run(["simulate", "--port", "0"], tmp_path, PLAIN, 0.01)


def test_the_server_has_no_threads_which_a_fork_would_lose(server: ForkServer, tmp_path: Path) -> None:
    server.run(["--version"], tmp_path, PLAIN, 60)

    assert "Threads:\t1\n" in (Path("/proc") / str(server._process.pid) / "status").read_text()


@pytest.mark.parametrize("name", ["NO_COLOR", "LC_ALL", "PYTHONUTF8", "HTTPS_PROXY", "COVERAGE_PROCESS_CONFIG"])
def test_what_interpreter_and_libraries_may_read_at_their_start_needs_one(tmp_path: Path, name: str) -> None:
    command = Command(tmp_path, SETTINGS)

    assert command._can_be_forked(PLAIN | SETTINGS)
    assert not command._can_be_forked({**PLAIN, name: "1"})
    assert not Command(tmp_path, module="benchmarks")._can_be_forked(PLAIN)
