"""`connector check` from outside: every cause has its own message and exit code, and nothing is ever created."""

import os
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from qdrant_client import QdrantClient, models

from connector.simulator import IndexSpec, Scenario, Simulator, run_in_thread
from tests.command import Command, Ended
from tests.qdrant_server import QdrantServer

STRANGER = "66aa0000000000000000ffff"


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(indexes=(IndexSpec(name="newer", model="marengo3.0"), IndexSpec(name="older", model="marengo2.7")))


def not_ok(ended: Ended) -> dict[str, dict[str, Any]]:
    """Wrong or unavailable subjects, by name."""
    assert ended.json["ok"] is (ended.code == 0)
    return {found["name"]: found for found in ended.json["checks"] if found["status"] != "ok"}


def nothing_created(connector: Command, client: QdrantClient) -> bool:
    return not list(connector.directory.iterdir()) and not client.get_collections().collections


def test_everything_is_fine(connector: Command, simulator: Simulator, client: QdrantClient) -> None:
    """Also that nothing exists yet: this is reported, not changed."""
    ended = connector.run("check", "--json")
    words = connector.run("check")

    assert ended.code == 0
    assert words.code == 0
    assert not_ok(ended) == {}
    messages = {found["name"]: found["message"] for found in ended.json["checks"]}
    assert messages.keys() >= {f"index {index_id}" for index_id in simulator.control.index_ids}
    assert "does not exist yet" in messages["data directory"]
    assert "visual, audio, transcription of dimension 512" in messages["collection twelvelabs-marengo3.0"]
    assert "visual-text, audio of dimension 1024" in messages["collection twelvelabs-marengo2.7"]
    assert all(message in words.stdout for message in messages.values())
    assert nothing_created(connector, client)


def test_after_a_sync_the_collections_fit(connector: Command) -> None:
    connector.run("sync")

    ended = connector.run("check", "--json")

    assert (ended.code, not_ok(ended)) == (0, {})
    messages = {found["name"]: found["message"] for found in ended.json["checks"]}
    assert messages["collection twelvelabs-marengo3.0"] == "fits marengo3.0"
    assert "has reports of 2 indexes" in messages["ledger"]


def test_a_wrong_key(connector: Command, scenario: Scenario, client: QdrantClient) -> None:
    """The message names its variable and never shows the key."""
    with run_in_thread(scenario, api_key="the-right-key") as simulator:
        ended = connector.run("check", "--json", TWELVELABS_BASE_URL=simulator.base_url)

    found = not_ok(ended)
    assert ended.code == 2
    assert set(found) == {"TwelveLabs"}
    assert found["TwelveLabs"]["code"] == "authentication_failed"
    assert "TWELVELABS_API_KEY" in found["TwelveLabs"]["message"]
    assert "test-key" not in ended.stdout + ended.stderr
    assert nothing_created(connector, client)


def test_a_wrong_index_id(connector: Command, simulator: Simulator, client: QdrantClient) -> None:
    right = simulator.control.index_ids[0]

    ended = connector.run("check", "--json", CONNECTOR_INDEXES=f"{right},{STRANGER}")

    found = not_ok(ended)
    assert (ended.code, set(found)) == (2, {f"index {STRANGER}"})
    assert found[f"index {STRANGER}"]["code"] == "index_gone"
    assert "Check the id" in found[f"index {STRANGER}"]["message"]
    assert nothing_created(connector, client)


def test_a_collection_of_another_dimension(connector: Command, client: QdrantClient) -> None:
    name = "twelvelabs-marengo3.0"
    other = models.VectorParams(size=256, distance=models.Distance.COSINE)
    client.create_collection(name, dict.fromkeys(("visual", "audio", "transcription"), other))

    ended = connector.run("check", "--json")

    found = not_ok(ended)
    assert (ended.code, set(found)) == (2, {f"collection {name}"})
    assert "vector visual has dimension 256, not 512" in found[f"collection {name}"]["message"]
    assert "CONNECTOR_COLLECTION" in found[f"collection {name}"]["message"]
    assert [it.name for it in client.get_collections().collections] == [name]
    assert client.get_collection(name).config.metadata in (None, {})


def test_qdrant_is_down(connector: Command, server: QdrantServer) -> None:
    server.stop()

    ended = connector.run("check", "--json")

    found = not_ok(ended)
    assert ended.code == 3
    assert set(found) == {"Qdrant"}
    assert found["Qdrant"]["status"] == "unavailable"
    assert server.url in found["Qdrant"]["message"]
    assert "QDRANT_URL" in found["Qdrant"]["message"]
    assert not list(connector.directory.iterdir())


def test_twelvelabs_is_down(connector: Command, scenario: Scenario) -> None:
    with run_in_thread(scenario) as gone:
        address = gone.base_url

    ended = connector.run("check", "--json", TWELVELABS_BASE_URL=address)

    found = not_ok(ended)
    assert ended.code == 3
    assert set(found) == {"TwelveLabs"}
    assert found["TwelveLabs"]["status"] == "unavailable"
    assert "TWELVELABS_BASE_URL" in found["TwelveLabs"]["message"]


def test_a_wrong_qdrant_key(connector: Command, new_qdrant: Callable[..., QdrantServer]) -> None:
    locked = new_qdrant(QDRANT__SERVICE__API_KEY="the-right-key")
    locked.start()

    ended = connector.run(
        "check", "--json", QDRANT_URL=locked.url, QDRANT_GRPC_PORT=str(locked.grpc_port), QDRANT_API_KEY="wrong-secret"
    )

    found = not_ok(ended)
    assert ended.code == 2
    assert set(found) == {"Qdrant"}
    assert found["Qdrant"]["code"] == "authentication_failed"
    assert "QDRANT_API_KEY" in found["Qdrant"]["message"]
    assert "wrong-secret" not in ended.stdout + ended.stderr


def test_a_qdrant_key_that_may_only_read(connector: Command, new_qdrant: Callable[..., QdrantServer]) -> None:
    server = new_qdrant(QDRANT__SERVICE__API_KEY="write", QDRANT__SERVICE__READ_ONLY_API_KEY="read-only")
    server.start()
    address = {"QDRANT_URL": server.url, "QDRANT_GRPC_PORT": str(server.grpc_port)}

    before = connector.run("check", "--json", **address, QDRANT_API_KEY="read-only")
    assert connector.run("sync", **address, QDRANT_API_KEY="write").code == 0
    after = connector.run("check", "--json", **address, QDRANT_API_KEY="read-only")

    for ended in (before, after):
        found = not_ok(ended)
        assert ended.code == 2
        assert found
        assert all(name.startswith("collection ") for name in found)
        assert all("QDRANT_API_KEY" in it["message"] for it in found.values())
    assert connector.run("check", "--json", **address, QDRANT_API_KEY="write").code == 0


def test_a_data_directory_that_cannot_be_written(connector: Command, client: QdrantClient) -> None:
    """It would have to be created below a regular file, which fails even for root."""
    (connector.directory / "file").write_text("")

    ended = connector.run("check", "--json", CONNECTOR_DATA_DIR="file/data")

    found = not_ok(ended)
    assert (ended.code, set(found)) == (3, {"data directory"})
    assert "file/data" in found["data directory"]["message"]
    assert "CONNECTOR_DATA_DIR" in found["data directory"]["message"]
    assert [path.name for path in connector.directory.iterdir()] == ["file"]
    assert not client.get_collections().collections


@pytest.fixture
def unfavoured() -> list[str]:
    """A prefix that starts a command without root's right to write everywhere."""
    if os.geteuid():
        return []
    setpriv = shutil.which("setpriv")
    if not setpriv:
        pytest.skip("root may write everything, and without setpriv it cannot be held back")
    return [setpriv, "--bounding-set=-dac_override"]


@pytest.mark.parametrize("name", ["ledger.sqlite3", "ledger.lock"])
def test_a_ledger_that_this_user_cannot_write(connector: Command, unfavoured: list[str], name: str) -> None:
    """It can read it: another user has synced before."""
    connector.run("sync")
    file = connector.directory / "data" / name
    before = file.read_bytes(), file.stat().st_mtime_ns
    fine = connector.run("check", "--json")
    file.chmod(0o444)

    ended = connector.run("check", "--json", before=unfavoured)

    found = not_ok(ended)
    assert (fine.code, not_ok(fine)) == (0, {})
    assert ended.code == 3
    assert set(found) == {"ledger"}
    assert found["ledger"]["code"] == "ledger_unavailable"
    assert f"data/{name}: Permission denied" in found["ledger"]["message"]
    assert "writable for this user" in found["ledger"]["message"]
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


def test_no_index_at_all_is_said(connector: Command) -> None:
    """With `*` it would look like success, but the key may be another account's."""
    with run_in_thread(Scenario(indexes=(IndexSpec(name="talk", model="pegasus1.2", generate=1),))) as account:
        ended = [
            connector.run(*words, TWELVELABS_BASE_URL=account.base_url)
            for words in (["sync", "--json"], ["plan", "--json"], ["check", "--json"], ["sync"])
        ]

    assert [it.code for it in ended] == [2, 2, 2, 2]
    assert [it.json["error"]["code"] for it in ended[:2]] == ["config_error"] * 2
    assert "no index of the account has a Marengo model" in not_ok(ended[2])["indexes"]["message"]
    assert "no index of the account has a Marengo model" in ended[3].stderr


def test_a_known_index_that_is_gone_is_said(connector: Command, simulator: Simulator) -> None:
    """Also with `*`, if the account no longer lists it."""
    connector.run("sync")
    gone = simulator.control.index_ids[0]
    simulator.control.delete_index(gone)

    ended = connector.run("check", "--json")

    found = not_ok(ended)
    assert (ended.code, set(found)) == (2, {f"index {gone}"})
    assert found[f"index {gone}"]["code"] == "index_gone"


def test_a_ledger_that_is_none(connector: Command) -> None:
    (connector.directory / "data").mkdir()
    (connector.directory / "data" / "ledger.sqlite3").write_text("this is no database" * 100)

    ended = connector.run("check", "--json")

    found = not_ok(ended)
    assert ended.code == 3
    assert set(found) == {"ledger"}
    assert found["ledger"]["code"] == "ledger_unavailable"
