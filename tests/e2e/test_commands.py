"""`connector plan` and `status` from outside."""

from typing import Any

import pytest
from qdrant_client import QdrantClient

from connector.simulator import IndexSpec, Scenario, Simulator
from tests.command import Command, Ended
from tests.comparing import differences
from tests.e2e.oracle import listed


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(
        seed=5,
        indexes=(
            IndexSpec(name="newer", model="marengo3.0", generate=6, duration=(10.0, 40.0), statuses={"indexing": 0.2}),
            IndexSpec(name="older", model="marengo2.7", generate=4, duration=(10.0, 40.0)),
        ),
    )


@pytest.fixture
def newer(simulator: Simulator) -> str:
    return simulator.control.index_ids[0]


@pytest.fixture
def older(simulator: Simulator) -> str:
    return simulator.control.index_ids[1]


def ready(simulator: Simulator, index_id: str) -> list[str]:
    return [row["_id"] for row in listed(simulator.base_url, index_id) if row["status"] == "ready"]


def document(ended: Ended, index_id: str) -> dict[str, Any]:
    return ended.index(index_id)


def ids(changes: list[dict[str, Any]]) -> list[str]:
    return sorted(change["indexed_asset_id"] for change in changes)


def test_plan_lists_what_a_first_sync_will_write_and_creates_nothing(
    connector: Command, simulator: Simulator, client: QdrantClient, newer: str
) -> None:
    ended = connector.run("plan", "--json")
    words = connector.run("plan")
    synced = connector.run("sync", "--json", CONNECTOR_DATA_DIR="elsewhere")

    found = document(ended, newer)
    assert (ended.code, words.code) == (0, 0)
    assert ids(found["upserts"]) == sorted(ready(simulator, newer))
    assert found["listed"] == len(found["upserts"]) + found["waiting"]
    assert found["requests"] == document(synced, newer)["requests"]
    assert all(f"upsert   {name}" in words.stdout for name in ready(simulator, newer))
    assert [path.name for path in connector.directory.iterdir()] == ["elsewhere"]


def test_plan_lists_deletes_one_by_one_and_carries_out_none(
    connector: Command, simulator: Simulator, client: QdrantClient, newer: str
) -> None:
    connector.run("sync")
    gone = ready(simulator, newer)[:2]
    for name in gone:
        simulator.control.delete_asset(newer, name)
    before = client.count("twelvelabs-marengo3.0").count

    ended = connector.run("plan", "--json", "--index", newer)
    words = connector.run("plan", "--index", newer)

    assert (ended.code, len(ended.json["indexes"])) == (0, 1)
    assert ids(document(ended, newer)["deletes"]) == sorted(gone)
    assert all(change["points"] > 0 for change in document(ended, newer)["deletes"])
    assert all(f"delete   {name}" in words.stdout for name in gone)
    assert client.count("twelvelabs-marengo3.0").count == before


def test_plan_shows_withheld_deletes_and_exits_1(connector: Command, simulator: Simulator, newer: str) -> None:
    connector.run("sync")
    gone = ready(simulator, newer)[:2]
    for name in gone:
        simulator.control.delete_asset(newer, name)
    strict = {"CONNECTOR_MAX_DELETES": "1", "CONNECTOR_MAX_DELETE_RATIO": "0"}

    ended = connector.run("plan", "--json", **strict)
    words = connector.run("plan", **strict)

    found = document(ended, newer)
    assert ended.code == 1
    assert words.code == 1
    assert found["deletes"] == []
    assert ids(found["withheld"]) == sorted(gone)
    assert found["withheld_because"] == "2 deletes within 24 hours exceed the limit of 1"
    assert all(f"withheld {name}" in words.stdout for name in gone)


def test_plan_of_an_index_that_is_gone_does_not_hide_the_others(
    connector: Command, simulator: Simulator, newer: str, older: str
) -> None:
    simulator.control.delete_index(older)

    ended = connector.run("plan", "--json", CONNECTOR_INDEXES=f"{older},{newer}")

    assert ended.code == 3
    assert document(ended, older)["error"]["code"] == "index_gone"
    assert document(ended, newer)["upserts"]


def test_status_before_the_first_sync(connector: Command) -> None:
    ended, words = connector.run("status", "--json"), connector.run("status")

    assert ended.code == 0
    assert ended.json["indexes"] == []
    assert words.code == 0
    assert "connector sync" in words.stdout
    assert not list(connector.directory.iterdir())


def test_status_after_a_sync_asks_nobody(
    connector: Command, simulator: Simulator, client: QdrantClient, newer: str
) -> None:
    connector.run("sync")
    simulator.control.clear_requests()

    ended = connector.run("status", "--json", QDRANT_URL="http://127.0.0.1:1")

    found = document(ended, newer)
    assert (ended.code, simulator.control.requests.matching("**")) == (0, [])
    assert (found["assets"], found["applied"]) == (len(ready(simulator, newer)),) * 2
    assert found["points"] == client.count("twelvelabs-marengo3.0").count
    assert differences(found, failed=[], quarantined=[], withheld=0) == {}
    assert found["last_cycle"]["listed"] == 6


def test_status_names_failed_and_quarantined_assets_with_reasons(
    connector: Command, simulator: Simulator, newer: str
) -> None:
    broken = ready(simulator, newer)[0]
    refusal = {"code": "some_code", "message": "the tape is torn"}
    simulator.control.inject(f"GET /indexes/*/indexed-assets/{broken}", status=422, body=refusal)
    synced = connector.run("sync", "--json")

    failed = connector.run("status", "--json")
    words = connector.run("status")
    quarantined = connector.run("status", "--json", CONNECTOR_MAX_ATTEMPTS="1")

    problem = document(failed, newer)["failed"][0]
    assert synced.code == 1
    assert document(synced, newer)["failed"] == 1
    assert failed.code == 0
    assert (problem["indexed_asset_id"], problem["attempts"]) == (broken, 1)
    assert "the tape is torn" in problem["reason"]
    assert f"failed {broken} ({problem['filename']}, 1 attempts, next attempt {problem['due']})" in words.stdout
    assert [it["indexed_asset_id"] for it in document(quarantined, newer)["quarantined"]] == [broken]


def test_status_of_a_ledger_that_cannot_be_read(connector: Command) -> None:
    (connector.directory / "data").mkdir()
    (connector.directory / "data" / "ledger.sqlite3").write_text("this is no database" * 100)

    ended = connector.run("status", "--json")

    assert (ended.code, ended.json["error"]["code"]) == (3, "ledger_unavailable")
    assert "ledger.sqlite3" in ended.stderr
