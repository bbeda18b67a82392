"""What can be measured: names for the command line, and how the figures are shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks import backfill, backfill_page

Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Options:
    """`quick` uses small sizes, to see that a benchmark works; its figures mean little."""

    quick: bool = False
    rounds: int = 3


@dataclass(frozen=True, slots=True)
class Benchmark:
    """`run` returns figures that can be written as JSON; `show` makes Markdown of them, `plots` SVG by file name."""

    title: str
    run: Callable[[Options], Result]
    show: Callable[[Result], str]
    plots: Callable[[Result], Mapping[str, str]] = lambda _: {}


def _backfill_long(options: Options) -> Result:
    library = backfill.QUICK if options.quick else backfill.LONG
    return backfill.result(library, options.rounds)


def _backfill_short(options: Options) -> Result:
    library = backfill.QUICK_SHORT if options.quick else backfill.SHORT
    return backfill.result(library, options.rounds)


CATALOG: Mapping[str, Benchmark] = {
    "backfill": Benchmark(
        "First sync of long videos: loop, pipe and connector",
        _backfill_long,
        backfill_page.show,
        lambda result: backfill_page.plots("backfill", result),
    ),
    "backfill-short": Benchmark(
        "First sync of many short videos: loop, pipe and connector",
        _backfill_short,
        backfill_page.show,
        lambda result: backfill_page.plots("backfill-short", result),
    ),
}
