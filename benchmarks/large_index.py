"""An unchanged index of 1,000 to 100,000 assets: a full cycle as a process of its own, and polls of the daemon."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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


def result(sizes: Sequence[int]) -> dict[str, Any]:
    return {"sizes": {str(size): _measure(size) for size in sizes}}


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
        return found | _polls(source, server, directory)


def _polls(source: Source, server: QdrantServer, directory: Path) -> dict[str, float]:
    """The daemon starts with a full cycle; then only polls are due."""
    settings = connector_settings(source.base_url, server, directory, CONNECTOR_POLL_INTERVAL=str(_POLL_SEC))
    with daemon(directory, settings) as pid:
        _wait_for_polls(source)
        before = cpu_seconds(pid)
        source.take_counters()
        pause(_POLLS * _POLL_SEC)
        requests, cpu = source.take_counters()["requests"], cpu_seconds(pid) - before
        return {
            "poll_requests": requests / _POLLS,
            "poll_cpu_ms": 1000 * cpu / _POLLS,
            "idle_mb": resident_megabytes(pid),
        }


def _wait_for_polls(source: Source) -> None:
    """Until there were some requests in two seconds, but only as many as polls make."""
    source.take_counters()
    for _ in range(120):
        pause(2 * _POLL_SEC)
        if 0 < source.take_counters()["requests"] <= 10:
            return
    raise TimeoutError("the daemon does not poll")


def show(result: Mapping[str, Any]) -> str:
    head = ("assets", "list requests", "CPU s", "CPU µs per asset", "seconds", "peak MB", "ledger MB")
    full = [
        [
            f"{int(size):,}",
            number(one["full_requests"]),
            number(one["full_cpu_sec"]),
            number(1e6 * one["full_cpu_sec"] / int(size)),
            number(one["full_wall_sec"]),
            number(one["full_peak_mb"]),
            number(one["ledger_mb"]),
        ]
        for size, one in result["sizes"].items()
    ]
    polls = [
        [f"{int(size):,}", number(one["poll_requests"]), number(one["poll_cpu_ms"]), number(one["idle_mb"])]
        for size, one in result["sizes"].items()
    ]
    return "\n".join(
        (
            "A full cycle, `connector sync`, of which nothing changed:\n",
            table(head, full),
            "An idle poll of the daemon:\n",
            table(("assets", "requests", "CPU ms", "resident MB"), polls),
        )
    )


def plots(result: Mapping[str, Any]) -> Mapping[str, str]:
    shown = [Bar(f"{int(size):,} assets", one["full_cpu_sec"]) for size, one in result["sizes"].items()]
    return {"large-index-cpu.svg": bars("CPU seconds of a full cycle", shown)}
