"""A source that allows N requests a minute: how much of that a sync uses, and how many requests are wasted."""

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.processes import Used, run
from benchmarks.stage import connector, connector_settings, fresh_qdrant
from benchmarks.tables import table
from connector.simulator import ClockSpec, IndexSpec, Knobs, Logged, Scenario, run_in_thread

WINDOW_SEC = 10.0
PER_WINDOW, WINDOWS = 100, 6
QUICK_PER_WINDOW, QUICK_WINDOWS = 20, 2


def result(per_window: int, windows: int) -> dict[str, Any]:
    """By itself the program learns the limit from the answers; with a setting it knows it."""
    per_minute = int(per_window * 60 / WINDOW_SEC)
    return {
        "per_minute": per_minute,
        "limit from the answers": _measure(per_window, windows),
        "limit as a setting": _measure(per_window, windows, CONNECTOR_REQUESTS_PER_MINUTE=str(per_minute)),
    }


def _measure(per_window: int, windows: int, **settings: str) -> dict[str, float]:
    spec = IndexSpec(name="limited", generate=per_window * windows, duration=(6.0, 12.0))
    knobs = Knobs(rate_limit=per_window, rate_limit_window_s=WINDOW_SEC)
    scenario = Scenario(indexes=(spec,), knobs=knobs, clock=ClockSpec(rate=1.0))
    with run_in_thread(scenario) as simulator, fresh_qdrant() as server, tempfile.TemporaryDirectory() as path:
        directory = Path(path)
        given = connector_settings(simulator.base_url, server, directory, **settings)
        given["CONNECTOR_INDEXES"] = simulator.control.index_ids[0]
        used = run(connector("sync", "--json"), directory, given)
        return shares(list(simulator.control.requests), used, per_window)


def shares(requests: Sequence[Logged], used: Used, per_window: int) -> dict[str, float]:
    """Of the requests that the limit allows while the process runs, and between its first and its last request."""
    answered = Counter((entry.path, entry.query) for entry in requests if entry.status != 429)
    refused = sum(entry.status == 429 for entry in requests)
    allowed = per_window * used.wall_sec / WINDOW_SEC
    times = [entry.at / 1000 for entry in requests if entry.status != 429]
    between_sec = max(times) - min(times)
    return {
        "requests": len(requests),
        "used_share": answered.total() / allowed,
        "used_share_between": (answered.total() - 1) / (per_window * between_sec / WINDOW_SEC),
        "refused_share": refused / len(requests),
        "made_twice": answered.total() - len(answered),
        "between_sec": between_sec,
        "wall_sec": used.wall_sec,
    }


def show(result: Mapping[str, Any]) -> str:
    rows = [
        [
            name,
            f"{one['requests']:,}",
            f"{one['used_share_between']:.1%}",
            f"{one['used_share']:.1%}",
            f"{one['refused_share']:.1%}",
            f"{one['made_twice']:.0f}",
        ]
        for name, one in result.items()
        if isinstance(one, dict) and "used_share" in one
    ]
    columns = ("", "requests", "used, first to last request", "used, whole process", "answered 429", "made twice")
    return f"{result['per_minute']:,} requests a minute.\n\n" + table(columns, rows)
