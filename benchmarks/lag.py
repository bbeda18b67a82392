"""From the moment a video is ready until its points can be searched: by poll and by webhook, idle and in a backfill."""

import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qdrant_client import QdrantClient, models

from benchmarks.backfill import COLLECTION
from benchmarks.stage import client_of, connector_settings, daemon, fresh_qdrant
from benchmarks.tables import table
from connector.simulator import ClockSpec, IndexSpec, Scenario, Simulator, run_in_thread
from tests.qdrant_server import free_port
from tests.waiting import wait_until

SAMPLES, BACKFILL_ASSETS = 5, 3_000
QUICK_SAMPLES, QUICK_BACKFILL = 1, 20
POLL_SEC, _READY_IN_SEC, _PATIENCE_SEC = 5, 1.0, 120
_SECRET = "benchmark"  # noqa: S105  a local simulator


def result(samples: int, backfill: int) -> dict[str, Any]:
    return {
        "poll_sec": POLL_SEC,
        "ways": {
            "poll, idle": _measure(samples, 3, webhook=False),
            "webhook, idle": _measure(samples, 3, webhook=True),
            "poll, during a backfill": _measure(samples, backfill, webhook=False),
            "webhook, during a backfill": _measure(samples, backfill, webhook=True),
        },
    }


def _measure(samples: int, assets: int, *, webhook: bool) -> dict[str, float]:
    scenario = Scenario(
        indexes=(IndexSpec(name="fresh", generate=assets, duration=(60.0, 120.0)),), clock=ClockSpec(rate=1.0)
    )
    with run_in_thread(scenario) as simulator, fresh_qdrant() as server, tempfile.TemporaryDirectory() as path:
        port = free_port()
        given = connector_settings(simulator.base_url, server, Path(path), CONNECTOR_POLL_INTERVAL=str(POLL_SEC))
        given["CONNECTOR_INDEXES"] = simulator.control.index_ids[0]
        if webhook:
            hook = {"CONNECTOR_WEBHOOK_HOST": "127.0.0.1", "CONNECTOR_WEBHOOK_PORT": str(port)}
            given |= {**hook, "CONNECTOR_WEBHOOK_SECRET": _SECRET, "CONNECTOR_POLL_INTERVAL": "1h"}
            simulator.control.set_webhook(f"http://127.0.0.1:{port}/webhooks/twelvelabs", _SECRET)
        with daemon(Path(path), given), client_of(server) as client:
            wait_until(lambda: _stored(client) >= min(assets, 10), _PATIENCE_SEC, "the daemon has begun")
            lags = [_lag(simulator, client, number) for number in range(samples)]
    return {"median_sec": statistics.median(lags), "longest_sec": max(lags)}


def _lag(simulator: Simulator, client: QdrantClient, number: int) -> float:
    index = simulator.control.index_ids[0]
    ready = time.monotonic() + _READY_IN_SEC
    asset = simulator.control.add_asset(
        index, f"fresh-{number}.mp4", captions=["a harbour at night", "boats"], ready_in=_READY_IN_SEC
    )
    wait_until(lambda: _stored(client, asset) > 0, _PATIENCE_SEC, f"{asset} can be searched")
    return time.monotonic() - ready


def _stored(client: QdrantClient, asset: str | None = None) -> int:
    if not client.collection_exists(COLLECTION):
        return 0
    match = models.MatchValue(value=asset or "")
    only = models.Filter(must=[models.FieldCondition(key="indexed_asset_id", match=match)]) if asset else None
    return client.count(COLLECTION, count_filter=only, exact=True).count


def show(result: Mapping[str, Any]) -> str:
    rows = [[name, f"{one['median_sec']:.2f}", f"{one['longest_sec']:.2f}"] for name, one in result["ways"].items()]
    head = f"Poll interval {result['poll_sec']} s (the default is 60 s); with webhooks 1 h.\n"
    return head + "\n" + table(("", "median s", "longest s"), rows)
