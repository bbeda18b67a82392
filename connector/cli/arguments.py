"""Arguments and options that commands share, and how their text is read."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from connector.domain.errors import ConfigError
from connector.settings.ranges import Range, whole


def readable(value: str | list[str] | None) -> str | list[str] | None:
    """Decode command-line text as UTF-8 in any locale. Do not use it for file names, which may be any bytes."""
    if value is None:
        return None
    return _as_utf8(value) if isinstance(value, str) else [_as_utf8(word) for word in value]


def _as_utf8(word: str) -> str:
    try:
        return os.fsencode(word).decode("utf-8")
    except UnicodeError:
        raise ConfigError("read", "command line", f"{word!a} is not valid UTF-8", "Use UTF-8") from None


def words(value: str) -> str:
    """The text of a search. Raises BadParameter if there is none."""
    text = _as_utf8(value)
    if not text.strip():
        raise typer.BadParameter("it is empty: give the words to search for, for example 'goal celebration'")
    return text


def whole_number(lowest: int, highest: int) -> Callable[[str | int], int]:
    """A parser for `typer.Option`. Raises BadParameter with a message for users."""
    span = Range(whole, lowest, highest)

    def parse(value: str | int) -> int:
        try:
            return int(span.check(value))
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    return parse


OneIndex = Annotated[str, typer.Option("--index", metavar="ID", help="The index id.", callback=readable)]
Assets = Annotated[
    list[str] | None,
    typer.Argument(metavar="ASSET", help="Indexed asset ids; none means all.", callback=readable),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="TOML file with settings; environment variables take precedence."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print exactly one JSON document on stdout.")]
Indexes = Annotated[
    list[str] | None,
    typer.Option("--index", metavar="ID", help="Only this index id; repeatable.", callback=readable),
]
