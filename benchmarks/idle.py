"""The daemon with nothing to do, 1,000 cycles: memory, file descriptors and ledger must stay as they are."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.library import Library
from benchmarks.processes import cpu_seconds, descriptors, pause, resident_megabytes
from benchmarks.stage import connector_settings, daemon, fresh_qdrant, prepared_source
from benchmarks.tables import number, table

CYCLES, QUICK_CYCLES = 1_000, 20
_ASSETS, _SAMPLES = 20, 5
_MOST_SEC = 600


def result(cycles: int) -> dict[str, Any]:
    """Polls and full cycles as often as the settings allow. Each lists the index."""
    with (
        prepared_source(Library(_ASSETS, (2, 0, 0))) as source,
        fresh_qdrant() as server,
        tempfile.TemporaryDirectory() as path,
    ):
        directory = Path(path)
        often = {"CONNECTOR_POLL_INTERVAL": "0.1s", "CONNECTOR_RECONCILE_INTERVAL": "0.1s"}
        samples: list[dict[str, float]] = []
        done, waited = 0.0, 0.0
        with daemon(directory, connector_settings(source.base_url, server, directory, **often)) as pid:
            while len(samples) < _SAMPLES and waited < _MOST_SEC:
                pause(0.5)
                waited += 0.5
                done += source.take_counters()["listings"]
                if done >= cycles * (len(samples) + 1) / _SAMPLES:
                    ledger = sum(file.stat().st_size for file in (directory / "data").glob("ledger.sqlite3*"))
                    sample = {"listings": done, "resident_mb": resident_megabytes(pid), "descriptors": descriptors(pid)}
                    samples.append(sample | {"ledger_mb": ledger / 1e6, "cpu_sec": cpu_seconds(pid)})
        assert len(samples) == _SAMPLES, (done, (directory / "daemon.log").read_text()[-2000:])
        return {"samples": samples}


def show(result: Mapping[str, Any]) -> str:
    keys = ("listings", "resident_mb", "descriptors", "ledger_mb", "cpu_sec")
    rows = [[number(one[key]) for key in keys] for one in result["samples"]]
    return table(("listings of polls and full cycles", "resident MB", "descriptors", "ledger MB", "CPU s"), rows)
