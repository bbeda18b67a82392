"""What CONNECTOR_SPARSE_TRANSCRIPT costs: the same first sync without and with it, one after the other."""

import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.library import Library
from benchmarks.processes import cpu_seconds, run
from benchmarks.stage import Source, client_of, connector, connector_settings, fresh_qdrant, prepared_source, report_of
from benchmarks.tables import number, table

LIBRARY, QUICK = Library(60, (300, 300, 300)), Library(3, (10, 10, 10))
OFF, ON = "without", "with transcript-bm25"


@dataclass(frozen=True, slots=True)
class Synced:
    wall_sec: float
    cpu_sec: float
    qdrant_cpu_sec: float
    peak_mb: float


def result(library: Library, rounds: int) -> dict[str, Any]:
    """Medians of the rounds. The order changes with each round, so that neither is always the warmer one."""
    found: dict[str, list[Synced]] = {OFF: [], ON: []}
    with prepared_source(library) as source:
        _sync(library, source, ON)  # a round that does not count
        for nth in range(rounds):
            for name in (OFF, ON) if nth % 2 == 0 else (ON, OFF):
                found[name].append(_sync(library, source, name))
    return {
        "segments": library.segments_in_all,
        "points": library.points_in_all,
        "ways": {name: {key: _median(runs, key) for key in Synced.__slots__} for name, runs in found.items()},
    }


def _median(runs: list[Synced], key: str) -> float:
    return float(statistics.median(getattr(one, key) for one in runs))


def _sync(library: Library, source: Source, name: str) -> Synced:
    with fresh_qdrant() as server, tempfile.TemporaryDirectory(prefix="bench-") as path:
        switch = str(name == ON).lower()
        given = connector_settings(source.base_url, server, Path(path), CONNECTOR_SPARSE_TRANSCRIPT=switch)
        used = run(connector("sync", "--json"), Path(path), given)
        assert report_of(used.stdout)["upserted"] == library.assets
        with client_of(server) as client:
            points, _ = client.scroll("twelvelabs-marengo3.0", limit=1, with_vectors=True)
        assert len(points[0].vector or ()) == (4 if name == ON else 3)
        return Synced(used.wall_sec, used.cpu_sec, cpu_seconds(server.pid), used.peak_mb)


def show(result: Mapping[str, Any]) -> str:
    base = result["ways"][OFF]
    rows = [
        [
            name,
            number(result["segments"] / one["wall_sec"]),
            f"{base['wall_sec'] / one['wall_sec']:.2f}",
            number(900_000 * one["cpu_sec"] / result["segments"]),
            number(one["qdrant_cpu_sec"]),
            number(one["peak_mb"]),
        ]
        for name, one in result["ways"].items()
    ]
    columns = ("", "segments a second", "ratio", "CPU ms per 900 segments", "Qdrant CPU s", "peak MB")
    return (
        f"{result['segments']:,} segments in {result['points']:,} points with 8 words each; the start is included.\n\n"
    ) + table(columns, rows)
