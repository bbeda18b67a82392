"""CONNECTOR_DELETE_GRACE from outside: a delete waits, is shown as pending, and is carried out after its time."""

import pytest
from qdrant_client import QdrantClient

from connector.domain.timestamps import epoch
from connector.simulator import Scenario, Simulator
from tests.command import Command
from tests.comparing import differences
from tests.e2e.convergence import NEWER, converges, ids, small_scenario
from tests.e2e.daemon import PATIENCE_SEC, running
from tests.waiting import wait_until

WAITING = {"CONNECTOR_DELETE_GRACE": "2h"}


@pytest.fixture
def scenario() -> Scenario:
    return small_scenario()


def test_a_delete_waits_and_every_command_says_so(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    newer = simulator.control.index_ids[0]
    connector.run("sync")
    gone = simulator.control.asset_ids(newer)[0]
    simulator.control.delete_asset(newer, gone)

    before = connector.run("plan", "--json", **WAITING)
    first = connector.run("sync", "--json", **WAITING)
    again = connector.run("sync", **WAITING)
    shown = connector.run("status", "--json", **WAITING)
    words = connector.run("status", **WAITING).stdout
    planned = connector.run("plan", "--json", **WAITING)

    assert (first.code, again.code) == (0, 0), first.stderr + again.stderr
    assert differences(first.index(newer), pending=1, deleted=0, withheld=0) == {}
    assert "1 pending" in again.stdout
    assert gone in ids(client, NEWER, newer)
    (entry,) = [it for it in shown.json["indexes"] if it["index_id"] == newer]
    (pending,) = entry["pending"]
    assert (pending["indexed_asset_id"], entry["counts"]["pending"]) == (gone, 1)
    assert epoch(pending["due"]) == pytest.approx(epoch(pending["absent_since"]) + 7200)
    assert f"gone since {pending['absent_since']}, its points are deleted after {pending['due']}" in words
    assert [(it["indexed_asset_id"], it["due"]) for it in before.index(newer)["pending"]] == [(gone, None)]
    assert [(it["indexed_asset_id"], it["due"]) for it in planned.index(newer)["pending"]] == [(gone, pending["due"])]

    after = connector.run("sync", "--json", CONNECTOR_DELETE_GRACE="0.001")

    assert differences(after.index(newer), pending=0, deleted=1) == {}
    converges(simulator, client)


def test_a_daemon_deletes_after_the_grace_period_that_an_earlier_process_began(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    newer = simulator.control.index_ids[0]
    connector.run("sync")
    gone = simulator.control.asset_ids(newer)[0]
    simulator.control.delete_asset(newer, gone)
    assert connector.run("sync", "--json", **WAITING).index(newer)["pending"] == 1

    with running(connector, pace=WAITING) as daemon:
        wait_until(lambda: bool(daemon.index(newer)), PATIENCE_SEC, "its cycle is in the ledger")
        assert daemon.index(newer)["counts"]["pending"] == 1
        assert daemon.stop().code == 0
    assert gone in ids(client, NEWER, newer)
    with running(connector, CONNECTOR_DELETE_GRACE="0.001") as daemon:
        converges(simulator, client)
        assert daemon.stop().code == 0

    assert [record["indexed_asset_id"] for record in daemon.events("asset.deleted")] == [gone]


def test_a_daemon_logs_what_waits(connector: Command, simulator: Simulator, client: QdrantClient) -> None:
    newer = simulator.control.index_ids[0]
    with running(connector, CONNECTOR_DELETE_GRACE="0.001") as daemon:
        converges(simulator, client)
        gone = simulator.control.asset_ids(newer)[0]
        simulator.control.delete_asset(newer, gone)
        converges(simulator, client)
        assert daemon.stop().code == 0

    (said,) = daemon.events("delete.pending")
    assert differences(said, level="info", index_id=newer, indexed_asset_id=gone) == {}
    assert said["delete_after"]
    assert [record["indexed_asset_id"] for record in daemon.events("asset.deleted")] == [gone]
