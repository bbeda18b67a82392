"""Output of commands: one JSON document or human-readable text on stdout; logs and progress on stderr."""

import json
import sys
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text
from rich.theme import Theme

_NARROWEST = 20
_USUAL_WIDTH = 80
_HARMLESS = "\N{REPLACEMENT CHARACTER}"


_MEANINGS = Theme({"ok": "green", "warning": "yellow", "error": "red"})
"""Colours by meaning. They are shown on a terminal only, and not with NO_COLOR: no message depends on them."""


def _console(*, stderr: bool = False, width: int | None = None) -> Console:
    """A console that prints `:word:` literally (file names contain it) and stays readable with COLUMNS=0."""
    console = Console(stderr=stderr, soft_wrap=True, highlight=False, emoji=False, width=width, theme=_MEANINGS)
    return console if console.width >= _NARROWEST else _console(stderr=stderr, width=_USUAL_WIDTH)


out, err = _console(), _console(stderr=True)


class Exit(IntEnum):
    """Exit codes are a contract (docs/commands.md, "Exit codes")."""

    DONE = 0
    INCOMPLETE = 1
    CONFIGURATION = 2
    UNAVAILABLE = 3
    INTERRUPTED = 130


def print_json(document: Mapping[str, Any]) -> None:
    """Print as JSON; escape lone surrogates, and all non-ASCII characters if stdout is not UTF-8."""
    unicode = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    sys.stdout.write(json.dumps(document, ensure_ascii=not unicode, indent=2) + "\n")


def put(line: str, *, hang: int = 0) -> None:
    """Print one line of markup on stdout. A terminal gets it wrapped at words, with a hanging indent of `hang` columns.

    Elsewhere it stays one line, for programs that read it.
    """
    shown = Text.from_markup(line)
    if not out.is_terminal:
        out.print(shown)
        return
    hang = min(hang, out.width // 2)
    first, rest = shown[:hang], shown[hang:]
    for part in rest.wrap(out, out.width - hang) or [Text()]:
        part.rstrip()
        out.print(first + part)
        first = Text(" " * hang)


def text(value: object) -> str:
    """Make untrusted text safe to print on one line: escape markup, replace control characters."""
    return escape("".join(char if char.isprintable() else _HARMLESS for char in str(value)))


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
