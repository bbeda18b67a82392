"""Any arguments: the command does its work, or exit 2 with a message; never a traceback."""

import io
import logging
import os
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from connector.cli import ending
from connector.cli.main import PROGRAM, app
from connector.cli.output import Exit
from connector.domain.page import LAST_OFFSET, LONGEST
from tests.unit.settings_place import OURS

ARGUMENT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
ARGUMENT |= st.binary(max_size=20).map(lambda it: os.fsdecode(it.replace(b"\0", b"")))
ARGUMENT |= st.sampled_from(
    ["", " ", "-", "--", "-1", "0", "5", "1e3", "٣", "9" * 5000, "x" * 5000, "[red]", "\x1b[31m"]
)
in_one_directory = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=max(25, settings().max_examples // 4)
)
"""The commands write nothing there."""


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No settings, no ledger; logging is set up for the whole process, so restore it."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.upper().startswith(OURS):
            monkeypatch.delenv(name)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    assert list(tmp_path.iterdir()) == []
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def ended(*arguments: str) -> tuple[int, str]:
    """Exit code, and what was printed on stderr."""
    stderr = io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(stderr):
        code = ending._code(lambda: app(arguments, prog_name=PROGRAM), as_json=False)
    event(f"exit {code}")
    return code, stderr.getvalue()


def refused(code: int, said: str) -> bool:
    return code == Exit.CONFIGURATION and bool(said.strip()) and "Traceback" not in said


def is_page(offset: str, limit: str) -> bool:
    try:
        return 0 <= int(offset) <= LAST_OFFSET and 1 <= int(limit) <= LONGEST
    except ValueError:
        return False


@in_one_directory
@given(ARGUMENT, ARGUMENT)
def test_any_page_of_the_status_is_shown_or_refused(offset: str, limit: str) -> None:
    code, said = ended("status", f"--offset={offset}", f"--limit={limit}")

    assert code == Exit.DONE if is_page(offset, limit) else refused(code, said)


@in_one_directory
@given(ARGUMENT)
def test_any_index_of_the_quarantine_is_shown_or_refused(index: str) -> None:
    code, said = ended("quarantine", "list", f"--index={index}")

    assert code == Exit.DONE or refused(code, said)


@in_one_directory
@given(ARGUMENT, ARGUMENT, ARGUMENT)
def test_any_search_without_settings_is_refused(text: str, index: str, limit: str) -> None:
    assert refused(*ended("search", f"--index={index}", f"--limit={limit}", "--", text))


@in_one_directory
@pytest.mark.parametrize(
    "before",
    [
        ("check", "--config"),
        ("status", "--config"),
        ("quarantine", "retry", "--index"),
        ("forget", "index-1", "--yes", "--config"),
        ("simulate", "--scenario"),
    ],
    ids=" ".join,
)
@given(ARGUMENT)
def test_any_value_of_an_option_is_refused(before: tuple[str, ...], value: str) -> None:
    """There is no such file, and no settings."""
    *command, option = before
    assert refused(*ended(*command, f"{option}={value}"))


@in_one_directory
@pytest.mark.parametrize("option", ["--port", "--seed", "--assets"])
@given(value=ARGUMENT)
def test_any_number_of_the_simulator_is_checked_before_it_serves(option: str, value: str) -> None:
    """A scenario that does not exist ends it if the number is good."""
    assert refused(*ended("simulate", f"{option}={value}", "--scenario=missing.toml"))


COMMANDS = [
    "sync",
    "plan",
    "verify",
    "check",
    "status",
    "search",
    "forget",
    "quarantine",
    "run",
    "config",
    "healthcheck",
]


@in_one_directory
@given(st.lists(ARGUMENT, min_size=1, max_size=4), st.sampled_from(["", *COMMANDS]))
def test_any_arguments_of_any_command_are_refused(arguments: list[str], command: str) -> None:
    """Without settings nothing can work but `status`, and help."""
    code, said = ended(*([command] if command else []), *arguments)

    assert code == Exit.DONE or refused(code, said)
