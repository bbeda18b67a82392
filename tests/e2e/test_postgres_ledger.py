"""The real commands with the ledger in PostgreSQL, over TCP and with a password."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from qdrant_client import QdrantClient

from connector.simulator import Scenario, Simulator
from tests.command import Command
from tests.comparing import differences
from tests.e2e.convergence import SLOW, converges, small_scenario
from tests.e2e.daemon import running

PASSWORD = "not-to-be-shown-7431"


@pytest.fixture
def scenario() -> Scenario:
    return small_scenario()


@pytest.fixture
def connector(connector: Command, postgres_ledger: str) -> Command:
    """Not every way to PostgreSQL asks for a password; it must not be shown even so."""
    url = postgres_ledger.replace("postgres@", f"postgres:{quote(PASSWORD)}@")
    return Command(connector.directory, {**connector.settings, "CONNECTOR_LEDGER_URL": url})


def test_the_commands_do_the_same_as_with_a_file(
    connector: Command, simulator: Simulator, client: QdrantClient, tmp_path: Path
) -> None:
    before = connector.run("check", "--json")
    ledger = next(it for it in before.json["checks"] if it["name"] == "ledger")
    assert ledger["status"] == "ok"
    assert "no ledger yet; it can be created" in ledger["message"]
    assert connector.run("status", "--json").json["indexes"] == []

    synced = connector.run("sync", "--json")
    assert synced.code == 0, synced.stderr
    converges(simulator, client)
    again = connector.run("sync", "--json")
    assert [differences(it, upserted=0, error=None) for it in again.json["indexes"]] == [{}, {}]

    shown = connector.run("status", "--json").json
    assert "postgres:***@" in shown["ledger"]
    assert sorted(it["applied"] for it in shown["indexes"]) == [6, 8]
    config = connector.run("config", "--json")
    assert config.json["settings"]["CONNECTOR_LEDGER_URL"]["value"] == shown["ledger"]
    for ended in (before, synced, config):
        assert PASSWORD not in ended.stdout + ended.stderr
    assert not list((tmp_path / "data").glob("ledger*"))


def test_commands_beside_a_daemon_are_handed_to_it(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    with running(connector, pace=SLOW) as daemon:
        converges(simulator, client)
        refused = connector.run("ledger", "migrate")
        assert refused.code == 3
        assert f"it belongs to `connector run`, process {daemon.process.pid} on" in refused.stderr
        index_id = simulator.control.index_ids[0]
        asset_id = simulator.control.asset_ids(index_id)[0]
        simulator.control.update_asset(index_id, asset_id, duration=33.0)

        synced = connector.run("sync", "--json")
        assert (synced.code, synced.index(index_id)["upserted"]) == (0, 1)
        converges(simulator, client)
        assert connector.run("status", "--json").json["daemon"]["pid"] == daemon.process.pid
        assert connector.run("quarantine", "list", "--json").json == {"quarantined": []}
        assert connector.run("forget", index_id, "--yes", "--json").json["assets"] == 8
        status, document = daemon.get("/api/status")
        assert (status, PASSWORD in json.dumps(document)) == (200, False)
        assert daemon.stop().code == 0
    assert connector.run("status", "--json").json["daemon"] is None


def test_a_ledger_moves_to_postgres_and_back(
    connector: Command, simulator: Simulator, client: QdrantClient, tmp_path: Path
) -> None:
    """Nothing is retrieved again, and the indexes have the same owner."""
    file = {"CONNECTOR_LEDGER_URL": "sqlite"}
    assert connector.run("sync", **file).code == 0
    there = connector.run("ledger", "copy", "sqlite", "configured", "--json")
    assert there.code == 0, there.stderr
    assert there.json["tables"]["checkpoints"]["rows"] == 14

    synced = connector.run("sync", "--json")
    assert [differences(it, upserted=0, error=None) for it in synced.json["indexes"]] == [{}, {}]
    assert connector.run("ledger", "copy", "sqlite", "configured").code == 3
    assert "is not empty" in connector.run("ledger", "copy", "sqlite", "configured").stderr

    back = connector.run("ledger", "copy", "configured", f"sqlite:{tmp_path / 'other'}/ledger.sqlite3", "--json")
    once_more = connector.run("ledger", "copy", f"sqlite:{tmp_path / 'other'}", f"sqlite:{tmp_path / 'b.db'}", "--json")
    assert back.json["digest"] == once_more.json["digest"] != there.json["digest"]
    assert PASSWORD not in back.stdout
    ended = connector.run("sync", "--json", CONNECTOR_DATA_DIR=str(tmp_path / "other"), **file)
    assert [differences(it, upserted=0, error=None) for it in ended.json["indexes"]] == [{}, {}]
    migrated = connector.run("ledger", "migrate", "--json", **file)
    assert differences(migrated.json, found_version=3, version=3) == {}


@pytest.mark.parametrize("given", ["sqlite:nothing-here", "postgresql://h:1", "mysql://h/d"])
def test_a_place_without_a_ledger_is_named(connector: Command, given: str) -> None:
    ended = connector.run("ledger", "copy", given, "configured")

    assert ended.code == 2
    assert "copy ledger" in ended.stderr
