"""`connector run` on the simulator and a real Qdrant converges by itself, whatever happens to either of them."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from qdrant_client import QdrantClient

from connector.simulator import Scenario, Simulator
from tests.command import Command
from tests.e2e.convergence import NEWER, OLDER, RETRIEVE, SLOW, converges, ids, small_scenario
from tests.e2e.daemon import PATIENCE_SEC, Running, running
from tests.e2e.oracle import listed
from tests.qdrant_server import QdrantServer
from tests.waiting import wait_until


@pytest.fixture
def scenario() -> Scenario:
    return small_scenario()


def test_it_follows_every_kind_of_change(connector: Command, simulator: Simulator, client: QdrantClient) -> None:
    control = simulator.control
    newer, older = control.index_ids
    with running(connector, CONNECTOR_REFRESH_INTERVAL="4s", CONNECTOR_DEEP_REFRESH_INTERVAL="8s") as daemon:
        converges(simulator, client)
        first, second, third, fourth, *_ = control.asset_ids(newer)
        control.add_asset(newer, "added.mp4", captions=["a ship leaves the harbour"])
        control.delete_asset(newer, second)
        control.update_asset(newer, first, duration=95.0)
        converges(simulator, client)
        control.set_knobs(patch_bumps_updated_at=False, reindex_bumps_updated_at=False)
        control.patch_metadata(newer, third, {"reviewed": "yes"})
        control.reindex(newer, fourth, duration=17.0)
        converges(simulator, client)
        control.migrate(older, "marengo3.0")
        converges(simulator, client)
        ended = daemon.stop()

    assert ended.code == 0, daemon.log.read_text()
    assert client.count(OLDER).count == 0
    assert newer != older


def test_an_expired_index_keeps_its_points_and_does_not_stop_the_other(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    control = simulator.control
    newer, older = control.index_ids
    with running(connector) as daemon:
        converges(simulator, client)
        kept = ids(client, OLDER, older)
        control.expire_index(older)
        wait_until(lambda: bool(daemon.index(older)["last_cycle"]["error"]), PATIENCE_SEC, "the error is reported")
        control.add_asset(newer, "added.mp4", captions=["a ship leaves the harbour"])
        converges(simulator, client, newer)
        error = daemon.index(older)["last_cycle"]["error"]
        assert daemon.ready
        assert daemon.stop().code == 0

    assert error["code"] == "index_gone"
    assert ids(client, OLDER, older) == kept


def test_qdrant_killed_and_brought_back(
    connector: Command, simulator: Simulator, server: QdrantServer, client: QdrantClient
) -> None:
    """/readyz is correct throughout."""
    control = simulator.control
    with running(connector) as daemon:
        converges(simulator, client)
        server.kill()
        wait_until(lambda: not daemon.ready, 10, "it is not ready")
        status, document = daemon.get("/readyz")
        control.add_asset(control.index_ids[0], "added.mp4", captions=["a ship leaves the harbour"])
        alive = daemon.get("/livez")[0]
        server.start()
        wait_until(lambda: daemon.ready, PATIENCE_SEC, "it is ready again")
        converges(simulator, client)
        assert daemon.stop().code == 0

    assert status == 503
    assert list(document["reasons"]) == ["sink"]
    assert alive == 200


def test_it_starts_while_both_sides_are_down(connector: Command, simulator: Simulator, server: QdrantServer) -> None:
    server.stop()
    simulator.control.inject("**", status=503)
    with running(connector, wait=False) as daemon:
        wait_until(lambda: daemon.get("/livez")[0] == 200, PATIENCE_SEC, "it lives")
        status, document = daemon.get("/readyz")
        server.start()
        simulator.control.clear_faults()
        wait_until(lambda: daemon.ready, PATIENCE_SEC, "it is ready")
        client = QdrantClient(url=server.url, check_compatibility=False)
        converges(simulator, client)
        client.close()
        assert daemon.stop().code == 0

    assert (status, set(document["reasons"])) == (503, {"source", "sink"})


def test_stopping_in_the_middle_of_a_backfill_keeps_what_is_done(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    control = simulator.control
    newer = control.index_ids[0]
    hold = control.hold(RETRIEVE, nth=5)
    with running(connector, CONNECTOR_INDEXES=newer, CONNECTOR_CONCURRENCY="2") as daemon:
        hold.wait_reached()
        daemon.process.terminate()
        wait_until(lambda: bool(daemon.events("daemon.drain_started")), PATIENCE_SEC, "it drains")
        hold.release()
        code = daemon.process.wait(timeout=PATIENCE_SEC)
    done = {entry.path for entry in control.requests.matching(RETRIEVE)}
    control.clear_requests()
    with running(connector, CONNECTOR_INDEXES=newer) as daemon:
        wait_until(lambda: daemon.index(newer).get("applied") == 8, PATIENCE_SEC, "all is applied")
        again = {entry.path for entry in control.requests.matching(RETRIEVE)} & done
        converges(simulator, client, newer)
        daemon.stop()

    assert code == 0, daemon.log.read_text()
    assert len(done) >= 5
    assert again == set()


def test_a_webhook_makes_an_asset_searchable_within_seconds(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    """Polls are an hour apart, so it must be the webhook."""
    control = simulator.control
    newer = control.index_ids[0]
    with running(connector, CONNECTOR_WEBHOOK_SECRET="whsec_test", pace=SLOW) as daemon:
        converges(simulator, client)
        control.set_webhook(daemon.webhook_url, "whsec_test")
        added = control.add_asset(newer, "added.mp4", captions=["a ship leaves the harbour"])
        control.emit("index.task.ready", newer, added)
        wait_until(lambda: added in ids(client, NEWER, newer), 10, "the asset is in Qdrant")
        assert daemon.stop().code == 0


def test_polls_of_an_unchanged_index_retrieve_nothing(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    newer = simulator.control.index_ids[0]
    pace = {"CONNECTOR_POLL_INTERVAL": "1s", "CONNECTOR_RECONCILE_INTERVAL": "1h"}
    with running(connector, CONNECTOR_INDEXES=newer, pace=pace) as daemon:
        converges(simulator, client, newer)
        simulator.control.clear_requests()
        polls = simulator.control.requests
        wait_until(lambda: len(polls.matching("GET /indexes/*/indexed-assets")) >= 3, PATIENCE_SEC, "three polls")
        retrieved = polls.matching(RETRIEVE)
        assert daemon.stop().code == 0

    assert retrieved == []


def test_a_damaged_row_is_the_failure_of_its_index_in_the_daemon_too(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    newer, older = simulator.control.index_ids
    assert connector.run("sync").code == 0
    with closing(sqlite3.connect(connector.directory / "data" / "ledger.sqlite3")) as db, db:
        db.execute("update checkpoints set points = 'x' where index_id = ?", (newer,))
    added = simulator.control.add_asset(older, "added.mp4", captions=["a ship leaves the harbour"])
    with running(connector) as daemon:
        converges(simulator, client, older)
        wait_until(lambda: bool(failures(daemon, newer)), PATIENCE_SEC, "the damaged index has failed")
        assert daemon.stop().code == 0

    assert added in {row["_id"] for row in listed(simulator.base_url, older)}
    assert {it["code"] for it in failures(daemon, newer)} == {"ledger_unavailable"}
    assert f"read ledger row {newer} " in failures(daemon, newer)[0]["reason"]
    assert daemon.events("cycle.crashed") == []


def failures(daemon: Running, index_id: str) -> list[dict[str, Any]]:
    return [event for event in daemon.events("index.failed") if event["index_id"] == index_id]
