"""The help page of every command: readable by people who do not know Python, with examples that work."""

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from connector.cli.main import app
from connector.domain.errors import ConfigError

ROOT: Any = typer.main.get_command(app)
# Texts of Python, of Typer and of pydantic.
RAW = re.compile(
    r"<[^>]*>|\[default: (None|False|True|\[\])|list\[|\bclass\b|\b(str|int|bool|Path)\b|Input should|\.\.\.\s*$|\{"
)


def pages(command: Any, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from pages(inner, *path, name)


def found(path: tuple[str, ...]) -> Any:
    command = ROOT
    for name in path:
        command = command.commands[name]
    return command


PAGES = sorted(pages(ROOT))
LEAVES = [path for path in PAGES if not hasattr(found(path), "commands")]
each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: " ".join(path) or "connector")


def shown(path: tuple[str, ...], option: str = "--help", width: int = 80) -> str:
    ended = CliRunner().invoke(app, [*path, option], prog_name="connector", env={"COLUMNS": str(width)})
    assert ended.exit_code == 0, ended.output
    return ended.output


def examples(path: tuple[str, ...]) -> list[str]:
    _, _, section = shown(path).partition("Examples:\n")
    return [line.strip() for line in section.partition("\n\n")[0].splitlines()]


def parsed(line: str) -> tuple[str, ...]:
    """Parse the command line like the program; return the names of its commands. Raises UsageError."""
    program, *words = shlex.split(line)
    assert program == "connector"
    command, context, names = ROOT, ROOT.make_context(program, words), []
    while words and hasattr(command, "commands"):
        name, command, words = command.resolve_command(context, words)
        names.append(name)
        context = command.make_context(name, words, parent=context)
    return tuple(names)


def test_every_command_has_a_page() -> None:
    assert len(PAGES) > 12
    assert {(), ("sync",), ("quarantine",), ("quarantine", "retry")} <= set(PAGES)


@each_page
@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_page_shows_no_types_of_python(path: tuple[str, ...], width: int) -> None:
    page = shown(path, width=width)

    assert page.startswith(f"Usage: {' '.join(('connector', *path))} ")
    assert RAW.findall(page.replace("[ASSET]...", "").replace("COMMAND [ARGS]...", "")) == []


@each_page
def test_the_short_option_shows_the_same_page(path: tuple[str, ...]) -> None:
    assert shown(path, "-h") == shown(path)
    assert "-h, --help" in shown(path)


@each_page
def test_every_parameter_is_explained(path: tuple[str, ...]) -> None:
    for param in found(path).params:
        assert param.help, param.name
        assert " ".join(param.help.split()) in " ".join(shown(path, width=200).split())


@each_page
def test_a_page_has_examples_of_its_command_that_are_valid(path: tuple[str, ...]) -> None:
    lines = examples(path)

    assert lines
    for line in lines:
        assert parsed(line)[: len(path)] == path


@each_page
def test_a_sentence_does_not_end_within_a_line(path: tuple[str, ...]) -> None:
    """The lines of the docstring are joined before they are wrapped to the width of the terminal."""
    text = shown(path, width=80).partition("\n\n")[2].partition("\n\n")[0]
    lines = text.splitlines()

    assert all(len(line) + len(after.split()[0]) >= 78 for line, after in pairwise(lines))


def bad_values() -> Iterator[str]:
    """Command lines that give each option of each command, and each argument, a bad value."""
    for path in LEAVES:
        given = [param for param in found(path).params if not getattr(param, "is_flag", False)]
        required = {param: "x" for param in given if param.required}
        for param in given:
            for value in ("", " ", "one two", "-7", "1e400", "9" * 30):
                words = [word for it, text in {**required, param: value}.items() for word in (*named(it), text)]
                yield shlex.join(("connector", *path, *words))


def named(param: Any) -> list[str]:
    """An option is named before its value; the value of an argument stands alone, after `--`."""
    return [param.opts[0]] if param.param_type_name == "option" else []


@pytest.mark.parametrize("line", sorted(set(bad_values())))
def test_a_bad_value_is_accepted_or_refused_in_plain_words(line: str) -> None:
    try:
        parsed(line)
    except ConfigError as refused:
        message = str(refused)
    except Exception as refused:  # noqa: BLE001  the classes of Typer are private
        message = refused.format_message() if hasattr(refused, "format_message") else repr(refused)
    else:
        return
    assert RAW.findall(message) == [], message


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("search x --limit many", "'--limit': 'many' is not a whole number: use 1 to 1000"),
        ("search x --limit 0", "'--limit': '0' is out of range: use 1 to 1000"),
        ("search x --limit 1.5", "'--limit': '1.5' is not a whole number: use 1 to 1000"),
        ("simulate --port 70000", "'--port': '70000' is out of range: use 0 to 65535"),
        ("simulate --assets=-1", "'--assets': '-1' is out of range: use 0 to 1000000"),
        ("simulate --seed x", "'--seed': 'x' is not a whole number: use 0 to "),
        ("search ''", "'TEXT': it is empty: give the words to search for"),
        ("search ' \t\n\u00a0'", "'TEXT': it is empty: give the words to search for"),
    ],
)
def test_a_refusal_names_the_value_and_what_is_allowed(line: str, words: str) -> None:
    ended = CliRunner().invoke(app, shlex.split(line), prog_name="connector")

    assert ended.exit_code == 2
    assert words in " ".join(ended.output.split())
    assert ended.output.startswith(f"Usage: connector {line.split(maxsplit=1)[0]} [OPTIONS]")
