"""CONNECTOR_PAYLOAD_PROFILE is switched on and off: payloads change, vectors are never written."""

from typing import Any

import httpx
import numpy as np
import pytest
from qdrant_client import QdrantClient

from connector.domain.payload_profile import DERIVED_KEYS
from connector.simulator import IndexSpec, Scenario, Simulator
from tests.command import Command
from tests.e2e.oracle import Point, stored
from tests.qdrant_server import QdrantServer

COLLECTION = "twelvelabs-marengo3.0"
ON = {"CONNECTOR_PAYLOAD_PROFILE": "frameworks"}


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(seed=3, indexes=(IndexSpec(name="newer", model="marengo3.0", generate=5, duration=(10.0, 40.0)),))


def upserts(server: QdrantServer) -> int:
    """Requests that wrote vectors; the connector uses gRPC if it can."""
    answer = httpx.get(f"{server.url}/telemetry", params={"details_level": 3}, trust_env=False).json()["result"]
    assert "PUT /collections/{name}/points" not in answer["requests"]["rest"]["responses"]
    count: int = answer["requests"]["grpc"]["responses"]["/qdrant.Points/Upsert"]["count"]
    return count


def plain(points: dict[str, Point]) -> dict[str, dict[str, Any]]:
    """The payloads without the derived keys and their revision."""
    without = {*DERIVED_KEYS, "metadata_revision", "fingerprint"}
    return {
        name: {key: value for key, value in it["payload"].items() if key not in without} for name, it in points.items()
    }


def check_vectors(before: dict[str, Point], after: dict[str, Point]) -> None:
    assert before.keys() == after.keys()
    for name, point in before.items():
        np.testing.assert_equal(after[name]["vectors"], point["vectors"])


def test_switching_on_and_off_writes_payloads_only(
    connector: Command, simulator: Simulator, server: QdrantServer, client: QdrantClient
) -> None:
    (index_id,) = simulator.control.index_ids
    assert connector.run("sync").code == 0
    before, written = stored(client, COLLECTION, index_id), upserts(server)
    assert written > 0

    switched = connector.run("sync", "--json", **ON)

    on = stored(client, COLLECTION, index_id)
    report = switched.index(index_id)
    assert (switched.code, report["upserted"], report["refreshed"]) == (0, 0, report["listed"])
    assert plain(on) == plain(before)
    check_vectors(before, on)
    for point in on.values():
        payload = point["payload"]
        assert payload["page_content"] == payload["document"]
        assert payload["page_content"].startswith(f"{payload['filename']} ")
        assert payload["page_content"].endswith(payload["transcript"])
        assert {key: payload[key] for key in payload["metadata"]} == payload["metadata"]
    assert {bool(it["payload"]["transcript"]) for it in on.values()} == {True, False}
    assert connector.run("verify", "--deep", **ON).code == 0

    idle, off = connector.run("sync", "--json", **ON), connector.run("sync", "--json")

    after = stored(client, COLLECTION, index_id)
    assert idle.index(index_id)["points_written"] == 0
    assert (off.code, off.index(index_id)["refreshed"]) == (0, report["listed"])
    assert [it for it in after.values() if it["payload"].keys() & set(DERIVED_KEYS)] == []
    assert plain(after) == plain(before)
    check_vectors(before, after)
    assert upserts(server) == written
