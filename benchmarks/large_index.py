"""An unchanged index of 1,000 to 100,000 assets: a full cycle, polls of the daemon, refreshes."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import refreshes
from benchmarks.bars import Bar, bars
from benchmarks.filled import fill
from benchmarks.library import Library
from benchmarks.processes import cpu_seconds, pause, resident_megabytes, run
from benchmarks.stage import (
    Source,
    connector,
    connector_settings,
    daemon,
    fresh_qdrant,
    prepared_source,
    report_of,
)
from benchmarks.tables import number, table
from tests.qdrant_server import QdrantServer

SIZES = (1_000, 10_000, 100_000)
QUICK = (100, 200)
_POLL_SEC, _POLLS = 1.0, 20
_REFRESHES = 200
DEEP, QUICK_DEEP = Library(200, (100, 100, 100)), Library(5, (4, 3, 3))


def result(sizes: Sequence[int], deep: Library) -> dict[str, Any]:
    return {"sizes": {str(size): _measure(size) for size in sizes}, "deep": _deep(deep)}


def _measure(size: int) -> dict[str, float]:
    library = Library(assets=size, segments=(0, 0, 0))
    with prepared_source(library) as source, fresh_qdrant() as server, tempfile.TemporaryDirectory() as path:
        directory = Path(path)
        asyncio.run(fill(source.base_url, server, directory / "data"))
        source.take_counters()
        used = run(connector("sync", "--json"), directory, connector_settings(source.base_url, server, directory))
        report = report_of(used.stdout)
        assert report["unchanged"] == size, report
        found = {
            "full_requests": source.take_counters()["requests"],
            "full_cpu_sec": used.cpu_sec,
            "full_wall_sec": used.wall_sec,
            "full_peak_mb": used.peak_mb,
            "ledger_mb": (directory / "data/ledger.sqlite3").stat().st_size / 1e6,
        }
        found |= _polls(source, server, directory)
        settings = connector_settings(source.base_url, server, directory)
        return found | refreshes.measured(directory, settings, "shallow", min(size, _REFRESHES))


def _deep(library: Library) -> dict[str, float]:
    """Deep refreshes retrieve the vectors, so they need a library that has some."""
    with prepared_source(library) as source, fresh_qdrant() as server, tempfile.TemporaryDirectory() as path:
        directory = Path(path)
        settings = connector_settings(source.base_url, server, directory)
        run(connector("sync", "--json"), directory, settings)
        found = refreshes.measured(directory, settings, "deep", 3 * library.assets)
        return found | {"segments": library.segments_in_all / library.assets}


def _polls(source: Source, server: QdrantServer, directory: Path) -> dict[str, float]:
    """The daemon starts with a full cycle; then only polls are due."""
    settings = connector_settings(source.base_url, server, directory, CONNECTOR_POLL_INTERVAL=str(_POLL_SEC))
    with daemon(directory, settings) as pid:
        _wait_for_cycle(directory / "daemon.log")
        before = cpu_seconds(pid)
        source.take_counters()
        pause(_POLLS * _POLL_SEC)
        requests, cpu = source.take_counters()["requests"], cpu_seconds(pid) - before
        return {
            "poll_requests": requests / _POLLS,
            "poll_cpu_ms": 1000 * cpu / _POLLS,
            "idle_mb": resident_megabytes(pid),
        }


def _wait_for_cycle(log: Path) -> None:
    """Until the full cycle has ended; polls run beside it."""
    for _ in range(600):
        pause(1.0)
        if "cycle.finished" in log.read_text(encoding="utf-8"):
            return
    raise TimeoutError("the daemon does not end its first full cycle")


_FULL_CYCLE = """A full cycle, `connector sync`, of which nothing changed. "CPU µs per asset more" is the difference to
the line above by the difference in assets; it is the same in each line where the growth is linear.
"""


def show(result: Mapping[str, Any]) -> str:
    sizes = {int(size): one for size, one in result["sizes"].items()}
    full = [
        [
            f"{size:,}",
            number(one["full_requests"]),
            number(one["full_cpu_sec"]),
            number(1e6 * one["full_cpu_sec"] / size),
            _more(sizes, size, "full_cpu_sec", 1e6),
            number(one["full_wall_sec"]),
            number(one["full_peak_mb"]),
            number(one["ledger_mb"]),
        ]
        for size, one in sizes.items()
    ]
    polls = [
        [f"{size:,}", number(one["poll_requests"]), number(one["poll_cpu_ms"]), number(one["idle_mb"])]
        for size, one in sizes.items()
    ]
    surveys = [
        [
            f"{size:,}",
            number(one["survey_none_cpu_ms"]),
            number(one["survey_due_cpu_ms"]),
            number(1000 * one["survey_due_cpu_ms"] / size),
            _more(sizes, size, "survey_due_cpu_ms", 1e3),
            number(one["peak_mb"]),
        ]
        for size, one in sizes.items()
    ]
    kinds = {f"shallow, of {size:,} assets": one for size, one in sizes.items()}
    kinds[f"deep, {result['deep']['segments']:,.0f} segments each"] = result["deep"]
    done = [
        [
            name,
            f"{one['refreshes']:,}",
            number(one["requests"] / one["refreshes"]),
            number(one["refresh_cpu_ms"]),
            number(one["refresh_wall_ms"]),
        ]
        for name, one in kinds.items()
    ]
    each, more = "CPU µs per asset", "CPU µs per asset more"
    return "\n".join(
        (
            _FULL_CYCLE,
            table(("assets", "list requests", "CPU s", each, more, "seconds", "peak MB", "ledger MB"), full),
            "An idle poll of the daemon:\n",
            table(("assets", "requests", "CPU ms", "resident MB"), polls),
            "The survey that chooses the due refreshes, once an hour with the default intervals:\n",
            table(("assets", "none due, CPU ms", "all due, CPU ms", each, more, "peak MB"), surveys),
            "Refreshes that find nothing to write:\n",
            table(("", "refreshes", "requests each", "CPU ms each", "ms each"), done),
        )
    )


def _more(sizes: Mapping[int, Mapping[str, float]], size: int, key: str, factor: float) -> str:
    """The figure per asset more than in the next smaller index; without the start, which each size has."""
    smaller = max((other for other in sizes if other < size), default=None)
    if smaller is None:
        return ""
    return number(factor * (sizes[size][key] - sizes[smaller][key]) / (size - smaller))


def plots(result: Mapping[str, Any]) -> Mapping[str, str]:
    shown = [Bar(f"{int(size):,} assets", one["full_cpu_sec"]) for size, one in result["sizes"].items()]
    return {"large-index-cpu.svg": bars("CPU seconds of a full cycle", shown)}
