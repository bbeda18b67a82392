"""The document of `connector status` for people: lines about the daemon, the table, and more about each index."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from connector.cli.output import layout_console, out, wrapped
from connector.cli.status_details import daemon_lines, index_lines, needs_attention, new_index_lines
from connector.cli.status_table import NARROWEST_TABLE, Cards, Row, table_of

_UNLIMITED = 10_000
"""Columns of output that is not a terminal: nothing is shortened there."""


def print_status(document: Mapping[str, Any], now: float) -> None:
    """Print on stdout. `now` is in seconds since the epoch."""
    if out.is_terminal:
        console = layout_console()
        for part in status_view(document, console, now):
            console.print(part)
        return
    wide = layout_console(_UNLIMITED)
    for part in status_view(document, wide, None):
        if isinstance(part, Text):
            out.print(part)
            continue
        with wide.capture() as printed:
            wide.print(part)
        for line in printed.get().splitlines():
            out.print(Text(line.rstrip()))


def status_view(document: Mapping[str, Any], console: Console, now: float | None) -> Iterator[RenderableType]:
    """The parts, from the top, laid out for the width of the console. Without `now`, times are absolute."""
    daemon, indexes = document["daemon"], {it["index_id"]: it for it in document["indexes"]}
    live = daemon["indexes"] if daemon else {}
    yield from _lines(daemon_lines(daemon, synced=bool(indexes)), console)
    names = [*indexes, *(it for it in live if it not in indexes)]
    if not names:
        return
    rows = [Row(it, indexes.get(it), live.get(it), now) for it in names]
    yield Text()
    yield table_of(rows, console) if console.width >= NARROWEST_TABLE else Cards(rows)
    for name in sorted(names, key=lambda it: not (it in indexes and needs_attention(indexes[it], live.get(it)))):
        yield Text()
        known = name in indexes
        lines = index_lines(indexes[name], live.get(name)) if known else new_index_lines(name, live[name])
        yield from _lines(lines, console)


def _lines(lines: Iterator[str], console: Console) -> Iterator[Text]:
    """A terminal gets them wrapped at words, with an indent below their first words."""
    for line in lines:
        shown = Text.from_markup(line)
        if console.is_terminal:
            indent = len(shown.plain) - len(shown.plain.lstrip())
            yield from wrapped(shown, console, hang=indent + 2)
        else:
            yield shown
