"""A source that takes its time, as a real one does: how much more assets at once help."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.library import Library
from benchmarks.processes import run
from benchmarks.stage import connector, connector_settings, fresh_qdrant, prepared_source, report_of
from benchmarks.tables import number, table

LIBRARY, QUICK = Library(300, (4, 3, 3), answers_after_sec=0.2), Library(10, (4, 3, 3), answers_after_sec=0.2)
CONCURRENCY, QUICK_CONCURRENCY = (1, 2, 4, 8, 16, 32), (1, 8)


def result(library: Library, concurrency: tuple[int, ...]) -> dict[str, Any]:
    found = {str(count): _sync(library, count) for count in concurrency}
    return {"assets": library.assets, "answers_after_sec": library.answers_after_sec, "by_concurrency": found}


def _sync(library: Library, count: int) -> dict[str, float]:
    """`work_sec` begins at the first request to the source."""
    with prepared_source(library) as source, fresh_qdrant() as server, tempfile.TemporaryDirectory() as path:
        directory = Path(path)
        given = connector_settings(source.base_url, server, directory, CONNECTOR_CONCURRENCY=str(count))
        source.take_counters()
        used = run(connector("sync", "--json"), directory, given)
        work = used.ended - source.take_counters()["first_at"]
        assert report_of(used.stdout)["upserted"] == library.assets
        return {"work_sec": work, "wall_sec": used.wall_sec, "cpu_sec": used.cpu_sec, "peak_mb": used.peak_mb}


def show(result: Mapping[str, Any]) -> str:
    rows = [
        [
            count,
            number(result["assets"] / one["work_sec"]),
            number(one["work_sec"]),
            number(one["cpu_sec"] / one["wall_sec"]),
            number(one["peak_mb"]),
        ]
        for count, one in result["by_concurrency"].items()
    ]
    head = f"{result['assets']:,} assets of ten segments; each answer comes after {result['answers_after_sec']:g} s.\n"
    return (
        head
        + "\n"
        + table(("concurrency", "assets/s", "s without start-up", "cores in use, whole process", "peak MB"), rows)
    )
