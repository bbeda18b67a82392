"""What can be measured: names for the command line, and how the figures are shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks import (
    backfill,
    backfill_page,
    commands,
    decoding,
    idle,
    lag,
    large_index,
    ledger,
    long_assets,
    printed,
    rate_limit,
    small_assets,
    storage,
    write_side,
)

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


CATALOG: Mapping[str, Benchmark] = {
    "backfill": Benchmark(
        "First sync of long videos: loop, pipe and connector",
        lambda options: backfill.result(backfill.QUICK if options.quick else backfill.LONG, options.rounds),
        backfill_page.show,
        lambda result: backfill_page.plots("backfill", result),
    ),
    "backfill-short": Benchmark(
        "First sync of many short videos: loop, pipe and connector",
        lambda options: backfill.result(backfill.QUICK_SHORT if options.quick else backfill.SHORT, options.rounds),
        backfill_page.show,
        lambda result: backfill_page.plots("backfill-short", result),
    ),
    "small-assets": Benchmark(
        "CPU per asset of one segment; 1, 2 and 4 assets at once",
        lambda options: (
            small_assets.result(20, backfill.QUICK)
            if options.quick
            else small_assets.result(small_assets.ASSETS, backfill.LONG)
        ),
        small_assets.show,
    ),
    "long-assets": Benchmark(
        "Memory and event loop with assets of four hours",
        lambda options: long_assets.result(long_assets.QUICK if options.quick else long_assets.LIBRARIES),
        long_assets.show,
    ),
    "large-index": Benchmark(
        "Full cycle and idle poll of up to 100,000 assets",
        lambda options: large_index.result(large_index.QUICK if options.quick else large_index.SIZES),
        large_index.show,
        large_index.plots,
    ),
    "idle": Benchmark(
        "1,000 idle cycles: memory, descriptors, ledger",
        lambda options: idle.result(idle.QUICK_CYCLES if options.quick else idle.CYCLES),
        idle.show,
    ),
    "lag": Benchmark(
        "From ready to searchable: poll and webhook",
        lambda options: (
            lag.result(lag.QUICK_SAMPLES, lag.QUICK_BACKFILL)
            if options.quick
            else lag.result(lag.SAMPLES, lag.BACKFILL_ASSETS)
        ),
        lag.show,
    ),
    "rate-limit": Benchmark(
        "Use of a limited number of requests a minute",
        lambda options: (
            rate_limit.result(rate_limit.QUICK_PER_WINDOW, rate_limit.QUICK_WINDOWS)
            if options.quick
            else rate_limit.result(rate_limit.PER_WINDOW, rate_limit.WINDOWS)
        ),
        rate_limit.show,
    ),
    "commands": Benchmark(
        "Start-up of the commands",
        lambda options: commands.result(1 if options.quick else options.rounds),
        commands.show,
    ),
    "write-side": Benchmark(
        "Writing alone: the connector's sink and upload_points",
        lambda options: write_side.result(write_side.QUICK if options.quick else write_side.LIBRARY, options.rounds),
        write_side.show,
    ),
    "storage": Benchmark(
        "Bytes on disk and in RAM in Qdrant",
        lambda options: storage.result(storage.QUICK_POINTS if options.quick else storage.POINTS),
        storage.show,
    ),
    "decoding": Benchmark("Decoding an asset", lambda _: printed.result(decoding.main), printed.show),
    "ledger": Benchmark("The ledger's summary", lambda _: printed.result(ledger.main), printed.show),
}
