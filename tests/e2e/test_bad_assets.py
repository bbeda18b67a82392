"""Assets that are malformed in every possible way fail alone: the real command and a real server."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from qdrant_client import QdrantClient

from connector.simulator import IndexSpec, Scenario, Simulator
from tests.command import Command
from tests.comparing import differences
from tests.e2e.oracle import listed
from tests.overdue import make_refreshes_due

Row = dict[str, Any]
COLLECTION = "twelvelabs-marengo3.0"


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(indexes=(IndexSpec(name="only", generate=14, duration=(10.0, 20.0)),))


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def set_id(value: Any) -> Callable[[Row], None]:
    return lambda row: row.update(_id=value)


def set_system(**facts: Any) -> Callable[[Row], None]:
    return lambda row: row["system_metadata"].update(facts)


def set_fact(**facts: Any) -> Callable[[Row], None]:
    return lambda row: row.update(facts)


BAD: dict[str, Callable[[Row], None]] = {
    "an id that is no path": set_id("a b/c"),
    "an id that is none": set_id(None),
    "an id with a lone surrogate": set_id("x\ud800"),
    "a filename with a lone surrogate": set_system(filename="x\ud800y.mp4"),
    "metadata with a lone surrogate": set_fact(user_metadata={"a": "\udfff"}),
    "metadata 33 levels deep": set_fact(user_metadata=nested(33)),
    "metadata 900 levels deep": set_fact(user_metadata=nested(900)),
    "a width of 1e30": set_system(width=1e30),
    "a time that is none": set_fact(created_at="yesterday"),
}
GOOD: dict[str, Callable[[Row], None]] = {
    "the zero time": set_fact(created_at="0001-01-01T00:00:00Z"),
    "a week date": set_fact(created_at="2026-W01-4T00:00:00Z"),
    "words without time": set_fact(transcription=[{"value": "lost"}, {"start": 2, "end": 1}, None]),
}


class Stand:
    """The simulator's responses: the listing `rows`, and for each row a retrieval with the same change."""

    def __init__(self, simulator: Simulator) -> None:
        self.control, self.base_url = simulator.control, simulator.base_url
        (self.index,) = self.control.index_ids
        self.rows = listed(self.base_url, self.index)
        self.names = [row["_id"] for row in self.rows]

    def change(self, place: int, change: Callable[[Row], None]) -> None:
        name = self.names[place]
        path = f"/indexes/{self.index}/indexed-assets/{name}"
        asked = {"embedding_option": ["visual", "audio", "transcription"], "transcription": "true"}
        body = httpx.get(f"{self.base_url}{path}", params=asked, headers={"x-api-key": "x"}, trust_env=False).json()
        change(body)
        change(self.rows[place])
        self.control.inject(f"GET {path}", status=200, body=json.dumps(body))

    def list(self) -> None:
        info = {"page": 1, "limit_per_page": 50, "total_page": 1, "total_results": len(self.rows)}
        page = json.dumps({"data": self.rows, "page_info": info})
        self.control.inject(f"GET /indexes/{self.index}/indexed-assets", status=200, body=page)


def test_bad_assets_fail_alone_and_everything_else_goes_on(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    stand = Stand(simulator)
    for place, change in enumerate([*BAD.values(), *GOOD.values()]):
        stand.change(place, change)
    stand.list()

    first = connector.run("sync", "--json")

    report = first.index(stand.index)
    assert first.code == 1, first.stderr
    assert differences(report, error=None, complete=True) == {}, first.stderr
    assert differences(report, listed=14, failed=len(BAD), upserted=14 - len(BAD)) == {}
    assert {problem["code"] for problem in report["problems"]} == {"malformed_asset"}
    assert first.stderr.count("asset.words_dropped") == 1
    assert "Traceback" not in first.stderr

    gone = stand.names[-1]
    simulator.control.clear_faults()
    simulator.control.delete_asset(stand.index, gone)
    stand.rows.pop()
    for place, change in enumerate([*BAD.values(), *GOOD.values()]):
        stand.change(place, change)
    stand.list()
    second = connector.run("sync", "--json")

    report = second.index(stand.index)
    assert second.code == 1, second.stderr
    assert differences(report, error=None, withheld=0) == {}, second.stderr
    assert differences(report, deleted=1, failed=len(BAD), unchanged=13 - len(BAD)) == {}
    stored = {
        record.payload["indexed_asset_id"] for record in client.scroll(COLLECTION, limit=1000)[0] if record.payload
    }
    assert stored == set(stand.names[len(BAD) : -1])


def test_metadata_of_an_applied_asset_that_becomes_too_deep(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    """Its points stay; the other assets are refreshed. Same result over gRPC and REST."""
    stand = Stand(simulator)
    assert connector.run("sync").code == 0
    before = client.count(COLLECTION).count
    stand.change(0, set_fact(user_metadata=nested(33)))
    stand.change(1, set_fact(user_metadata=nested(900)))
    stand.change(2, set_fact(user_metadata=nested(32)))

    for port in (connector.settings["QDRANT_GRPC_PORT"], "1"):
        make_refreshes_due(connector.directory / "data" / "ledger.sqlite3")
        ended = connector.run("sync", "--json", QDRANT_GRPC_PORT=port)
        report = ended.index(stand.index)
        assert ended.code == 1, ended.stderr
        assert differences(report, error=None, failed=2) == {}, ended.stderr
        assert {problem["code"] for problem in report["problems"]} == {"malformed_asset"}
    assert client.count(COLLECTION).count == before
