"""kill -9 while a request is held: finished work stays, work in progress is repeated once."""

from collections import Counter

import pytest
from qdrant_client import QdrantClient

from connector.simulator import IndexSpec, Scenario, Simulator
from tests.command import Command, end
from tests.comparing import differences
from tests.e2e.oracle import check_equal
from tests.qdrant_server import QdrantServer

RETRIEVE = "GET /indexes/*/indexed-assets/*"
CONCURRENCY = 3
ASSETS = 16


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(seed=3, indexes=(IndexSpec(name="only", generate=ASSETS, duration=(10.0, 40.0)),))


@pytest.fixture
def connector(connector: Command, simulator: Simulator) -> Command:
    settings = {"CONNECTOR_INDEXES": simulator.control.index_ids[0], "CONNECTOR_CONCURRENCY": str(CONCURRENCY)}
    return Command(connector.directory, {**connector.settings, **settings})


def kill_at(connector: Command, simulator: Simulator, pattern: str, nth: int) -> None:
    """Kills the process during its nth matching request."""
    hold = simulator.control.hold(pattern, nth=nth)
    process = connector.start("sync")
    hold.wait_reached()
    process.kill()
    end(process)
    hold.release()


def retrieved(simulator: Simulator) -> Counter[str]:
    return Counter(entry.path for entry in simulator.control.requests.matching(RETRIEVE))


@pytest.mark.parametrize("nth", [1, 2, 7, ASSETS])
def test_after_a_kill_at_most_the_assets_in_hand_are_retrieved_again(
    connector: Command, simulator: Simulator, client: QdrantClient, nth: int
) -> None:
    """I6; and I1 after the next sync."""
    index_id = simulator.control.index_ids[0]
    kill_at(connector, simulator, RETRIEVE, nth)

    ended = connector.run("sync", "--json")

    again = [path for path, times in retrieved(simulator).items() if times > 1]
    assert ended.code == 0, ended.stderr
    assert len(again) <= CONCURRENCY
    assert ended.index(index_id)["upserted"] <= ASSETS - nth + CONCURRENCY
    check_equal(client, simulator.base_url, index_id)


def test_a_kill_while_listing_costs_nothing(connector: Command, simulator: Simulator, client: QdrantClient) -> None:
    index_id = simulator.control.index_ids[0]
    kill_at(connector, simulator, "GET /indexes/*/indexed-assets", 1)

    ended = connector.run("sync", "--json")

    assert (ended.code, ended.index(index_id)["upserted"]) == (0, ASSETS)
    check_equal(client, simulator.base_url, index_id)


def test_an_asset_removed_while_the_process_was_dead_leaves_no_points(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    """The case in which a write-then-record protocol fails."""
    control = simulator.control
    index_id = control.index_ids[0]
    connector.run("sync")
    for asset_id in control.asset_ids(index_id)[:5]:
        control.update_asset(index_id, asset_id, duration=33.0)
    kill_at(connector, simulator, RETRIEVE, 4)
    for asset_id in control.asset_ids(index_id)[:4]:
        control.delete_asset(index_id, asset_id)

    ended = connector.run("sync", "--json")

    assert (ended.code, ended.index(index_id)["deleted"]) == (0, 4)
    check_equal(client, simulator.base_url, index_id)


def test_a_kill_between_confirming_and_deleting_deletes_nothing_and_is_made_good(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    control = simulator.control
    index_id = control.index_ids[0]
    connector.run("sync")
    before = client.count("twelvelabs-marengo3.0").count
    control.delete_asset(index_id, control.asset_ids(index_id)[0])
    kill_at(connector, simulator, RETRIEVE, 1)
    after_kill = client.count("twelvelabs-marengo3.0").count

    ended = connector.run("sync", "--json")

    assert after_kill == before
    assert ended.code == 0
    assert ended.index(index_id)["deleted"] == 1
    check_equal(client, simulator.base_url, index_id)


def test_qdrant_killed_in_the_middle_is_picked_up_where_it_was(
    connector: Command, simulator: Simulator, server: QdrantServer, client: QdrantClient
) -> None:
    index_id = simulator.control.index_ids[0]
    hold = simulator.control.hold(RETRIEVE, nth=6)
    process = connector.start("sync", "--json")
    hold.wait_reached()
    server.kill()
    hold.release()
    broken = end(process)
    server.start()

    ended = connector.run("sync", "--json")

    assert broken.code in {1, 3}
    assert ended.code == 0, ended.stdout
    check_equal(client, simulator.base_url, index_id)


def test_an_asset_that_kills_the_process_ends_in_quarantine(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    """The attempt is counted before the asset is retrieved."""
    index_id = simulator.control.index_ids[0]
    poison = simulator.control.asset_ids(index_id)[-1]  # the newest is retrieved first
    connector = Command(connector.directory, {**connector.settings, "CONNECTOR_CONCURRENCY": "1"})
    for _ in range(2):
        kill_at(connector, simulator, f"GET /indexes/*/indexed-assets/{poison}", 1)

    ended = connector.run("sync", "--json", CONNECTOR_MAX_ATTEMPTS="2")

    report = ended.index(index_id)
    assert ended.code == 1
    assert differences(report, quarantined=1, upserted=ASSETS - 1) == {}
    assert report["problems"][0]["indexed_asset_id"] == poison
