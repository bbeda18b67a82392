"""Assets of four hours: peak memory, and the longest time for which the event loop was blocked."""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.library import Library
from benchmarks.processes import run
from benchmarks.stage import connector_settings, fresh_qdrant, prepared_source, report_of
from benchmarks.tables import number, table

FOUR_HOURS = (2400, 2400, 2400)
LIBRARIES = {
    "one asset, short numbers": Library(1, FOUR_HOURS, short=True),
    "four assets, long numbers, concurrency 4": Library(4, FOUR_HOURS),
}
QUICK = {"one asset": Library(1, (20, 20, 20), short=True)}


def result(libraries: Mapping[str, Library]) -> dict[str, Any]:
    return {"libraries": {name: _measure(library) for name, library in libraries.items()}}


def _measure(library: Library) -> dict[str, float]:
    size = len(next(library.bodies())[1]) / 1e6
    with prepared_source(library) as source, fresh_qdrant() as server, tempfile.TemporaryDirectory() as path:
        directory = Path(path)
        stall = directory / "stall"
        command = [sys.executable, "-m", "benchmarks.stalls", str(stall), "sync", "--json"]
        used = run(command, directory, connector_settings(source.base_url, server, directory))
        assert report_of(used.stdout)["upserted"] == library.assets
        return {
            "body_mb": size,
            "segments": library.segments_in_all,
            "peak_mb": used.peak_mb,
            "stall_ms": float(stall.read_text(encoding="utf-8")),
            "cpu_sec": used.cpu_sec,
            "wall_sec": used.wall_sec,
        }


def show(result: Mapping[str, Any]) -> str:
    keys = ("body_mb", "segments", "peak_mb", "stall_ms", "cpu_sec", "wall_sec")
    rows = [[name, *(number(one[key]) for key in keys)] for name, one in result["libraries"].items()]
    return table(("", "MB of JSON each", "segments", "peak MB", "longest stall ms", "CPU s", "seconds"), rows)
