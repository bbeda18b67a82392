"""Other things in the same Qdrant: aliases, other programs' points, other connectors, restored snapshots."""

import shutil
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import QdrantClient, models

from connector.simulator import IndexSpec, Scenario, Simulator
from tests.command import Command
from tests.comparing import differences
from tests.e2e.oracle import check_equal
from tests.overdue import make_refreshes_due
from tests.qdrant_server import QdrantServer

NAME = "twelvelabs-marengo3.0"


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(seed=3, indexes=(IndexSpec(name="sports", model="marengo3.0", generate=6, duration=(10.0, 40.0)),))


@pytest.fixture
def index_id(simulator: Simulator) -> str:
    return simulator.control.index_ids[0]


@pytest.fixture
def other(connector: Command, tmp_path: Path) -> Command:
    """A second connector with its own ledger and fewer options."""
    directory = tmp_path / "other"
    directory.mkdir()
    return Command(directory, {**connector.settings, "CONNECTOR_EMBEDDING_OPTIONS": "visual"})


def alias(client: QdrantClient, name: str, collection: str) -> None:
    create = models.CreateAlias(collection_name=collection, alias_name=name)
    client.update_collection_aliases([models.CreateAliasOperation(create_alias=create)])


def snapshot(client: QdrantClient, server: QdrantServer, directory: Path) -> str:
    """A snapshot of the collection, as a file that Qdrant can read."""
    made = client.create_snapshot(NAME, wait=True)
    assert made
    path = directory / made.name
    with urllib.request.urlopen(f"{server.url}/collections/{NAME}/snapshots/{made.name}") as answer:  # noqa: S310
        path.write_bytes(answer.read())
    return path.as_uri()


def test_an_alias_and_its_target_are_one_collection(
    connector: Command, simulator: Simulator, client: QdrantClient, index_id: str
) -> None:
    """Switching the settings to an alias and back loses nothing; search and delete work through it."""
    assert connector.run("sync").code == 0
    points = check_equal(client, simulator.base_url, index_id)
    alias(client, "prod-marengo3.0", NAME)
    prod = {"CONNECTOR_COLLECTION": "prod-{model}"}

    through = connector.run("sync", "--json", **prod)
    found = connector.run("search", "goal", "--json", "--index", index_id, **prod)
    again = connector.run("sync", "--json", **prod)

    assert through.code == 0, through.stdout
    assert again.code == 0, through.stdout
    assert again.index(index_id)["points_written"] == 0, through.stdout
    assert client.count(NAME).count == points
    assert found.code == 0
    assert [it["collection"] for it in found.json["models"]] == ["prod-marengo3.0"]
    assert found.json["models"][0]["hits"]
    simulator.control.delete_asset(index_id, simulator.control.asset_ids(index_id)[0])
    assert connector.run("sync", "--json", **prod).index(index_id)["deleted"] == 1
    assert check_equal(client, simulator.base_url, index_id) < points
    assert connector.run("sync").code == 0
    assert check_equal(client, simulator.base_url, index_id) == client.count(NAME).count


def test_other_programs_points_on_our_index_stay(
    connector: Command, simulator: Simulator, client: QdrantClient, index_id: str
) -> None:
    """Through syncs, deletes, a lost ledger and a forget."""
    assert connector.run("sync").code == 0
    asset = simulator.control.asset_ids(index_id)[0]
    vector: Any = {"visual": [1.0] * 512}
    notes = [
        models.PointStruct(id=number, vector=vector, payload={"index_id": index_id, "indexed_asset_id": name})
        for number, name in enumerate(["note-1", asset], start=1)
    ]
    [ours] = client.scroll(NAME, limit=1, with_payload=True)[0]
    notes.append(models.PointStruct(id=3, vector=vector, payload=ours.payload))
    client.upsert(NAME, notes, wait=True)
    simulator.control.delete_asset(index_id, asset)

    report = connector.run("sync", "--json").index(index_id)

    assert differences(report, deleted=1, withheld=0, error=None) == {}
    shutil.rmtree(connector.directory / "data")
    report = connector.run("sync", "--json").index(index_id)
    assert differences(report, points_written=0, deleted=0, error=None) == {}
    assert connector.run("forget", index_id, "--yes").code == 0
    assert {record.id for record in client.scroll(NAME, limit=100)[0]} == {1, 2, 3}


def test_an_index_has_one_owner(
    connector: Command, other: Command, simulator: Simulator, client: QdrantClient, index_id: str
) -> None:
    """The second connector refuses and gives advice; after a take-over the first one does."""
    assert connector.run("sync").code == 0

    refused = other.run("sync", "--json")
    checked = other.run("check", "--json")

    assert (refused.code, refused.index(index_id)["error"]["code"]) == (3, "owned_elsewhere")
    assert "--take-over" in refused.index(index_id)["error"]["message"]
    assert checked.code == 2
    assert "owned_elsewhere" in {check["code"] for check in checked.json["checks"]}
    check_equal(client, simulator.base_url, index_id)
    assert other.run("sync", "--take-over").code == 0
    stopped = connector.run("sync", "--json")
    assert (stopped.code, stopped.index(index_id)["error"]["code"]) == (3, "owned_elsewhere")
    assert {frozenset(it.vector or {}) for it in client.scroll(NAME, limit=1000, with_vectors=True)[0]} == {
        frozenset({"visual"})
    }
    assert connector.run("sync", "--take-over").code == 0
    check_equal(client, simulator.base_url, index_id)


def test_a_restored_snapshot_of_equal_size_is_noticed(
    connector: Command, simulator: Simulator, client: QdrantClient, server: QdrantServer, index_id: str, tmp_path: Path
) -> None:
    """It restores old metadata and old vectors; the next sync repairs both, the one after writes nothing."""
    assert connector.run("sync").code == 0
    old = snapshot(client, server, tmp_path)
    patched, changed = simulator.control.asset_ids(index_id)[:2]
    simulator.control.patch_metadata(index_id, patched, {"category": "new"})
    simulator.control.reindex(index_id, changed)
    simulator.control.advance(60)
    make_refreshes_due(connector.directory / "data" / "ledger.sqlite3")
    assert connector.run("sync").code == 0
    check_equal(client, simulator.base_url, index_id)
    client.recover_snapshot(NAME, old, wait=True)

    mended, idle = connector.run("sync", "--json"), connector.run("sync", "--json")

    assert (mended.code, mended.index(index_id)["upserted"]) == (0, 2)
    check_equal(client, simulator.base_url, index_id)
    assert idle.index(index_id)["points_written"] == 0


def test_a_copy_restored_beside_the_collection_is_left_alone(
    connector: Command, simulator: Simulator, client: QdrantClient, server: QdrantServer, index_id: str, tmp_path: Path
) -> None:
    assert connector.run("sync").code == 0
    points = client.count(NAME).count
    client.recover_snapshot("backup", snapshot(client, server, tmp_path), wait=True)
    simulator.control.delete_asset(index_id, simulator.control.asset_ids(index_id)[0])

    assert connector.run("sync", "--json").index(index_id)["deleted"] == 1
    shutil.rmtree(connector.directory / "data")
    assert connector.run("sync").code == 0

    assert client.count("backup").count == points
    check_equal(client, simulator.base_url, index_id)


def test_a_forget_after_a_lost_ledger_finds_the_points(
    connector: Command, simulator: Simulator, client: QdrantClient, index_id: str
) -> None:
    assert connector.run("sync").code == 0
    points = client.count(NAME).count
    shutil.rmtree(connector.directory / "data")

    ended = connector.run("forget", index_id, "--yes", "--json")

    assert ended.code == 0
    assert ended.json["points"] == points
    assert client.count(NAME).count == 0
    assert connector.run("forget", "unknown", "--yes").code == 2


def test_a_payload_index_of_another_type_is_named(
    connector: Command, simulator: Simulator, client: QdrantClient, index_id: str
) -> None:
    keyword, text = {"CONNECTOR_METADATA_INDEXES": "category:keyword"}, {"CONNECTOR_METADATA_INDEXES": "category:text"}
    assert connector.run("sync", **keyword).code == 0

    synced, checked = connector.run("sync", "--json", **text), connector.run("check", "--json", **text)

    words = "user_metadata.category of collection twelvelabs-marengo3.0 is indexed as keyword, not as text"
    assert synced.code == 0
    assert [words in warning for warning in synced.index(index_id)["warnings"]] == [True]
    assert checked.code == 2
    assert words in checked.stdout


def test_strict_mode_with_a_small_limit_slows_down_and_goes_on(
    connector: Command, simulator: Simulator, client: QdrantClient, index_id: str
) -> None:
    assert connector.run("sync").code == 0
    strict = models.StrictModeConfig(enabled=True, max_query_limit=7)
    client.update_collection(NAME, strict_mode_config=strict)
    shutil.rmtree(connector.directory / "data")

    ended = connector.run("sync", "--json")

    assert (ended.code, ended.index(index_id)["points_written"]) == (0, 0), ended.stdout
    client.update_collection(NAME, strict_mode_config=models.StrictModeConfig(enabled=False))
    check_equal(client, simulator.base_url, index_id)
