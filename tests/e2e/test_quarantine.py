"""`connector quarantine` from outside: all assets of an index, or the named ones."""

import pytest
from qdrant_client import QdrantClient

from connector.simulator import IndexSpec, Scenario, Simulator
from tests.command import Command
from tests.e2e.convergence import SLOW
from tests.e2e.daemon import running

COLLECTION = "twelvelabs-marengo3.0"


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(indexes=(IndexSpec(name="one", generate=4), IndexSpec(name="two", generate=2)))


@pytest.fixture
def broken(connector: Command, simulator: Simulator) -> list[str]:
    """Two assets of the first index and one of the second, with points in Qdrant, in quarantine."""
    control = simulator.control
    one, two = control.index_ids
    connector.run("sync")
    names = [*control.asset_ids(one)[:2], control.asset_ids(two)[0]]
    for index, name in zip((one, one, two), names, strict=True):
        control.update_asset(index, name, duration=33.0)
        control.inject(f"GET /indexes/*/indexed-assets/{name}", status=422, body={"code": "torn", "message": "torn"})
    assert connector.run("sync", CONNECTOR_MAX_ATTEMPTS="1").code == 1
    control.clear_faults()
    return names


@pytest.fixture
def strict(connector: Command) -> Command:
    return Command(connector.directory, {**connector.settings, "CONNECTOR_MAX_ATTEMPTS": "1"})


def listed(strict: Command) -> set[str]:
    return {problem["indexed_asset_id"] for problem in strict.run("quarantine", "list", "--json").json["quarantined"]}


def test_retry_without_an_asset_retries_all_of_the_index(
    strict: Command, simulator: Simulator, broken: list[str]
) -> None:
    one = simulator.control.index_ids[0]
    assert listed(strict) == set(broken)

    words = strict.run("quarantine", "retry", "--index", one)

    assert (words.code, words.stdout) == (0, "2 assets will be retried in the next cycle.\n"), words.stderr
    assert listed(strict) == {broken[2]}
    assert strict.run("sync", "--json", "--index", one).index(one)["upserted"] == 2


def test_retry_of_one_asset_leaves_the_others(strict: Command, simulator: Simulator, broken: list[str]) -> None:
    ended = strict.run("quarantine", "retry", "--index", simulator.control.index_ids[0], broken[0], "--json")

    assert (ended.code, ended.json["assets"]) == (0, [broken[0]])
    assert listed(strict) == set(broken[1:])


def test_drop_without_an_asset_drops_all_of_the_index(
    strict: Command, simulator: Simulator, client: QdrantClient, broken: list[str]
) -> None:
    ended = strict.run("quarantine", "drop", "--index", simulator.control.index_ids[0], "--json")

    left = {point.payload["indexed_asset_id"] for point in client.scroll(COLLECTION, limit=1000)[0] if point.payload}
    assert (ended.code, sorted(ended.json["assets"])) == (0, sorted(broken[:2]))
    assert left & set(broken) == {broken[2]}
    assert listed(strict) == set(broken)


@pytest.mark.parametrize("what", ["retry", "drop"])
def test_a_daemon_does_it_for_all_assets_too(
    strict: Command, simulator: Simulator, broken: list[str], what: str
) -> None:
    one = simulator.control.index_ids[0]
    with running(strict, pace=SLOW) as daemon:
        ended = strict.run("quarantine", what, "--index", one, "--json")
        assert daemon.stop().code == 0

    assert (ended.code, sorted(ended.json["assets"])) == (0, sorted(broken[:2])), ended.stderr


@pytest.mark.parametrize("what", ["retry", "drop"])
def test_an_index_without_quarantined_assets_is_no_mistake(strict: Command, simulator: Simulator, what: str) -> None:
    index = simulator.control.index_ids[1]
    strict.run("sync")

    words = strict.run("quarantine", what, "--index", index)
    document = strict.run("quarantine", what, "--index", index, "--json")

    assert (words.code, words.stdout) == (0, f"No assets of index {index} are in quarantine.\n")
    assert document.json == {"index_id": index, "assets": []}
