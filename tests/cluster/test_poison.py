"""An asset that kills whatever works on it, among four real daemons."""

from collections.abc import Callable, Iterator

import pytest
from qdrant_client import QdrantClient

from connector.simulator import IndexSpec, Scenario, Simulator
from tests.cluster.fleet import Fleet, fleet_of
from tests.cluster.ledger_facts import rows
from tests.cluster.watching import revisions
from tests.command import Command
from tests.e2e.daemon import Running
from tests.postgres_server import PostgresServer
from tests.waiting import wait_until

REPLICAS, MAX_ATTEMPTS, ASSETS, SLOW_SEC = 4, 2, 12, 120
QUARANTINED = "select indexed_asset_id, attempts from checkpoints where attempts is not null"

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(seed=4, indexes=(IndexSpec(name="videos", generate=ASSETS, duration=(8.0, 14.0)),))


@pytest.fixture
def database(new_postgres: Callable[..., PostgresServer]) -> PostgresServer:
    return new_postgres()


@pytest.fixture
def fleet(connector: Command, database: PostgresServer) -> Iterator[Fleet]:
    with fleet_of(connector, database.url, CONNECTOR_MAX_ATTEMPTS=str(MAX_ATTEMPTS)) as made:
        yield made


def works_on(daemon: Running, index_id: str, asset_id: str) -> bool:
    status, document = daemon.get("/api/status")
    return status == 200 and asset_id in document["daemon"]["jobs"].get(index_id, ())


def test_it_ends_in_quarantine_after_as_many_kills_as_attempts(
    fleet: Fleet, database: PostgresServer, simulator: Simulator, client: QdrantClient
) -> None:
    """Whatever the queue believes: the ledger counts an attempt before each retrieval."""
    index_id = simulator.control.index_ids[0]
    poison, *others = simulator.control.asset_ids(index_id)
    retrieval = f"GET /indexes/*/indexed-assets/{poison}"
    fleet.start(REPLICAS)
    for kills in range(MAX_ATTEMPTS):
        hold = simulator.control.hold(retrieval)
        hold.wait_reached(SLOW_SEC)
        at_work = list[Running]()

        def found(at_work: list[Running] = at_work) -> bool:
            at_work[:] = [it for it in fleet.daemons if works_on(it, index_id, poison)]
            return bool(at_work)

        wait_until(found, SLOW_SEC, f"a replica says that it works on the asset, after {kills} kills")
        fleet.kill(at_work[0])
        hold.release()
        fleet.start()

    wait_until(lambda: rows(database, "select count(*) from pgqueuer") == [(0,)], SLOW_SEC, "no job is left")
    wait_until(lambda: rows(database, QUARANTINED) == [(poison, MAX_ATTEMPTS)], SLOW_SEC, "only the poison is left")
    listed = fleet.run("quarantine", "list", "--json").json["quarantined"]
    assert [it["indexed_asset_id"] for it in listed] == [poison]
    wait_until(lambda: {name for _, name in revisions(client)} == set(others), SLOW_SEC, "the others are in Qdrant")
    assert len(simulator.control.requests.matching(retrieval)) == MAX_ATTEMPTS
    assert [daemon.stop().code for daemon in fleet.daemons] == [0] * REPLICAS
