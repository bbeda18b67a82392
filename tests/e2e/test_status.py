"""`connector status` tells what is wrong, and needs no account."""

from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from qdrant_client import QdrantClient

from connector.domain.timestamps import epoch
from connector.simulator import ClockSpec, Scenario, Simulator
from tests.command import Command
from tests.e2e.convergence import converges, small_scenario
from tests.e2e.daemon import PATIENCE_SEC, Running, running
from tests.e2e.pages import code, table
from tests.waiting import wait_until


@pytest.fixture
def scenario() -> Scenario:
    """With the clock of this machine: the lag is the difference of its time and the source's."""
    return msgspec.structs.replace(small_scenario(), clock=ClockSpec(start="now", rate=1.0))


def status(connector: Command, daemon: Running) -> str:
    ended = connector.run("status", CONNECTOR_HTTP_PORT=str(urlsplit(daemon.url).port))
    assert ended.code == 0, ended.stderr
    return ended.stdout


def test_it_says_why_a_daemon_with_a_refused_key_is_not_ready(connector: Command, simulator: Simulator) -> None:
    simulator.control.inject("**", status=401, body={"code": "api_key_invalid", "message": "the key is invalid"})
    with running(connector, wait=False) as daemon:
        wait_until(lambda: daemon.get("/readyz")[0] == 503, PATIENCE_SEC, "it says that it is not ready")
        words = status(connector, daemon)
        assert daemon.stop().code == 0

    assert "not ready, source" in words
    assert "TWELVELABS_API_KEY" in words


def test_it_says_that_the_listener_of_a_running_daemon_does_not_respond(
    connector: Command, simulator: Simulator
) -> None:
    with running(connector) as daemon:
        words = connector.run("status", CONNECTOR_HTTP_PORT="1").stdout
        assert daemon.stop().code == 0

    assert "not ready, listener: it does not respond on 127.0.0.1:1" in words


def test_status_and_quarantine_list_need_neither_key_nor_indexes(connector: Command) -> None:
    synced = connector.run("sync", "--json")
    without = Command(connector.directory, {})

    shown, quarantined = without.run("status", "--json"), without.run("quarantine", "list", "--json")

    assert (shown.code, quarantined.code) == (0, 0), shown.stderr + quarantined.stderr
    assert [it["index_id"] for it in shown.json["indexes"]] == sorted(it["index_id"] for it in synced.json["indexes"])


def test_a_mistyped_index_does_not_stay_in_the_ledger(connector: Command, simulator: Simulator) -> None:
    index_id, mistyped = simulator.control.index_ids[0], "0123456789abcdef01234567"

    synced = connector.run("sync", "--json", CONNECTOR_INDEXES=f"{index_id},{mistyped}")
    shown = connector.run("status", "--json")

    assert synced.code == 3
    assert synced.index(mistyped)["error"]["code"] == "index_gone"
    assert [it["index_id"] for it in shown.json["indexes"]] == [index_id]


def test_a_sync_leaves_its_throughput_and_lag(connector: Command, simulator: Simulator) -> None:
    index_id = simulator.control.index_ids[0]
    assert connector.run("sync").code == 0
    simulator.control.advance(3600)
    simulator.control.add_asset(index_id, "added.mp4", captions=["a ship leaves the harbour"])
    assert connector.run("sync").code == 0

    shown = next(it for it in connector.run("status", "--json").json["indexes"] if it["index_id"] == index_id)

    assert shown["assets_per_minute"] > 0
    assert shown["worst_lag_sec"] is not None


def test_the_lag_of_a_live_change_is_told(connector: Command, simulator: Simulator, client: QdrantClient) -> None:
    index_id = simulator.control.index_ids[0]
    with running(connector) as daemon:
        converges(simulator, client)
        simulator.control.add_asset(index_id, "added.mp4", captions=["a ship leaves the harbour"])
        converges(simulator, client)
        wait_until(
            lambda: daemon.index(index_id)["worst_lag_sec"] is not None, PATIENCE_SEC, "the lag is in the ledger"
        )
        words = status(connector, daemon)
        assert daemon.stop().code == 0

    assert "  lag: " in words
    assert "last cycle: at 20" in words


def test_it_tells_when_each_index_is_polled_and_listed_next(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    index_id = simulator.control.index_ids[0]
    with running(connector, pace={"CONNECTOR_POLL_INTERVAL": "10m", "CONNECTOR_RECONCILE_INTERVAL": "1h"}) as daemon:
        converges(simulator, client)
        wait_until(lambda: bool(daemon.index(index_id)), PATIENCE_SEC, "its first cycle is in the ledger")
        served, live = daemon.index(index_id), daemon.get("/api/status")[1]["daemon"]
        wait_until(
            lambda: entry(connector.run("status", "--json").json, index_id)["next_poll_at"] is not None,
            PATIENCE_SEC,
            "a heartbeat after the first cycle is in the ledger",
        )
        words = status(connector, daemon)
        beside = connector.run("status", "--json").json
        assert daemon.stop().code == 0
    without = connector.run("status", "--json").json

    started = epoch(live["started_at"])
    assert epoch(served["next_poll_at"]) - started >= 600
    assert epoch(served["next_cycle_at"]) - started >= 3600
    assert (entry(beside, index_id)["next_poll_at"] is None, "next poll: at 20" in words) == (False, True)
    assert (entry(beside, index_id)["next_cycle_at"] is None, "next full cycle: at 20" in words) == (False, True)
    assert (entry(without, index_id)["next_poll_at"], entry(without, index_id)["next_cycle_at"]) == (None, None)
    assert "next" not in connector.run("status").stdout
    for key in ("daemon", "indexes"):
        assert keys(beside[key]) == documented(key)


def entry(document: Any, index_id: str) -> dict[str, Any]:
    return next(it for it in document["indexes"] if it["index_id"] == index_id)


def keys(part: Any) -> set[str]:
    return set(part[0] if isinstance(part, list) else part)


def documented(part: str) -> set[str]:
    """The keys below `part` in the table."""
    rows = [code(row[0]) for row in table("docs/commands.md", "`status --json`")]
    return {name.removeprefix(f"{part}.") for names in rows for name in names if name.startswith(f"{part}.")}


def test_it_says_what_limits_a_backfill_now(connector: Command, simulator: Simulator) -> None:
    """The daemon writes its state down every few seconds, so `status` may lag behind `/api/status`."""
    with running(connector, wait=False, CONNECTOR_REQUESTS_PER_MINUTE="30") as daemon:
        wait_until(
            lambda: (daemon.get("/api/status")[1] or {}).get("daemon", {}).get("limited_by") == "rate_limit",
            PATIENCE_SEC,
            "the rate limit is told",
        )
        wait_until(
            lambda: "waiting for the rate limit of requests to TwelveLabs" in status(connector, daemon),
            PATIENCE_SEC,
            "status tells it too",
        )
        daemon.process.kill()
