"""A replica that is stopped while PostgreSQL is down ends before an orchestrator would kill it."""

import signal
from collections.abc import Callable, Iterator

import pytest
from qdrant_client import QdrantClient

from connector.simulator import IndexSpec, Scenario, Simulator
from tests.cluster.fleet import Fleet, fleet_of
from tests.cluster.ledger_facts import is_equal, is_settled, rows
from tests.command import Command, end
from tests.postgres_server import PostgresServer
from tests.waiting import wait_until

SLOW_SEC = 120
KUBERNETES_SEC = 30
"""How long Kubernetes waits after SIGTERM, unless told otherwise."""


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(
        seed=6,
        indexes=tuple(IndexSpec(name=name, generate=12, duration=(8.0, 14.0)) for name in ("one", "two", "three")),
    )


@pytest.fixture
def database(new_postgres: Callable[..., PostgresServer]) -> PostgresServer:
    return new_postgres()


@pytest.fixture
def fleet(connector: Command, database: PostgresServer) -> Iterator[Fleet]:
    """Slow enough to have work in hand when PostgreSQL ends."""
    with fleet_of(connector, database.url, CONNECTOR_REQUESTS_PER_MINUTE="240") as made:
        yield made


def test_it_ends_in_time_and_nothing_is_lost(
    fleet: Fleet, database: PostgresServer, simulator: Simulator, client: QdrantClient
) -> None:
    (daemon,) = fleet.start()
    applied = "select count(*) from checkpoints where applied_at is not null"
    wait_until(lambda: rows(database, applied) > [(4,)], SLOW_SEC, "it is in the middle of the first sync")
    database.stop()
    daemon.process.send_signal(signal.SIGTERM)
    daemon.process.wait(KUBERNETES_SEC)
    assert end(daemon.process).code == 0
    said = {record["event"] for record in daemon.records()}
    assert {"daemon.drain_started", "daemon.stopped", "replica.not_left"} <= said

    database.start()
    fleet.start(CONNECTOR_REQUESTS_PER_MINUTE="6000")
    wait_until(lambda: is_settled(database, simulator), SLOW_SEC, "the next one goes on")
    assert is_equal(client, simulator, loudly=True)
