"""Start-up of the commands: CPU and time of the whole process."""

import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.library import Library
from benchmarks.processes import run
from benchmarks.stage import connector, connector_settings, fresh_qdrant, prepared_source
from benchmarks.tables import table

COMMANDS = ("--help", "sync --help", "config", "status", "check", "sync")


def result(rounds: int) -> dict[str, Any]:
    """The first `sync` copies one asset of one segment; the measured ones find nothing to do."""
    library = Library(assets=1, segments=(1, 0, 0))
    found: dict[str, list[dict[str, float]]] = {command: [] for command in COMMANDS}
    with prepared_source(library) as source, fresh_qdrant() as server, tempfile.TemporaryDirectory() as path:
        settings = connector_settings(source.base_url, server, Path(path))
        run(connector("sync", "--json"), Path(path), settings)
        for _ in range(rounds):
            for command in COMMANDS:
                used = run(connector(*command.split()), Path(path), settings)
                found[command].append({"cpu_sec": used.cpu_sec, "wall_sec": used.wall_sec, "peak_mb": used.peak_mb})
    return {"commands": {command: _medians(runs) for command, runs in found.items()}}


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(one[key] for one in runs) for key in runs[0]}


def show(result: Mapping[str, Any]) -> str:
    rows = [
        [f"`connector {command}`", f"{one['cpu_sec']:.2f}", f"{one['wall_sec']:.2f}", f"{one['peak_mb']:.0f}"]
        for command, one in result["commands"].items()
    ]
    return table(("command", "CPU s", "seconds", "peak MB"), rows)
