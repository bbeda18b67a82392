"""`connector sync` from outside: the content of Qdrant afterwards, the exit code, the document on stdout."""

import json
import urllib.request

from qdrant_client import QdrantClient

from connector.simulator import Simulator
from tests.command import Command, end, interrupt
from tests.comparing import differences
from tests.e2e.oracle import check_equal, listed
from tests.qdrant_server import QdrantServer

KEYS = {
    "index_id",
    "model",
    "listed",
    "upserted",
    "refreshed",
    "deleted",
    "unchanged",
    "waiting",
    "deferred",
    "vanished",
    "withheld",
    "failed",
    "quarantined",
    "points_written",
    "requests",
    "complete",
    "duration_sec",
    "error",
}


def ready(simulator: Simulator, index_id: str) -> list[str]:
    return [row["_id"] for row in listed(simulator.base_url, index_id) if row["status"] == "ready"]


def test_every_point_is_as_documented_and_a_second_sync_does_nothing(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    """Invariants I1 and I4, for two models."""
    first = connector.run("sync", "--json")
    counts = {index_id: check_equal(client, simulator.base_url, index_id) for index_id in simulator.control.index_ids}
    simulator.control.clear_requests()
    second = connector.run("sync", "--json")
    retrieved = simulator.control.requests.matching("GET /indexes/*/indexed-assets/*")

    assert (first.code, second.code) == (0, 0), first.stderr + second.stderr
    for index_id, points in counts.items():
        report = first.index(index_id)
        assert set(report) >= KEYS
        assert report["listed"] == report["upserted"] + report["waiting"]
        assert differences(report, points_written=points, complete=True, error=None) == {}
        again = second.index(index_id)
        assert differences(again, unchanged=report["upserted"], points_written=0, upserted=0) == {}
    assert retrieved == []


def test_changes_at_the_source_leave_exactly_the_new_truth(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    connector.run("sync")
    newer, older = simulator.control.index_ids
    first, second, third, *_ = ready(simulator, newer)
    waiting = next(row["_id"] for row in listed(simulator.base_url, older) if row["status"] == "indexing")
    control = simulator.control
    control.advance(60)
    control.update_asset(newer, first, duration=95.0)
    control.update_asset(newer, second, duration=6.0)
    control.delete_asset(newer, third)
    control.set_status(older, waiting, "ready")
    added = control.add_asset(older, "added.mp4", captions=["a ship leaves the harbour"])
    control.advance(60)

    ended = connector.run("sync", "--json")

    assert ended.code == 0, ended.stderr
    assert (ended.index(newer)["upserted"], ended.index(newer)["deleted"]) == (2, 1)
    assert ended.index(older)["upserted"] == 2
    assert added in {row["_id"] for row in listed(simulator.base_url, older)}
    for index_id in (newer, older):
        check_equal(client, simulator.base_url, index_id)


def test_an_empty_listing_deletes_nothing_and_says_so(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    connector.run("sync")
    newer = simulator.control.index_ids[0]
    before = client.count("twelvelabs-marengo3.0").count
    for asset_id in simulator.control.asset_ids(newer):
        simulator.control.delete_asset(newer, asset_id)

    refused = connector.run("sync", "--json")
    after = client.count("twelvelabs-marengo3.0").count
    dry = connector.run("plan", "--json")
    allowed = connector.run("sync", "--json", "--allow-deletes")

    assert refused.code == 1
    assert refused.index(newer)["deleted"] == 0
    assert after == before
    assert refused.index(newer)["withheld"] > 20
    assert "empty" in refused.index(newer)["withheld_because"]
    assert len(dry.json["indexes"][0]["withheld"]) == refused.index(newer)["withheld"]
    assert (allowed.code, client.count("twelvelabs-marengo3.0").count) == (0, 0)


def test_a_new_name_of_the_index_is_in_every_payload_after_one_sync(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    newer = simulator.control.index_ids[0]
    first = connector.run("sync", "--json", CONNECTOR_INDEXES=newer)
    rename(simulator.base_url, newer, "Another name")

    second = connector.run("sync", "--json", CONNECTOR_INDEXES=newer)
    third = connector.run("sync", "--json", CONNECTOR_INDEXES=newer)

    assert (second.code, second.index(newer)["index_name"]) == (0, "Another name")
    assert second.index(newer)["refreshed"] + second.index(newer)["unchanged"] == first.index(newer)["upserted"]
    assert second.index(newer)["points_written"] == first.index(newer)["points_written"]
    assert third.index(newer)["points_written"] == 0
    check_equal(client, simulator.base_url, newer)


def test_deletes_that_were_allowed_leave_the_limit_to_ordinary_ones(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    newer = simulator.control.index_ids[0]
    settings = {"CONNECTOR_INDEXES": newer, "CONNECTOR_MAX_DELETES": "1", "CONNECTOR_MAX_DELETE_RATIO": "0"}
    connector.run("sync", **settings)
    one, *others = ready(simulator, newer)[:4]
    for asset_id in others:
        simulator.control.delete_asset(newer, asset_id)
    withheld = connector.run("sync", "--json", **settings)
    allowed = connector.run("sync", "--json", "--allow-deletes", **settings)
    simulator.control.delete_asset(newer, one)

    ordinary = connector.run("sync", "--json", **settings)

    assert (withheld.code, withheld.index(newer)["withheld"]) == (1, 3)
    assert (allowed.code, allowed.index(newer)["deleted"]) == (0, 3)
    assert ordinary.code == 0
    assert differences(ordinary.index(newer), deleted=1, withheld=0) == {}
    check_equal(client, simulator.base_url, newer)


def test_an_asset_that_never_had_points_is_forgotten_without_a_word(connector: Command, simulator: Simulator) -> None:
    newer = simulator.control.index_ids[0]
    settings = {"CONNECTOR_INDEXES": newer, "CONNECTOR_MAX_DELETES": "0", "CONNECTOR_MAX_DELETE_RATIO": "0"}
    connector.run("sync", **settings)
    simulator.control.set_knobs(null_float=1.0)
    broken = simulator.control.add_asset(newer, "broken.mp4")
    failed = connector.run("sync", "--json", **settings)
    simulator.control.set_knobs(null_float=0.0)
    simulator.control.delete_asset(newer, broken)

    ended = connector.run("sync", "--json", **settings)

    assert (failed.code, [it["indexed_asset_id"] for it in failed.index(newer)["problems"]]) == (1, [broken])
    assert ended.code == 0
    assert differences(ended.index(newer), withheld=0, deleted=0) == {}


def rename(base_url: str, index_id: str, name: str) -> None:
    address, body = f"{base_url}/indexes/{index_id}", json.dumps({"index_name": name}).encode()
    headers = {"x-api-key": "test", "Content-Type": "application/json"}
    request = urllib.request.Request(address, body, headers, method="PUT")  # noqa: S310  loopback only
    with urllib.request.urlopen(request, timeout=60):  # noqa: S310  the same
        pass


def test_an_index_that_does_not_exist_fails_alone(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    newer, older = simulator.control.index_ids
    simulator.control.set_knobs(missing_index="400")
    simulator.control.delete_index(older)

    ended = connector.run("sync", "--json", CONNECTOR_INDEXES=f"{older},{newer}")

    assert ended.code == 3
    assert ended.index(older)["error"]["code"] == "index_gone"
    assert older in ended.index(older)["error"]["message"]
    assert ended.index(newer)["error"] is None
    check_equal(client, simulator.base_url, newer)


def test_an_index_that_is_missing_from_discovery_is_an_error_and_keeps_its_points(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    connector.run("sync")
    before = client.count("twelvelabs-marengo2.7").count
    older = simulator.control.index_ids[1]
    simulator.control.expire_index(older)

    ended = connector.run("sync", "--json")

    assert (ended.code, ended.index(older)["error"]["code"]) == (3, "index_gone")
    assert client.count("twelvelabs-marengo2.7").count == before


def test_interrupting_finishes_the_assets_in_hand_and_the_next_sync_goes_on(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    newer = simulator.control.index_ids[0]
    hold = simulator.control.hold("GET /indexes/*/indexed-assets/*", nth=6)
    process = connector.start("sync", "--json", CONNECTOR_INDEXES=newer)
    hold.wait_reached()
    interrupt(process)
    while "in progress" not in (process.stderr.readline() if process.stderr else "in progress"):
        pass
    hold.release()
    interrupted = end(process)
    done = interrupted.index(newer)["upserted"]
    simulator.control.clear_requests()
    finished = connector.run("sync", "--json", CONNECTOR_INDEXES=newer)

    assert (interrupted.code, interrupted.index(newer)["interrupted"]) == (130, True)
    assert 0 < done < len(ready(simulator, newer))
    assert (finished.code, finished.index(newer)["unchanged"]) == (0, done)
    check_equal(client, simulator.base_url, newer)


def test_qdrant_that_is_down_is_reported_for_every_index(connector: Command, server: QdrantServer) -> None:
    server.stop()

    ended = connector.run("sync", "--json")

    assert ended.code == 3
    assert {entry["error"]["code"] for entry in ended.json["indexes"]} == {"sink_unavailable"}


def test_rate_limits_are_waited_for(connector: Command, simulator: Simulator, client: QdrantClient) -> None:
    newer = simulator.control.index_ids[0]
    simulator.control.inject(
        "GET /indexes/*/indexed-assets/*", status=429, headers={"Retry-After": "0.2"}, probability=0.3, count=6
    )

    ended = connector.run("sync", "--json", CONNECTOR_INDEXES=newer)

    simulator.control.clear_faults()
    assert ended.code == 0, ended.stdout
    check_equal(client, simulator.base_url, newer)


def test_a_truncated_body_is_asked_for_again(connector: Command, simulator: Simulator, client: QdrantClient) -> None:
    newer = simulator.control.index_ids[0]
    simulator.control.inject("GET /indexes/*/indexed-assets/*", cut_at=0.6, count=3)

    ended = connector.run("sync", "--json", CONNECTOR_INDEXES=newer)

    assert ended.code == 0, ended.stdout
    check_equal(client, simulator.base_url, newer)


def test_a_second_process_on_one_ledger_is_told_who_has_it(connector: Command, simulator: Simulator) -> None:
    hold = simulator.control.hold("GET /indexes/*")
    process = connector.start("sync", "--json")
    hold.wait_reached()
    second = connector.run("sync", "--json", CONNECTOR_INDEXES=simulator.control.index_ids[0])
    hold.release()

    assert second.code == 3
    assert f"process {process.pid}" in second.json["indexes"][0]["error"]["message"]
    assert end(process).code == 0


def test_embedded_storage_needs_no_server(connector: Command, simulator: Simulator) -> None:
    newer = simulator.control.index_ids[0]

    first = connector.run("sync", "--json", QDRANT_URL="embedded", CONNECTOR_INDEXES=newer)
    second = connector.run("sync", "--json", QDRANT_URL="embedded", CONNECTOR_INDEXES=newer)

    assert (first.code, second.code) == (0, 0)
    assert (second.index(newer)["upserted"], second.index(newer)["points_written"]) == (0, 0)
    storage = QdrantClient(path=str(connector.directory / "data" / "qdrant"))
    try:
        check_equal(storage, simulator.base_url, newer)
    finally:
        storage.close()
