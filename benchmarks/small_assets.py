"""1,000 assets of one segment: CPU per asset, without the start of the process; and 1 to 8 assets in flight."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.library import Library
from benchmarks.processes import Used, run
from benchmarks.stage import connector, connector_settings, fresh_qdrant, prepared_source, report_of
from benchmarks.tables import number, table

ASSETS = 1_000
CONCURRENCY = (1, 2, 4, 8)


def result(assets: int, long: Library) -> dict[str, Any]:
    one, many = _sync(Library(1, (1, 0, 0))), _sync(Library(assets, (1, 0, 0)))
    workers = {str(count): _sync(long, CONNECTOR_CONCURRENCY=str(count)) for count in CONCURRENCY}
    return {
        "assets": assets,
        "start_cpu_sec": one.cpu_sec,
        "cpu_ms_per_asset": 1000 * (many.cpu_sec - one.cpu_sec) / (assets - 1),
        "wall_ms_per_asset": 1000 * (many.wall_sec - one.wall_sec) / (assets - 1),
        "long_segments": long.segments_in_all,
        "workers": {
            count: {"wall_sec": used.wall_sec, "cpu_sec": used.cpu_sec, "peak_mb": used.peak_mb}
            for count, used in workers.items()
        },
    }


def _sync(library: Library, **settings: str) -> Used:
    with prepared_source(library) as source, fresh_qdrant() as server, tempfile.TemporaryDirectory() as path:
        directory = Path(path)
        given = connector_settings(source.base_url, server, directory, **settings)
        used = run(connector("sync", "--json"), directory, given)
        assert report_of(used.stdout)["upserted"] == library.assets
        return used


def show(result: Mapping[str, Any]) -> str:
    per_asset = [[f"{result['assets']:,}", number(result["cpu_ms_per_asset"]), number(result["wall_ms_per_asset"])]]
    workers = [
        [
            count,
            number(one["wall_sec"]),
            number(one["cpu_sec"]),
            f"{one['cpu_sec'] / one['wall_sec']:.2f}",
            number(one["peak_mb"]),
        ]
        for count, one in result["workers"].items()
    ]
    return "\n".join(
        (
            table(("assets of one segment", "CPU ms per asset", "ms per asset"), per_asset),
            f"{result['long_segments']:,} segments of long assets, by `CONNECTOR_CONCURRENCY`:\n",
            table(("concurrency", "seconds", "CPU s", "cores in use", "peak MB"), workers),
        )
    )
