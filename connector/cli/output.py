"""Output of commands: one JSON document or human-readable text on stdout; logs and progress on stderr."""

import json
import sys
from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text
from rich.theme import Theme

_NARROWEST = 20
_USUAL_WIDTH = 80
_HARMLESS = "\N{REPLACEMENT CHARACTER}"
_TENTHS_BELOW_SEC = 9.95
_UNITS = ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h"))
"""Seconds below which a unit is used, the unit in seconds, and its name."""


_MEANINGS = Theme({"ok": "green", "warning": "yellow", "error": "red"})
"""Colours by meaning. They are shown on a terminal only, and not with NO_COLOR: no message depends on them."""


def _console(*, stderr: bool = False, width: int | None = None, soft_wrap: bool = True) -> Console:
    """A console that prints `:word:` literally (file names contain it) and stays readable with COLUMNS=0."""
    console = Console(stderr=stderr, soft_wrap=soft_wrap, highlight=False, emoji=False, width=width, theme=_MEANINGS)
    return console if console.width >= _NARROWEST else _console(stderr=stderr, width=_USUAL_WIDTH, soft_wrap=soft_wrap)


out, err = _console(), _console(stderr=True)


class Exit(IntEnum):
    """Exit codes are a contract (docs/commands.md, "Exit codes")."""

    DONE = 0
    INCOMPLETE = 1
    CONFIGURATION = 2
    UNAVAILABLE = 3
    INTERRUPTED = 130


def layout_console(width: int | None = None) -> Console:
    """A console on stdout for tables, which fit its width: that of the terminal if none is given."""
    return _console(width=width, soft_wrap=False)


def print_json(document: Mapping[str, Any], *, indent: int | None = 2) -> None:
    """Print as JSON; escape lone surrogates, and all non-ASCII characters if stdout is not UTF-8.

    Without `indent`, on one line.
    """
    unicode = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    sys.stdout.write(json.dumps(document, ensure_ascii=not unicode, indent=indent) + "\n")


def put(line: str, *, hang: int = 0) -> None:
    """Print one line of markup on stdout. A terminal gets it wrapped at words, with a hanging indent of `hang` columns.

    Elsewhere it stays one line, for programs that read it.
    """
    shown = Text.from_markup(line)
    if not out.is_terminal:
        out.print(shown)
        return
    for part in wrapped(shown, out, hang=hang):
        out.print(part)


def wrapped(line: Text, console: Console, *, hang: int = 0) -> Iterator[Text]:
    """Wrap at words to the width of the console, with a hanging indent of `hang` columns."""
    hang = min(hang, console.width // 2)
    first, rest = line[:hang], line[hang:]
    for part in rest.wrap(console, console.width - hang) or [Text()]:
        part.rstrip()
        yield first + part
        first = Text(" " * hang)


def text(value: object) -> str:
    """Make untrusted text safe to print on one line: escape markup, replace control characters."""
    return escape(harmless(value))


def harmless(value: object) -> str:
    """Replace control characters. For text that is not read as markup."""
    return "".join(char if char.isprintable() else _HARMLESS for char in str(value))


def number(count: float) -> str:
    return f"{count:,.0f}"


def counted(count: float, one: str, many: str | None = None) -> str:
    """`1 hit`, `2 hits`, `1,000 indexes`."""
    return f"{number(count)} {one if count == 1 else many or f'{one}s'}"


def clock(seconds: float) -> str:
    """Format seconds as a video position: 1:02:03.4 or 2:03.4."""
    tenths = round(seconds * 10)
    hours, rest = divmod(tenths, 36_000)
    minutes, tenths = divmod(rest, 600)
    head = f"{hours}:{minutes:02}" if hours else str(minutes)
    return f"{head}:{tenths // 10:02}.{tenths % 10}"


def span(seconds: float, *, whole: bool = False) -> str:
    """Format a length of time for people: 2.1 s (2 s if `whole`), 42 s, 5 min, 3 h, 4 d."""
    if seconds < _TENTHS_BELOW_SEC and not whole:
        return f"{seconds:.1f} s"
    for below, unit_sec, unit in _UNITS:
        if seconds < below:
            return f"{seconds / unit_sec:.0f} {unit}"
    return f"{number(seconds / 86_400)} d"
