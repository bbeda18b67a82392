"""Embedded storage, for trying out: the first sync of 200 assets of ten segments, beside the same with a server."""

import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.library import Library
from benchmarks.processes import run
from benchmarks.stage import Source, connector, connector_settings, fresh_qdrant, prepared_source, report_of
from benchmarks.tables import number, table
from tests.qdrant_server import QdrantServer

LIBRARY, QUICK = Library(assets=200, segments=(4, 3, 3)), Library(assets=5, segments=(4, 3, 3))


@dataclass(frozen=True, slots=True)
class Synced:
    """A first sync, and a second one that finds nothing to do."""

    first_wall_sec: float
    first_cpu_sec: float
    first_peak_mb: float
    second_wall_sec: float
    second_cpu_sec: float


def result(library: Library, rounds: int) -> dict[str, Any]:
    ways: Mapping[str, Mapping[str, str]] = {"embedded": {"QDRANT_URL": "embedded"}, "server": {}}
    found: dict[str, list[Synced]] = {name: [] for name in ways}
    with prepared_source(library) as source:
        for _ in range(rounds):
            for name, settings in ways.items():
                with fresh_qdrant() as server:
                    found[name].append(_twice(source, server, library, settings))
    middle = {
        name: {key: statistics.median(getattr(one, key) for one in measured) for key in asdict(measured[0])}
        for name, measured in found.items()
    }
    return {"assets": library.assets, "segments": library.segments_in_all, "ways": middle}


def _twice(source: Source, server: QdrantServer, library: Library, settings: Mapping[str, str]) -> Synced:
    with tempfile.TemporaryDirectory(prefix="bench-") as path:
        directory = Path(path)
        given = {**connector_settings(source.base_url, server, directory), **settings}
        first = run(connector("sync", "--json"), directory, given)
        assert report_of(first.stdout)["upserted"] == library.assets, first.stdout
        second = run(connector("sync", "--json"), directory, given)
        assert report_of(second.stdout)["unchanged"] == library.assets, second.stdout
    return Synced(first.wall_sec, first.cpu_sec, first.peak_mb, second.wall_sec, second.cpu_sec)


def show(result: Mapping[str, Any]) -> str:
    rows = [
        [
            name,
            number(one["first_wall_sec"]),
            number(one["first_cpu_sec"]),
            number(one["first_peak_mb"]),
            number(one["second_wall_sec"]),
            number(one["second_cpu_sec"]),
        ]
        for name, one in result["ways"].items()
    ]
    head = f"{result['assets']:,} assets, {result['segments']:,} segments; the second sync changes nothing.\n"
    columns = ("", "first sync s", "CPU s", "peak MB", "second sync s", "CPU s")
    return head + "\n" + table(columns, rows)
