"""`connector check --keys`: what must be right before a daemon is started by a container or a script."""

from collections.abc import Callable

import pytest

from connector.simulator import IndexSpec, Scenario, Simulator, run_in_thread
from tests.command import Command
from tests.qdrant_server import QdrantServer

RIGHT, WRONG = "the-right-key", "the-wrong-key"


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(indexes=(IndexSpec(name="newer", model="marengo3.0"),))


@pytest.fixture
def locked(new_qdrant: Callable[..., QdrantServer]) -> QdrantServer:
    """A Qdrant server that asks for a key."""
    server = new_qdrant(QDRANT__SERVICE__API_KEY=RIGHT)
    server.start()
    return server


def test_both_keys_are_accepted_and_nothing_else_is_looked_at(connector: Command, simulator: Simulator) -> None:
    """Not the indexes, because one that is gone must not keep the others from being synced; not the data directory."""
    (connector.directory / "file").write_text("")

    ended = connector.run("check", "--keys", CONNECTOR_INDEXES="66aa0000000000000000ffff", CONNECTOR_DATA_DIR="file/x")
    as_json = connector.run("check", "--keys", "--json")

    assert ended.code == 0
    assert "the key is accepted" in ended.stdout
    assert as_json.json["ok"]
    assert [found["name"] for found in as_json.json["checks"]] == ["TwelveLabs", "Qdrant"]
    assert [call.path for call in simulator.control.requests] == ["/indexes"] * 2
    assert [path.name for path in connector.directory.iterdir()] == ["file"]


def test_a_refused_key_of_twelvelabs_is_an_error(connector: Command, scenario: Scenario) -> None:
    with run_in_thread(scenario, api_key=RIGHT) as simulator:
        ended = connector.run("check", "--keys", TWELVELABS_BASE_URL=simulator.base_url, TWELVELABS_API_KEY=WRONG)

    assert ended.code == 2
    assert "TWELVELABS_API_KEY" in ended.stdout
    assert WRONG not in ended.stdout + ended.stderr


@pytest.mark.parametrize("key", [WRONG, ""])
@pytest.mark.parametrize("grpc", ["reachable", "unreachable"])
def test_a_refused_key_of_qdrant_is_an_error(connector: Command, locked: QdrantServer, key: str, grpc: str) -> None:
    port = locked.grpc_port if grpc == "reachable" else 1

    ended = connector.run("check", "--keys", QDRANT_URL=locked.url, QDRANT_GRPC_PORT=str(port), QDRANT_API_KEY=key)

    assert ended.code == 2
    assert "QDRANT_API_KEY" in ended.stdout
    assert WRONG not in ended.stdout + ended.stderr


def test_a_mistake_in_the_settings_is_an_error(connector: Command) -> None:
    ended = connector.run("check", "--keys", CONNECTOR_POLL_INTERVAL="soon")

    assert ended.code == 2
    assert "CONNECTOR_POLL_INTERVAL: 'soon' is not a duration" in ended.stderr


def test_what_cannot_be_reached_is_told_and_is_no_error(
    connector: Command, scenario: Scenario, server: QdrantServer
) -> None:
    """The daemon waits for both by itself."""
    with run_in_thread(scenario) as gone:
        address = gone.base_url
    server.stop()

    ended = connector.run("check", "--keys", TWELVELABS_BASE_URL=address)
    as_json = connector.run("check", "--keys", "--json", TWELVELABS_BASE_URL=address)

    assert (ended.code, as_json.code) == (0, 0)
    assert "2 unavailable (TwelveLabs, Qdrant)" in ended.stdout
    assert not as_json.json["ok"]
    assert {found["status"] for found in as_json.json["checks"]} == {"unavailable"}
