"""What can be measured: names for the command line, and how the figures are shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks import (
    backfill,
    backfill_page,
    commands,
    concurrency,
    decoding,
    embedded,
    idle,
    lag,
    large_index,
    ledger,
    long_assets,
    printed,
    rate_limit,
    replicas,
    search_quality,
    searches,
    small_assets,
    sparse,
    status_page,
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
    page: str = "performance.md"
    """The page in docs/ with its figures."""


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
        "CPU per asset of one segment; 1 to 8 assets at once",
        lambda options: (
            small_assets.result(20, backfill.QUICK)
            if options.quick
            else small_assets.result(small_assets.ASSETS, backfill.LONG)
        ),
        small_assets.show,
    ),
    "sparse": Benchmark(
        "First sync without and with the sparse vectors of transcripts",
        lambda options: sparse.result(sparse.QUICK if options.quick else sparse.LIBRARY, options.rounds),
        sparse.show,
    ),
    "concurrency": Benchmark(
        "Assets at once, with a source that takes its time",
        lambda options: (
            concurrency.result(concurrency.QUICK, concurrency.QUICK_CONCURRENCY)
            if options.quick
            else concurrency.result(concurrency.LIBRARY, concurrency.CONCURRENCY)
        ),
        concurrency.show,
    ),
    "replicas": Benchmark(
        "One, two and four replicas on one PostgreSQL ledger, with a source that takes its time",
        lambda options: (
            replicas.result(replicas.QUICK, replicas.QUICK_REPLICAS)
            if options.quick
            else replicas.result(replicas.LIBRARY, replicas.REPLICAS)
        ),
        replicas.show,
    ),
    "long-assets": Benchmark(
        "Memory and event loop with assets of four hours",
        lambda options: long_assets.result(long_assets.QUICK if options.quick else long_assets.LIBRARIES),
        long_assets.show,
    ),
    "large-index": Benchmark(
        "Full cycle, idle poll and refreshes of up to 100,000 assets",
        lambda options: (
            large_index.result(large_index.QUICK, large_index.QUICK_DEEP)
            if options.quick
            else large_index.result(large_index.SIZES, large_index.DEEP)
        ),
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
        lambda options: storage.result(storage.QUICK if options.quick else storage.LIBRARY),
        storage.show,
    ),
    "embedded": Benchmark(
        "First sync into embedded storage",
        lambda options: embedded.result(embedded.QUICK if options.quick else embedded.LIBRARY, options.rounds),
        embedded.show,
    ),
    "search": Benchmark(
        "Searches of the golden set in 10,000 segments: what they find, and how fast",
        lambda options: searches.result(searches.QUICK if options.quick else searches.USUAL, options.rounds),
        search_quality.show,
        page="search.md",
    ),
    "search-large": Benchmark(
        "The same in 100,000 segments",
        lambda options: searches.result(searches.QUICK if options.quick else searches.LARGE, options.rounds),
        search_quality.show,
        page="search.md",
    ),
    "decoding": Benchmark("Decoding an asset", lambda _: printed.result(decoding.main), printed.show),
    "ledger": Benchmark("The ledger's summary", lambda _: printed.result(ledger.main), printed.show),
    "status-page": Benchmark(
        "The status page of 100,000 assets: first byte", lambda _: printed.result(status_page.main), printed.show
    ),
}
