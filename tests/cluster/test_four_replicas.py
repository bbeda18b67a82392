"""Four daemons on one ledger: killed, paused longer than a lease, PostgreSQL restarted, while the source changes."""

import signal
from collections.abc import Callable, Iterator

import pytest
from qdrant_client import QdrantClient

from connector.cluster.index_leases import LEASE_SEC
from connector.simulator import IndexSpec, Scenario, Simulator
from tests.cluster.fleet import Fleet, fleet_of
from tests.cluster.ledger_facts import is_equal, is_settled, rows
from tests.cluster.rate_sampler import RateSampler, sampled
from tests.command import Command
from tests.e2e.daemon import Running
from tests.postgres_server import PostgresServer
from tests.waiting import wait_until

REPLICAS, PER_MINUTE = 4, 900
SLOW_SEC = 120
RETRIEVE = "GET /indexes/*/indexed-assets/*"
HOLDERS = "select name, pid from leases join replicas using (replica_id) where expires_at > clock_timestamp()"


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(
        seed=8,
        indexes=(
            IndexSpec(name="large", generate=70, duration=(8.0, 14.0)),
            IndexSpec(name="small", model="marengo2.7", generate=12, duration=(8.0, 14.0)),
        ),
    )


@pytest.fixture
def database(new_postgres: Callable[..., PostgresServer]) -> PostgresServer:
    return new_postgres()


@pytest.fixture
def fleet(connector: Command, database: PostgresServer) -> Iterator[Fleet]:
    limits = {"CONNECTOR_REQUESTS_PER_MINUTE": str(PER_MINUTE), "CONNECTOR_MAX_ATTEMPTS": "100"}
    with fleet_of(connector, database.url, **limits) as made:
        yield made


def holder(database: PostgresServer, fleet: Fleet, index_id: str) -> Running | None:
    """The daemon that holds the lease of the index, if it is alive."""
    found = rows(database, HOLDERS)
    return next((it for it in fleet.daemons if (f"index {index_id}", it.process.pid) in found), None)


def change_the_source(simulator: Simulator) -> None:
    """One asset comes, one goes, and one changes."""
    control, large = simulator.control, simulator.control.index_ids[0]
    control.advance(1.0)
    assets = control.asset_ids(large)
    control.delete_asset(large, assets[-1])
    control.update_asset(large, assets[0], duration=21.0)
    control.add_asset(large, f"added-{len(assets)}-{control.requests.total}.mp4", duration=9.0)


def disturb(fleet: Fleet, database: PostgresServer, simulator: Simulator) -> None:
    """A holder is killed, another one is paused for longer than its lease while PostgreSQL crashes."""
    large, sent = simulator.control.index_ids[0], simulator.control.requests
    fleet.start(REPLICAS)
    wait_until(lambda: len(sent.matching(RETRIEVE)) >= 8, SLOW_SEC, "they are at work")

    killed = holder(database, fleet, large)
    assert killed
    fleet.kill(killed)
    change_the_source(simulator)
    wait_until(lambda: holder(database, fleet, large) is not None, LEASE_SEC + 30, "another replica has taken over")
    wait_until(lambda: len(sent.matching(RETRIEVE)) >= 40, SLOW_SEC, "it goes on")
    fleet.start()

    paused = holder(database, fleet, large)
    assert paused
    fleet.pause(paused)
    change_the_source(simulator)
    database.stop(signal.SIGQUIT)
    database.start()
    taken = lambda: (it := holder(database, fleet, large)) is not None and it is not paused  # noqa: E731
    wait_until(taken, LEASE_SEC + 30, "another replica has taken over from the paused one")
    fleet.resume(paused)
    change_the_source(simulator)


def check_rate(sampler: RateSampler) -> None:
    """In every second, however many replicas live: the limit, one turn that each has reserved, and what came late."""
    per_second = PER_MINUTE / 60
    assert sampler.most_within(1.0) <= per_second * 1.5 + REPLICAS, "alone, each replica would send so many"
    assert sampler.most_within(10.0) <= per_second * 10.5 + REPLICAS


def test_kills_pauses_and_restarts_lose_nothing(
    fleet: Fleet, database: PostgresServer, simulator: Simulator, client: QdrantClient
) -> None:
    sent = simulator.control.requests
    with sampled(lambda: sent.total) as sampler:
        disturb(fleet, database, simulator)
        wait_until(lambda: is_settled(database, simulator), SLOW_SEC, "nothing is left to do")
    wait_until(lambda: is_equal(client, simulator), SLOW_SEC, "every point is as the source says")
    check_rate(sampler)
    assert len(fleet.cluster()["replicas"]) == REPLICAS
    verified = fleet.run("verify", "--json")
    assert verified.code == 0, verified.stdout + verified.stderr
    assert [daemon.stop().code for daemon in fleet.daemons] == [0] * REPLICAS
    logs = [record for daemon in fleet.daemons for record in daemon.records()]
    assert not [record for record in logs if "crashed" in record["event"]]
