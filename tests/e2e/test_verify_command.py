"""`connector verify` from outside: what it prints, beside a daemon, with bad input, and interrupted."""

import re
import shutil
from pathlib import Path

import pytest
from qdrant_client import QdrantClient, models

from connector.simulator import Scenario, Simulator
from tests.command import Command, Ended, end, interrupt
from tests.comparing import differences
from tests.e2e.convergence import NEWER, RETRIEVE, SLOW, converges, small_scenario
from tests.e2e.daemon import running
from tests.e2e.oracle import check_equal, stored
from tests.qdrant_server import QdrantServer
from tests.terminal import on_terminal


@pytest.fixture
def scenario() -> Scenario:
    return small_scenario()


@pytest.fixture
def newer(simulator: Simulator) -> str:
    return simulator.control.index_ids[0]


def damage(client: QdrantClient, index_id: str, *, vectors: bool = False) -> tuple[str, int]:
    """Delete one point, or turn its vector. Return its asset and how many points that has."""
    points = stored(client, NEWER, index_id)
    key = min(points)
    asset = points[key]["payload"]["indexed_asset_id"]
    if vectors:
        turned = points[key]["vectors"]["visual"][::-1]
        client.update_vectors(NEWER, [models.PointVectors(id=key, vector={"visual": turned})], wait=True)
    else:
        client.delete(NEWER, [key], wait=True)
    return asset, sum(it["payload"]["indexed_asset_id"] == asset for it in points.values())


def kinds(ended: Ended, index_id: str) -> list[tuple[str, str]]:
    return [(it["indexed_asset_id"], it["kind"]) for it in ended.index(index_id)["findings"]]


def test_a_finding_says_what_is_wrong_and_what_a_repair_does(
    connector: Command, simulator: Simulator, client: QdrantClient, newer: str
) -> None:
    assert connector.run("sync").code == 0
    clean = connector.run("verify")
    asset, points = damage(client, newer)
    filename = simulator.control.asset(newer, asset)["system_metadata"]["filename"]

    ended, words = connector.run("verify", "--json"), connector.run("verify")
    mended = connector.run("verify", "--repair")

    assert (clean.code, clean.stdout.count("no drift")) == (0, 2)
    assert (ended.code, words.code, mended.code) == (1, 1, 0)
    entry = ended.index(newer)
    assert differences(entry, listed=8, assets=8, complete=True, clean=False, error=None, deep=None, repair=None) == {}
    assert entry["findings"] == [
        {
            "indexed_asset_id": asset,
            "kind": "missing_points",
            "collection": NEWER,
            "expected": points,
            "found": points - 1,
            "affected": 1,
            "filename": filename,
            "repair": "upsert",
            "because": None,
            "repaired": None,
        }
    ]
    counts = f"1 point missing (expected {points}, found {points - 1})"
    assert f"missing_points {asset} {filename}: {counts}, in {NEWER}; a repair writes it again" in words.stdout
    assert "connector verify --repair" in words.stdout
    assert "all of them are repaired" in mended.stdout
    check_equal(client, simulator.base_url, newer)


def test_deep_finds_a_vector_that_somebody_changed(
    connector: Command, simulator: Simulator, client: QdrantClient, newer: str
) -> None:
    assert connector.run("sync").code == 0
    asset, _ = damage(client, newer, vectors=True)

    shallow, deep = connector.run("verify", "--json"), connector.run("verify", "--json", "--deep", "--repair")
    again = connector.run("verify", "--json", "--deep")

    assert (shallow.code, kinds(shallow, newer)) == (0, [])
    assert (deep.code, kinds(deep, newer)) == (0, [(asset, "altered_vectors")])
    assert deep.index(newer)["deep"] == {"compared": 8, "unanswered": 0}
    assert (again.code, kinds(again, newer)) == (0, [])
    check_equal(client, simulator.base_url, newer)


def test_beside_a_daemon_the_daemon_verifies_and_repairs(
    connector: Command, simulator: Simulator, client: QdrantClient, newer: str
) -> None:
    with running(connector, pace=SLOW) as daemon:
        converges(simulator, client)
        asset, _ = damage(client, newer)
        found = connector.run("verify", "--json", "--index", newer)
        shown = on_terminal(connector, "verify", "--repair")
        again = connector.run("verify", "--json", "--deep")
        refused = connector.run("verify", "--index", "ffffffffffffffffffffffff")
        assert daemon.stop().code == 0

    assert (found.code, kinds(found, newer)) == (1, [(asset, "missing_points")])
    assert len(found.json["indexes"]) == 1
    assert shown.code == 0
    assert re.search(r"\d+/\d+ points", shown.sent)
    assert "repaired" in shown.text
    assert (again.code, kinds(again, newer)) == (0, [])
    assert refused.code == 2
    assert "CONNECTOR_INDEXES" in refused.stderr
    check_equal(client, simulator.base_url, newer)


def test_the_progress_shows_points_and_then_assets(connector: Command, client: QdrantClient, newer: str) -> None:
    assert connector.run("sync").code == 0
    damage(client, newer)

    shown = on_terminal(connector, "verify", "--repair")

    assert shown.code == 0
    assert re.search(r"\d+/\d+ points", shown.sent)
    assert "1/1 assets" in shown.sent


def test_withheld_deletes_are_named_and_end_with_1(
    connector: Command, simulator: Simulator, client: QdrantClient, newer: str
) -> None:
    limits = {"CONNECTOR_MAX_DELETES": "0", "CONNECTOR_MAX_DELETE_RATIO": "0"}
    assert connector.run("sync").code == 0
    points = client.count(NEWER).count
    gone = simulator.control.asset_ids(newer)[0]
    simulator.control.delete_asset(newer, gone)

    ended, words = connector.run("verify", "--json", "--repair", **limits), connector.run("verify", **limits)

    assert (ended.code, kinds(ended, newer)) == (1, [(gone, "gone_asset")])
    finding = ended.index(newer)["findings"][0]
    assert differences(finding, repair="withheld", repaired=False) == {}
    assert "exceed the limit of 0" in finding["because"]
    assert ended.index(newer)["repair"]["withheld"] == 1
    assert "its delete is withheld: 1 deletes within 24 hours exceed the limit of 0" in words.stdout
    assert client.count(NEWER).count == points


def test_without_repair_it_creates_nothing(connector: Command, client: QdrantClient, newer: str) -> None:
    """Not even before the first sync."""
    ended = connector.run("verify", "--json")

    assert (ended.code, {kind for _, kind in kinds(ended, newer)}) == (1, {"missing_asset"})
    assert client.get_collections().collections == []
    assert [it.name for it in connector.directory.iterdir()] == []


def test_bad_input_ends_as_in_other_commands(
    connector: Command, simulator: Simulator, server: QdrantServer, newer: str
) -> None:
    assert connector.run("sync").code == 0
    unknown = connector.run("verify", "--json", "--index", "ffffffffffffffffffffffff")
    gone = connector.run("verify", "--json", CONNECTOR_INDEXES=f"{newer},ffffffffffffffffffffffff")
    simulator.control.inject("**", status=401, body={"code": "api_key_invalid", "message": "wrong key"})
    refused = connector.run("verify", "--json", "--repair", CONNECTOR_INDEXES=newer)
    simulator.control.clear_faults()
    server.stop()
    down = connector.run("verify", "--json", "--index", newer)

    assert (unknown.code, unknown.json["error"]["code"]) == (2, "config_error")
    assert (gone.code, gone.index("f" * 24)["error"]["code"], gone.index(newer)["error"]) == (3, "index_gone", None)
    assert (refused.code, refused.index(newer)["error"]["code"]) == (3, "authentication_failed")
    assert (down.code, down.index(newer)["error"]["code"]) == (3, "sink_unavailable")


def test_another_owner_and_an_unfit_collection_are_errors(
    connector: Command, client: QdrantClient, newer: str, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = Command(tmp_path / "other", {**connector.settings, "CONNECTOR_EMBEDDING_OPTIONS": "visual"})
    assert connector.run("sync", "--index", newer).code == 0
    owned = other.run("verify", "--json", "--index", newer)
    client.delete_collection(NEWER)
    client.create_collection(NEWER, {"visual": models.VectorParams(size=7, distance=models.Distance.DOT)})
    unfit = connector.run("verify", "--json", "--index", newer, "--repair")

    assert (owned.code, owned.index(newer)["error"]["code"]) == (3, "owned_elsewhere")
    assert (unfit.code, unfit.index(newer)["error"]["code"]) == (3, "sink_mismatch")
    assert client.get_collection(NEWER).config.params.vectors == {
        "visual": models.VectorParams(size=7, distance=models.Distance.DOT)
    }


def test_ctrl_c_in_a_repair_leaves_nothing_half_done(
    connector: Command, simulator: Simulator, client: QdrantClient, newer: str
) -> None:
    """The asset in progress is finished; what is left is still known, and the next run repairs it."""
    assert connector.run("sync").code == 0
    client.delete(NEWER, list(stored(client, NEWER, newer)), wait=True)
    hold = simulator.control.hold(RETRIEVE, nth=3)
    process = connector.start("verify", "--repair", "--json", CONNECTOR_CONCURRENCY="1")
    hold.wait_reached()
    interrupt(process)
    while "in progress" not in (process.stderr.readline() if process.stderr else "in progress"):
        pass
    hold.release()
    ended = end(process)
    again, clean = connector.run("verify", "--repair", "--json"), connector.run("verify", "--json", "--deep")

    assert ended.code == 130, ended.stderr
    assert ended.index(newer)["interrupted"]
    states = [it["repaired"] for it in ended.index(newer)["findings"]]
    assert states.count(True) == 3
    assert {kind for _, kind in kinds(again, newer)} == {"interrupted"}
    assert len(kinds(again, newer)) == len(states) - 3
    assert (again.code, clean.code) == (0, 0)
    check_equal(client, simulator.base_url, newer)


def test_a_lost_ledger_is_rebuilt_without_writing(
    connector: Command, simulator: Simulator, client: QdrantClient, newer: str
) -> None:
    assert connector.run("sync").code == 0
    shutil.rmtree(connector.directory / "data")
    simulator.control.clear_requests()

    ended = connector.run("verify", "--repair", "--json")

    assert (ended.code, {kind for _, kind in kinds(ended, newer)}) == (0, {"orphaned_points"})
    assert simulator.control.requests.matching(RETRIEVE) == []
    assert connector.run("verify").code == 0
    check_equal(client, simulator.base_url, newer)
