"""A bar of the assets of an index by state. Its glyphs differ, so that it can be read without colours."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text


@dataclass(frozen=True, slots=True)
class State:
    """How a state is drawn. `plain` is for terminals that show ASCII only."""

    block: str
    plain: str
    style: str

    def glyph(self, ascii_only: bool) -> str:
        return self.plain if ascii_only else self.block


STATES = {
    "applied": State("\N{FULL BLOCK}", "#", "ok"),
    "backlog": State("\N{MEDIUM SHADE}", "=", "cyan"),
    "waiting": State("\N{LIGHT SHADE}", ".", "dim"),
    "withheld": State("!", "!", "warning"),
    "failed": State("\N{MULTIPLICATION SIGN}", "x", "error"),
    "quarantined": State("\N{MULTIPLICATION SIGN}", "x", "error"),
}
"""In the order of the bar."""


@dataclass(frozen=True, slots=True)
class StateBar:
    """`parts`: number of assets by state. `after` is shown behind the bar."""

    parts: Mapping[str, int]
    width: int
    after: Text | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        cells = shares([self.parts.get(name, 0) for name in STATES], self.width)
        bar = Text(no_wrap=True)
        for state, count in zip(STATES.values(), cells, strict=True):
            bar.append(state.glyph(options.ascii_only) * count, state.style)
        bar.append(" " * (self.width - len(bar)))
        yield bar if self.after is None else Text.assemble(bar, " ", self.after)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(self.width, self.width)


def shares(counts: list[int], cells: int) -> list[int]:
    """Divide the cells in proportion to the counts. Whatever occurs gets a cell, as long as there are enough.

    The sum is `cells`, or 0 if all counts are 0.
    """
    total = sum(counts)
    if not total:
        return [0] * len(counts)
    given = [min(count, 1) for count in counts]
    while sum(given) > cells:
        given[max(range(len(counts)), key=lambda it: (given[it] > 0, -counts[it]))] = 0
    while sum(given) < cells:
        given[max(range(len(counts)), key=lambda it: counts[it] * cells / total - given[it])] += 1
    return given
