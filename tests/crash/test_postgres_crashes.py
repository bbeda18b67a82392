"""PostgreSQL restarted, and the connector killed or paused, in the middle of writes: the ledger is in PostgreSQL."""

import signal
from collections import Counter
from collections.abc import Callable

import pytest
from qdrant_client import QdrantClient

from connector.simulator import IndexSpec, Scenario, Simulator
from tests.command import Command
from tests.e2e.convergence import RETRIEVE, converges
from tests.e2e.daemon import PATIENCE_SEC, Running, running
from tests.postgres_server import PostgresServer
from tests.waiting import wait_until

CONCURRENCY, ASSETS = 3, 40


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(seed=3, indexes=(IndexSpec(name="only", generate=ASSETS, duration=(10.0, 30.0)),))


@pytest.fixture
def postgres_server(new_postgres: Callable[..., PostgresServer]) -> PostgresServer:
    return new_postgres()


@pytest.fixture
def connector(connector: Command, simulator: Simulator, postgres_server: PostgresServer) -> Command:
    settings = {
        "CONNECTOR_INDEXES": simulator.control.index_ids[0],
        "CONNECTOR_CONCURRENCY": str(CONCURRENCY),
        "CONNECTOR_LEDGER_URL": postgres_server.url,
    }
    return Command(connector.directory, {**connector.settings, **settings})


def retrieved(simulator: Simulator) -> Counter[str]:
    return Counter(entry.path for entry in simulator.control.requests.matching(RETRIEVE))


def is_settled(daemon: Running, index_id: str) -> bool:
    entry = daemon.index(index_id)
    return entry.get("applied") == entry.get("assets") == ASSETS and not entry["opened"] and daemon.ready


def test_restarts_of_postgres_are_survived(
    connector: Command, simulator: Simulator, client: QdrantClient, postgres_server: PostgresServer
) -> None:
    """Fast and immediate, each while assets are written. The process goes on, nothing is lost."""
    index_id = simulator.control.index_ids[0]
    with running(connector, wait=False, CONNECTOR_REQUESTS_PER_MINUTE="600") as daemon:
        for nth, how in ((5, signal.SIGINT), (18, signal.SIGQUIT)):
            wait_until(lambda: len(retrieved(simulator)) >= nth, PATIENCE_SEC, "it is at work")  # noqa: B023  at once
            postgres_server.stop(how)
            postgres_server.start()
        converges(simulator, client)
        wait_until(lambda: is_settled(daemon, index_id), PATIENCE_SEC, "the ledger says so too")
        assert daemon.stop().code == 0
    assert connector.run("verify", "--json").json["indexes"][0]["clean"]


def test_after_a_kill_the_next_process_goes_on(connector: Command, simulator: Simulator, client: QdrantClient) -> None:
    """I1 and I6; the lease of the dead one ends by itself."""
    hold = simulator.control.hold(RETRIEVE, nth=15)
    process = connector.start("sync")
    hold.wait_reached()
    process.kill()
    process.communicate()
    hold.release()
    early = connector.run("sync")
    assert early.code == 3
    assert f"it belongs to `connector sync`, process {process.pid} on" in early.stdout
    with running(connector) as daemon:
        wait_until(lambda: is_settled(daemon, simulator.control.index_ids[0]), PATIENCE_SEC, "all is applied")
        again = [path for path, times in retrieved(simulator).items() if times > 1]
        assert daemon.stop().code == 0

    assert len(again) <= CONCURRENCY
    converges(simulator, client)
