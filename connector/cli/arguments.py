"""Arguments and options that commands share, and how their text is read."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from connector.domain.errors import ConfigError
from connector.domain.page import LAST_OFFSET, LONGEST
from connector.settings.ranges import Range, real, whole

_ALIAS = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


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


def words(value: str | None) -> str | None:
    """The text of a search; None if none is given. Raises BadParameter if it is empty."""
    if value is None:
        return None
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


def alias_name(value: str) -> str:
    """The name of an alias, which is also the name of a directory. Raises BadParameter."""
    name = _as_utf8(value)
    if not _ALIAS.fullmatch(name):
        raise typer.BadParameter(f"{name!r} is not valid: use letters, digits, dots, hyphens and underscores")
    return name


def share(value: str | float) -> float:
    """A parser for `typer.Option`: 0 to 1. Raises BadParameter with a message for users."""
    try:
        return Range(real, 0, 1).check(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


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
Offset = Annotated[
    int,
    typer.Option(
        "--offset",
        metavar="N",
        parser=whole_number(0, LAST_OFFSET),
        help="Skip the first N entries of each list of assets, 0 to 1000000.",
    ),
]
PageLimit = Annotated[
    int,
    typer.Option(
        "--limit",
        metavar="N",
        parser=whole_number(1, LONGEST),
        help="Maximum number of entries of each list of assets, 1 to 1000.",
    ),
]
Watch = Annotated[
    bool,
    typer.Option(
        "--watch",
        help="Show each change until Ctrl-C: on a terminal as `top` does, elsewhere as text with the time. "
        "With --json, print one document per line (NDJSON).",
    ),
]
