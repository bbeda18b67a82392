"""Commands and webhooks reach the replica that holds their index, from wherever they come."""

from collections.abc import Iterator

import psycopg
import pytest
from qdrant_client import QdrantClient

from connector.simulator import Scenario, Simulator
from tests.cluster.fleet import Fleet, fleet_of
from tests.command import Command
from tests.e2e.convergence import SLOW, converges, small_scenario
from tests.e2e.daemon import PATIENCE_SEC, Running
from tests.waiting import wait_until

SECRET = "whsec-7431"
SEC = 60


@pytest.fixture
def scenario() -> Scenario:
    return small_scenario()


@pytest.fixture
def fleet(connector: Command, postgres_ledger: str) -> Iterator[Fleet]:
    """Polls and full cycles come once an hour only."""
    with fleet_of(connector, postgres_ledger, CONNECTOR_WEBHOOK_SECRET=SECRET, **SLOW) as made:
        yield made


def shares(fleet: Fleet) -> list[int]:
    return sorted(len(it["leases"]) for it in fleet.cluster().get("replicas", ()))


def other_than_holder(fleet: Fleet, index_id: str) -> Running:
    holding = next(it for it in fleet.cluster()["replicas"] if index_id in it["leases"])
    return next(it for it in fleet.daemons if it.process.pid != holding["pid"])


def test_commands_and_webhooks_reach_the_holder(fleet: Fleet, simulator: Simulator, client: QdrantClient) -> None:
    """One after the other with the same daemons, which take seconds to start."""
    control = simulator.control
    fleet.start(2)
    wait_until(lambda: shares(fleet) == [1, 1], SEC, "each has one of the two indexes")
    converges(simulator, client)
    first, second = control.index_ids

    for index_id in (first, second):
        control.update_asset(index_id, control.asset_ids(index_id)[0], duration=33.0)
    synced = fleet.run("sync", "--json")
    assert synced.code == 0, synced.stderr
    assert [synced.index(it)["upserted"] for it in (first, second)] == [1, 1]
    converges(simulator, client)

    verified = fleet.run("verify", "--json")
    assert (verified.code, [it["index_id"] for it in verified.json["indexes"]]) == (0, [first, second])

    receiver = other_than_holder(fleet, first)
    control.set_webhook(receiver.webhook_url, SECRET)
    asset_id = control.add_asset(first, "fresh.mp4", duration=9.0)
    control.emit("index.task.ready", first, asset_id)
    converges(simulator, client, first)

    page = receiver.get("/api/status")[1]
    assert {entry["index_id"]: entry["applied"] for entry in page["indexes"]} == {first: 9, second: 6}
    assert len(page["daemon"]["cluster"]["replicas"]) == 2

    assert fleet.run("forget", second, "--yes", "--json").json["assets"] == 6
    assert [daemon.stop().code for daemon in fleet.daemons] == [0, 0]
    assert fleet.cluster() == {}


def test_a_new_replica_gets_its_share_and_a_stopped_one_gives_its_own_back_at_once(fleet: Fleet) -> None:
    (first,) = fleet.start()
    wait_until(lambda: shares(fleet) == [2], SEC, "it is alone")
    fleet.start()
    wait_until(lambda: shares(fleet) == [1, 1], SEC, "they share")

    assert first.stop().code == 0
    fleet.daemons.remove(first)
    wait_until(lambda: shares(fleet) == [2], PATIENCE_SEC, "the other one has all")


def test_a_release_that_is_too_old_for_the_ledger_ends_and_says_why(fleet: Fleet, postgres_ledger: str) -> None:
    (daemon,) = fleet.start()
    wait_until(lambda: shares(fleet) == [2], SEC, "it is at work")
    with psycopg.connect(postgres_ledger, autocommit=True) as connection:
        connection.execute("update ledger_version set version = version + 1")

    assert daemon.process.wait(SEC) == 3
    assert "a newer release has migrated it while this process ran" in daemon.log.read_text()
    assert fleet.run("status").code == 3
    (again,) = fleet.start()
    assert again.process.wait(SEC) == 3
    assert "schema version" in again.log.read_text()
