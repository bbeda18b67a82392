"""The standard streams in every state: closed, full, broken, unable to encode a character. Never a traceback."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from connector.simulator import IndexSpec, Scenario, Simulator, run_in_thread
from tests.command import TIMEOUT_SEC, Command, Ended
from tests.comparing import differences

ASSET = "66aa00000000000000000009"
COMMANDS = {
    "sync": ["sync"],
    "check --json": ["check", "--json"],
    "status --json": ["status", "--json"],
    "search": ["search", "a goal"],
    "forget --json": ["forget", "--yes", "--json"],
    "help": ["--help"],
    "simulate": ["simulate", "--port", "0", "--assets", "1"],
}


@pytest.fixture(scope="module")
def world() -> Simulator:  # type: ignore[misc]  # yields one
    with run_in_thread(Scenario(indexes=(IndexSpec(name="a :smile: \N{CLAPPER BOARD}", generate=1),))) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory, world: Simulator) -> Command:
    """With embedded storage, and a name that ASCII cannot encode."""
    connector = Command(
        tmp_path_factory.mktemp("origin"),
        {
            "TWELVELABS_API_KEY": "test-key",
            "TWELVELABS_BASE_URL": world.base_url,
            "QDRANT_URL": "embedded",
            "CONNECTOR_INDEXES": world.control.index_ids[0],
        },
    )
    assert connector.run("sync").code == 0
    return connector


@pytest.fixture
def synced(tmp_path: Path, origin: Command) -> Command:
    """A copy for one test."""
    shutil.copytree(origin.directory, tmp_path, dirs_exist_ok=True)
    return Command(tmp_path, origin.settings)


def shell(connector: Command, redirection: str, *arguments: str | bytes, **env: str) -> Ended:
    """The command as a shell starts it, with `redirection` appended."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "COVERAGE_PROCESS_CONFIG") if name in os.environ}
    root = str(Path(__file__).parents[2])
    ended = subprocess.run(
        ["/bin/bash", "-c", f'"$0" -m connector "$@" {redirection}', sys.executable, *arguments],
        cwd=connector.directory,
        env={**kept, "PYTHONPATH": root, **connector.settings, **env},
        capture_output=True,
        timeout=TIMEOUT_SEC,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout.decode(errors="replace"), ended.stderr.decode(errors="replace"))


def arguments_of(name: str, connector: Command) -> list[str]:
    forgotten = [connector.settings["CONNECTOR_INDEXES"]] if name.startswith("forget") else []
    return [*COMMANDS[name], *forgotten]


def calm(ended: Ended) -> bool:
    """No output from Python itself."""
    signs = ("Traceback", "Exception ignored", "Error:", "internal_error", "bug in the connector")
    return not any(sign in ended.stdout + ended.stderr for sign in signs)


@pytest.mark.parametrize(
    ("name", "redirection", "cause"),
    [
        ("status --json", ">&-", "it is closed"),
        ("sync", ">/dev/full", "No space left on device"),
        ("search", ">&-", "it is closed"),
        ("forget --json", ">/dev/full", "No space left on device"),
        ("help", ">/dev/full", "No space left on device"),
        ("simulate", ">/dev/full", "No space left on device"),
        ("simulate", ">&-", "it is closed"),
    ],
)
def test_output_that_cannot_be_written_is_said_in_one_line(
    synced: Command, name: str, redirection: str, cause: str
) -> None:
    ended = shell(synced, redirection, *arguments_of(name, synced))

    lines = [line for line in ended.stderr.splitlines() if line.startswith("error:")]
    assert (ended.code, lines) == (1, [f"error: cannot write to standard output: {cause}"])
    assert calm(ended)


@pytest.mark.parametrize("name", ["sync", "status --json", "simulate"])
def test_a_reader_that_leaves_early_is_no_matter(synced: Command, name: str) -> None:
    ended = shell(synced, "| true", *arguments_of(name, synced))

    assert ended.code == 0, "that of the reader"
    assert "error" not in ended.stderr
    assert calm(ended)


@pytest.mark.parametrize(("name", "redirection"), [("sync", "2>/dev/full"), ("check --json", "2>&- <&-")])
def test_other_streams_may_be_missing(synced: Command, name: str, redirection: str) -> None:
    """Standard output is unchanged."""
    ended = shell(synced, redirection, *arguments_of(name, synced))

    assert ended.code == 0
    assert ended.stdout
    assert calm(ended)
    if name.endswith("--json"):
        assert isinstance(ended.json, dict)


@pytest.mark.parametrize("name", ["sync", "forget --json"])
def test_without_any_stream_the_work_is_done(synced: Command, name: str) -> None:
    ended = shell(synced, "<&- >&- 2>&-", *arguments_of(name, synced))

    assert differences(ended, code=1, stdout="", stderr="") == {}
    assert (synced.run("status", "--json").json["indexes"] == []) is name.startswith("forget")


@pytest.mark.parametrize(
    ("redirection", "options"), [("<&-", ["--json"]), ("</dev/null", []), ("< <(printf '\\xff\\n')", ["--json"])]
)
def test_forget_without_a_yes_removes_nothing(synced: Command, options: list[str], redirection: str) -> None:
    ended = shell(synced, redirection, "forget", synced.settings["CONNECTOR_INDEXES"], *options)

    assert ended.code == 1
    assert "Nothing was removed." in ended.stderr
    assert calm(ended)
    assert len(synced.run("status", "--json").json["indexes"]) == 1
    if options:
        assert ended.json["error"]["code"] == "not_confirmed"
    else:
        assert ended.stdout == ""


def test_forget_with_a_yes(synced: Command) -> None:
    ended = shell(synced, "< <(echo Yes)", "forget", synced.settings["CONNECTOR_INDEXES"], "--json")

    assert (ended.code, ended.json["assets"]) == (0, 1)


@pytest.mark.parametrize(
    ("name", "env"),
    [
        ("sync", {"COLUMNS": "0"}),
        ("sync", {"COLUMNS": "1", "TERM": "dumb"}),
        ("help", {"COLUMNS": "0", "PYTHONIOENCODING": "latin-1:strict"}),
        ("status --json", {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "COLUMNS": "many"}),
    ],
    ids=str,
)
def test_an_odd_environment(synced: Command, name: str, env: dict[str, str]) -> None:
    ended = shell(synced, "", *arguments_of(name, synced), **env)

    assert ended.code == 0, ended.stderr
    assert ended.stdout.strip()
    assert calm(ended)
    if name == "status --json":
        assert len(ended.json["indexes"]) == 1
    if name == "sync":
        assert "1 listed" in ended.stdout
    if name == "help":
        assert "quarantine" in ended.stdout


def test_what_ascii_cannot_write_is_escaped_and_comes_back_whole_from_json(synced: Command) -> None:
    words = shell(synced, "", "status", PYTHONIOENCODING="ascii")
    document = shell(synced, "", "status", "--json", PYTHONIOENCODING="ascii")

    assert "a :smile: \\U0001f3ac" in words.stdout
    assert document.json["indexes"][0]["index_name"] == "a :smile: \N{CLAPPER BOARD}"


@pytest.mark.parametrize(
    "arguments",
    [[b"search", b"\xff"], [b"forget", b"\xff"], [b"quarantine", b"retry", b"--index", b"a", b"\xed\xa0\x80"]],
    ids=repr,
)
def test_arguments_that_are_no_text_are_a_mistake(synced: Command, arguments: list[bytes]) -> None:
    ended = shell(synced, "", *arguments, b"--json")

    assert (ended.code, ended.json["error"]["code"]) == (2, "config_error")
    assert "is not valid UTF-8" in ended.stderr
    assert calm(ended)


def test_a_settings_file_may_have_any_name(synced: Command) -> None:
    path = os.fsencode(synced.directory) + b"/\xff.toml"
    with open(path, "w") as file:  # noqa: PTH123  a path of bytes
        file.write("max_deletes = 1")

    found = shell(synced, "", "status", "--json", "--config", path)
    missing = shell(synced, "", "status", "--json", "--config", path + b"x")

    assert (found.code, missing.code) == (0, 2)
    assert missing.json["error"]["code"] == "config_error"


def test_text_of_the_command_line_is_utf_8_whatever_the_locale(synced: Command) -> None:
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ended = shell(synced, "", "search", "--json", "caf\N{LATIN SMALL LETTER E WITH ACUTE}", **env)

    assert (ended.code, ended.json["query"]) == (0, "caf\N{LATIN SMALL LETTER E WITH ACUTE}")


@pytest.mark.parametrize("arguments", [["sync", "--bogus", "--json"], ["nonsense", "--json"]])
def test_a_wrong_command_line_is_a_document_too(synced: Command, arguments: list[str]) -> None:
    ended = shell(synced, "", *arguments)

    assert (ended.code, ended.json["error"]["code"]) == (2, "usage_error")
    assert "Usage:" in ended.stderr


def test_after_two_dashes_json_is_a_word(synced: Command) -> None:
    ended = shell(synced, "", "search", "--", "--json")

    assert ended.code == 0
    with pytest.raises(json.JSONDecodeError):
        json.loads(ended.stdout)
