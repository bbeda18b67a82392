"""`forget` and `sync --allow-deletes` say exactly what they will delete, before they do."""

import pytest
from qdrant_client import QdrantClient

from connector.simulator import Scenario, Simulator
from tests.command import Command
from tests.e2e.convergence import NEWER, SLOW, converges, ids, small_scenario
from tests.e2e.daemon import running
from tests.e2e.oracle import stored

STRICT = {"CONNECTOR_MAX_DELETES": "0", "CONNECTOR_MAX_DELETE_RATIO": "0"}


@pytest.fixture
def scenario() -> Scenario:
    return small_scenario()


def points_of(client: QdrantClient, index_id: str, *names: str) -> int:
    found = stored(client, NEWER, index_id).values()
    return sum(point["payload"]["indexed_asset_id"] in names for point in found)


@pytest.mark.parametrize("beside_a_daemon", [False, True])
def test_sync_names_every_asset_that_it_will_delete(
    connector: Command, simulator: Simulator, client: QdrantClient, beside_a_daemon: bool
) -> None:
    newer, older = simulator.control.index_ids
    connector.run("sync")
    first, second = simulator.control.asset_ids(newer)[:2]
    points = {name: points_of(client, newer, name) for name in (first, second)}
    for name in (first, second):
        simulator.control.delete_asset(newer, name)
    assert connector.run("sync", "--json", **STRICT).index(newer)["withheld"] == 2

    if beside_a_daemon:
        with running(connector, pace={**SLOW, **STRICT}) as daemon:
            ended = connector.run("sync", "--allow-deletes", "--json", **STRICT)
            assert daemon.stop().code == 0
    else:
        ended = connector.run("sync", "--allow-deletes", "--json", **STRICT)

    assert ended.code == 0, ended.stderr
    assert (
        f"Index newer ({newer}): 2 assets with {sum(points.values())} points will be deleted from Qdrant:"
        in ended.stderr
    )
    assert f"Index older ({older}): nothing to delete." in ended.stderr
    for name in (first, second):
        (line,) = [line for line in ended.stderr.splitlines() if line.startswith(f"  {name} ")]
        assert line.endswith(f"({points[name]} points in {NEWER})")
    assert ended.index(newer)["deleted"] == 2
    converges(simulator, client)


def test_of_an_index_that_cannot_be_listed_no_delete_is_allowed(connector: Command, simulator: Simulator) -> None:
    newer, older = simulator.control.index_ids
    connector.run("sync")
    simulator.control.expire_index(older)
    both = {"CONNECTOR_INDEXES": f"{newer},{older}"}

    ended = connector.run("sync", "--allow-deletes", "--json", **both)

    assert ended.code == 3
    assert f"Index {older}: its deletes cannot be listed, so none is allowed" in ended.stderr
    assert ended.index(older)["error"]["code"] == "index_gone"


def test_forget_says_what_it_will_delete(connector: Command, simulator: Simulator, client: QdrantClient) -> None:
    newer = simulator.control.index_ids[0]
    connector.run("sync")
    assets, points = len(ids(client, NEWER, newer)), len(stored(client, NEWER, newer))

    asked = connector.run("forget", newer)
    kept = len(stored(client, NEWER, newer))
    forgotten = connector.run("forget", newer, "--yes")

    for ended in (asked, forgotten):
        assert f"Index newer ({newer}): {assets} assets with {points} points will be deleted:" in ended.stderr
        assert f"  from collection {NEWER}: {points} points of {assets} assets" in ended.stderr
        assert f"  from the ledger: {assets} rows" in ended.stderr
    assert (asked.code, kept) == (1, points)
    assert (forgotten.code, len(stored(client, NEWER, newer))) == (0, 0)
