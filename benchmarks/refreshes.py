"""Refreshes of an index of which nothing changed: the survey that chooses what is due, and a number of refreshes.

A process of its own: `python -m benchmarks.refreshes shallow|deep COUNT` takes its settings from the environment and
prints figures as JSON. Its clock is ahead, so that nearly every asset is due.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.library import INDEX_ID
from benchmarks.processes import peak_megabytes, run
from connector.app import App, open_app
from connector.domain.index_settings import IndexSettings
from connector.engine.passes import Pass
from connector.engine.survey import Survey
from connector.settings.loading import load
from connector.telemetry.logs import set_up

_REPEATS = 5
_AHEAD = 0.995
"""So many intervals after the first sync: nearly all assets are due, but not the canary of shallow refreshes."""


def measured(directory: Path, settings: Mapping[str, str], kind: str, count: int) -> dict[str, float]:
    """By a process of its own."""
    used = run([sys.executable, "-m", "benchmarks.refreshes", kind, str(count)], directory, settings)
    found: dict[str, float] = json.loads(used.stdout)
    return found


async def _main(kind: str, count: int) -> None:
    settings, _ = load()
    set_up(settings.connector_log_level)
    chosen = settings.of_index(INDEX_ID)
    interval = chosen.refresh_interval if kind == "shallow" else chosen.deep_refresh_interval
    async with open_app(settings, "sync") as app:
        state = await app.ledger.state(INDEX_ID)
        assert state
        none = await _survey(app, chosen, finds=False)
    later = state.canary_at + _AHEAD * interval
    async with open_app(settings, "sync", wall=lambda: later) as app:
        due = await _survey(app, chosen, finds=True)
        found = {"survey_none_cpu_ms": none, "survey_due_cpu_ms": due, "peak_mb": peak_megabytes(os.getpid())}
        print(json.dumps(found | await _refresh(app, chosen, count)))


async def _survey(app: App, chosen: IndexSettings, *, finds: bool) -> float:
    """CPU milliseconds of the cheapest of several surveys: that of all threads, as the ledger reads in one."""
    times = []
    for _ in range(_REPEATS):
        started = time.process_time()
        survey = await app.engine.surveyor.survey_refreshes(chosen, chosen.refresh_period)
        times.append(1000 * (time.process_time() - started))
        assert bool(survey.plan.refreshes) == finds, len(survey.plan.refreshes)
    return min(times)


async def _refresh(app: App, chosen: IndexSettings, count: int) -> dict[str, float]:
    """Without the survey, which is measured by itself.

    The quota of a cycle is three times the even share: the period is such that it is `count`, or all assets.
    """
    assets = len(await app.ledger.ids(chosen.index_id))
    shortest = min(chosen.refresh_interval, chosen.deep_refresh_interval)
    period = shortest * count / (3 * assets)
    survey, it = await app.engine.surveyor.survey_refreshes(chosen, period), app.engine.refresh_pass(chosen, period)

    async def surveyed(_: Pass) -> Survey:
        return survey

    it.survey_it = surveyed
    cpu, started = time.process_time(), time.perf_counter()
    report = await app.engine.run(it)
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    done = report.unchanged
    assert done, report
    assert (report.clean, report.refreshed, report.upserted) == (True, 0, 0), report
    return {
        "refreshes": done,
        "requests": report.requests,
        "refresh_cpu_ms": 1000 * cpu / done,
        "refresh_wall_ms": 1000 * wall / done,
    }


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
