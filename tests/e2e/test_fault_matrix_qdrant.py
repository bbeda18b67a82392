"""Qdrant changes under a running sync: the rows of the fault matrix that need a server of their own."""

import pytest
from qdrant_client import QdrantClient

from connector.simulator import IndexSpec, Scenario, Simulator
from tests.command import Command, end
from tests.e2e.convergence import RETRIEVE
from tests.e2e.oracle import check_equal
from tests.qdrant_server import QdrantServer

COLLECTION = "twelvelabs-marengo3.0"


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(seed=3, indexes=(IndexSpec(name="only", generate=12, duration=(10.0, 20.0)),))


def test_a_restart_in_mid_batch_is_waited_for(
    connector: Command, simulator: Simulator, server: QdrantServer, client: QdrantClient
) -> None:
    [index_id] = simulator.control.index_ids
    hold = simulator.control.hold(RETRIEVE, nth=6)
    process = connector.start("sync", "--json")
    hold.wait_reached()
    server.kill()
    server.start()
    hold.release()

    ended = end(process)

    assert (ended.code, ended.index(index_id)["upserted"]) == (0, 12), ended.stdout
    check_equal(client, simulator.base_url, index_id)


def test_a_collection_that_is_dropped_in_mid_batch_is_filled_again(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    """The running sync says so; the next one writes what was applied before, too."""
    [index_id] = simulator.control.index_ids
    assert connector.run("sync").code == 0
    for name in simulator.control.asset_ids(index_id)[:8]:
        simulator.control.update_asset(index_id, name, duration=33.0)
    hold = simulator.control.hold(RETRIEVE, nth=6)
    process = connector.start("sync", "--json")
    hold.wait_reached()
    client.delete_collection(COLLECTION)
    hold.release()

    broken, ended = end(process), connector.run("sync", "--json")

    error = broken.index(index_id)["error"]
    assert (broken.code, error["code"]) == (3, "sink_mismatch"), broken.stdout
    assert "was it deleted during the run?" in error["message"]
    assert "The next cycle creates it again" in error["message"]
    assert ended.code == 0, ended.stdout
    check_equal(client, simulator.base_url, index_id)
