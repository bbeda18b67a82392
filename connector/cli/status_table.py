"""The table of `connector status`: one row for each index. On a narrow terminal, a few lines for each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from connector.cli.output import harmless, number, span
from connector.cli.state_bar import STATES, StateBar
from connector.domain import timestamps

NARROWEST_TABLE = 80
_AIRY, _ROOMY, _WIDE = 100, 126, 160
"""Terminals from these widths on have wider gaps, or show more columns."""
_NARROW_BAR, _BAR = 8, 16
_LONGEST_NAME = 24
_NOTHING = Text("-", style="dim")
_SHORT = {"resumed cycle": "resumed", "unfinished assets": "unfinished"}


@dataclass(frozen=True, slots=True)
class Row:
    """An index as the document shows it (None before its first cycle), and what the daemon says of it.

    `now` is in seconds since the epoch; None shows times and not how long they are away, for output that is kept.
    """

    index_id: str
    index: Mapping[str, Any] | None
    live: Mapping[str, Any] | None
    now: float | None

    def name(self) -> str:
        return harmless((self.index and self.index["index_name"]) or self.index_id)

    def parts(self) -> dict[str, int]:
        """Number of assets by state: each asset of the ledger counts once, and those that are not ready yet."""
        if self.index is None:
            return {}
        counts = self.index["counts"]
        others = {
            "backlog": sum(self.index["backlog"].values()) + counts["opened"],
            "failed": counts["failed"] + counts["deferred"],
            "quarantined": counts["quarantined"],
            "withheld": self.index["withheld"],
        }
        waiting = self.index["last_cycle"]["waiting"] if self.index["last_cycle"] else 0
        applied = self.index["assets"] - sum(others.values()) - counts["pending"]
        return {"applied": max(applied, 0), "waiting": waiting, **others}


def _applied(row: Row) -> Text:
    index = row.index
    return Text(f"{number(index['applied'])}/{number(index['assets'])}") if index else _NOTHING


def _count(*states: str) -> Callable[[Row], Text]:
    def cell(row: Row) -> Text:
        count = sum(row.parts().get(state, 0) for state in states)
        return Text(number(count), style=STATES[states[0]].style) if count else _NOTHING

    return cell


def _model(row: Row) -> Text:
    return Text(harmless(row.index["model"])) if row.index and row.index["model"] else _NOTHING


def _lag(row: Row) -> Text:
    lag = row.index["lag_sec"] if row.index else None
    return _NOTHING if lag is None else Text(span(lag))


def _rate(row: Row) -> Text:
    rate = row.index["assets_per_minute"] if row.index else None
    return Text(f"{rate:g}/min") if rate else _NOTHING


def _left(row: Row) -> Text:
    left = row.index["remaining_sec"] if row.index else None
    return _NOTHING if left is None else Text(span(left))


def _doing(row: Row) -> Text:
    """What goes on, and otherwise when the index is polled next."""
    live, last = row.live, row.index["last_cycle"] if row.index else None
    if live is None:
        return Text("failed", style="error") if last and last["error"] else _NOTHING
    if live["error"]:
        return Text("failing", style="error")
    if live["doing"] != "waiting":
        doing = _SHORT.get(live["doing"], harmless(live["doing"]))
        return Text(f"{doing} {_percent(live['done'], live['planned'])}".rstrip())
    at = live.get("next_poll_at")
    if not at:
        return Text("waiting")
    return Text(f"poll at {at}" if row.now is None else f"poll in {span(_until(at, row.now), whole=True)}")


def _percent(done: int, planned: int) -> str:
    return f"{100 * done // planned} %" if planned else ""


def _until(at: str, now: float) -> float:
    return max(timestamps.epoch(at) - now, 0.0)


@dataclass(frozen=True, slots=True)
class _Column:
    """Shown on terminals that are at least `least` and less than `below` columns wide."""

    heading: str
    cell: Callable[[Row], Text]
    right: bool = True
    least: int = 0
    below: int = 1 << 30
    state: str | None = None


_COLUMNS = (
    _Column("MODEL", _model, right=False, least=_WIDE),
    _Column("APPLIED", _applied, state="applied"),
    _Column("WAITING", _count("waiting"), least=_ROOMY, state="waiting"),
    _Column("BACKLOG", _count("backlog"), state="backlog"),
    _Column("PROBLEMS", _count("failed", "quarantined", "withheld"), below=_WIDE, state="failed"),
    _Column("FAILED", _count("failed"), least=_WIDE, state="failed"),
    _Column("QUARANTINED", _count("quarantined"), least=_WIDE, state="quarantined"),
    _Column("WITHHELD", _count("withheld"), least=_WIDE, state="withheld"),
    _Column("LAG", _lag),
    _Column("RATE", _rate, least=_ROOMY),
    _Column("LEFT", _left, least=_ROOMY),
    _Column("NOW", _doing, right=False),
)


def table_of(rows: Sequence[Row], console: Console) -> Table:
    """`console` is not narrower than NARROWEST_TABLE. A bar is for terminals only, which have its glyphs."""
    gap = 2 if console.width >= _AIRY else 1
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, gap, 0, 0))
    table.add_column("INDEX", max_width=_LONGEST_NAME if console.is_terminal else None, min_width=8)
    width = _BAR if console.width >= _ROOMY else _NARROW_BAR
    if console.is_terminal:
        table.add_column("STATE", no_wrap=True, width=width)
    columns = [it for it in _COLUMNS if it.least <= console.width < it.below]
    for column in columns:
        table.add_column(_heading(column, console), justify="right" if column.right else "left", no_wrap=True)
    for row in rows:
        name = Text(row.name(), no_wrap=True, overflow="ellipsis" if console.is_terminal else "ignore")
        bar = [StateBar(row.parts(), width)] if console.is_terminal else []
        table.add_row(name, *bar, *(column.cell(row) for column in columns))
    return table


def _heading(column: _Column, console: Console) -> Text:
    """With the glyph that stands for it in the bar."""
    if column.state is None or not console.is_terminal:
        return Text(column.heading)
    state = STATES[column.state]
    return Text.assemble((state.glyph(console.options.ascii_only), state.style), f" {column.heading}")


@dataclass(frozen=True, slots=True)
class Cards:
    """The facts of the table for a terminal that is too narrow for it: a few lines for each index."""

    rows: Sequence[Row]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for row in self.rows:
            name = Text(row.name(), style="bold", no_wrap=True, overflow="ellipsis")
            name.truncate(options.max_width, overflow="ellipsis")
            yield name
            applied = _applied(row)
            if row.index:
                yield StateBar(row.parts(), max(min(options.max_width - applied.cell_len - 1, _BAR), 4), applied)
            yield Text(" · " if not options.ascii_only else ", ").join(self._facts(row))

    def _facts(self, row: Row) -> Iterator[Text]:
        for column in _COLUMNS:
            if column.least <= _ROOMY and column.heading not in {"APPLIED", "NOW"}:
                cell = column.cell(row)
                if cell is not _NOTHING:
                    yield Text.assemble(f"{column.heading.lower()} ", cell)
        now = _doing(row)
        if now is not _NOTHING:
            yield now
