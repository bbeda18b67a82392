"""A night of faults: the log at WARNING alone tells the whole story in the morning, and tells everything once."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import QdrantClient

from connector.domain.timestamps import epoch
from connector.simulator import IndexSpec, Scenario, Simulator, run_in_thread
from tests.command import Command
from tests.comparing import differences
from tests.e2e.convergence import converges
from tests.e2e.daemon import PATIENCE_SEC, Running, running
from tests.qdrant_server import QdrantServer, server_for_tests
from tests.waiting import wait_until

Line = dict[str, Any]
STRICT = {
    "CONNECTOR_LOG_LEVEL": "warning",
    "CONNECTOR_MAX_ATTEMPTS": "1",
    "CONNECTOR_MAX_DELETES": "1",
    "CONNECTOR_MAX_DELETE_RATIO": "0.1",
}
GRPC = {"qdrant.grpc_unreachable", "qdrant.grpc_reached"}
"""Depends on which of its two ports Qdrant opens first."""


@dataclass
class Night:
    """What happens, one fault after the other: each is noticed, and over, before the next one begins."""

    daemon: Running
    simulator: Simulator
    server: QdrantServer
    ledger: Path

    def __post_init__(self) -> None:
        self.control = self.simulator.control
        self.sports, self.news = self.control.index_ids
        self.bad, self.removed = "", list[str]()

    def all_faults(self) -> None:
        self.source_is_down()
        self.qdrant_is_down()
        self.an_asset_is_malformed()
        self.too_many_assets_are_removed()
        self.the_key_is_refused()
        self.the_ledger_cannot_be_written()
        self.an_index_is_deleted()

    def source_is_down(self) -> None:
        self.control.inject("**", drop=True)
        self.wait(lambda: self.told("source.unreachable") and self.told("index_discovery.failed"), "source down")
        self.wait(lambda: self.fail_with("source_unavailable"), "both indexes fail")
        self.control.clear_faults()
        self.wait(lambda: self.told("source.recovered") and self.told("index_discovery.recovered"), "source up")
        self.wait(self.nothing_fails, "both indexes recover")

    def qdrant_is_down(self) -> None:
        self.server.kill()
        self.wait(lambda: self.told("qdrant.unreachable") and self.fail_with("sink_unavailable"), "Qdrant down")
        self.server.start()
        self.wait(lambda: self.told("qdrant.recovered") and self.nothing_fails(), "Qdrant up")

    def an_asset_is_malformed(self) -> None:
        def spoiled(body: Any) -> Any:
            body["embedding"]["video_embedding"]["segments"][0]["float"] = [0.0] * 512
            return body

        self.bad = self.control.add_asset(self.sports, "bad.mp4", captions=["a ship leaves the harbour"])
        self.control.inject(f"GET /indexes/*/indexed-assets/{self.bad}", rewrite=spoiled)
        self.wait(lambda: self.told("asset.quarantined"), "quarantined")
        self.control.clear_faults()

    def too_many_assets_are_removed(self) -> None:
        """Between two listings, not during one: first the listings are without them."""

        def without(body: Any) -> Any:
            kept = [row for row in body["data"] if row["_id"] not in self.removed]
            body["page_info"]["total_results"] -= len(body["data"]) - len(kept)
            return {**body, "data": kept}

        self.removed = self.control.asset_ids(self.sports)[:4]
        self.control.inject(f"GET /indexes/{self.sports}/indexed-assets", rewrite=without)
        self.wait(lambda: bool(self.of_index(self.sports, "deletes.withheld")), "withheld")
        for name in self.removed:
            self.control.delete_asset(self.sports, name)
        self.control.clear_faults()

    def the_key_is_refused(self) -> None:
        self.control.inject("**", status=401, body={"code": "api_key_invalid", "message": "the key is invalid"})
        self.wait(lambda: self.fail_with("authentication_failed"), "both indexes fail")
        self.control.clear_faults()
        self.wait(self.nothing_fails, "both indexes recover")

    def the_ledger_cannot_be_written(self) -> None:
        """As on a full disk: one kind of write fails, the others still succeed."""
        self._alter("alter table daemon rename to away")
        self.wait(lambda: self.told("ledger.write_failed"), "noticed")
        self._alter("alter table away rename to daemon")
        self.wait(lambda: self.told("ledger.recovered"), "over")

    def an_index_is_deleted(self) -> None:
        self.control.delete_index(self.news)
        self.wait(lambda: self.of_index(self.news)[-1].get("code") == "index_gone", "noticed")

    def _alter(self, statement: str) -> None:
        with closing(sqlite3.connect(self.ledger, timeout=PATIENCE_SEC)) as db:
            db.execute(statement)

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        wait_until(condition, PATIENCE_SEC, f"{what}; the log is {self.daemon.log}")

    def told(self, event: str) -> bool:
        return bool(self.daemon.events(event))

    def lines(self) -> list[Line]:
        return self.daemon.records()

    def of_index(self, index_id: str, *events: str) -> list[Line]:
        wanted = events or ("index.failed", "index.recovered")
        return [it for it in self.lines() if it.get("index_id") == index_id and it["event"] in wanted]

    def fail_with(self, code: str) -> bool:
        return all(code in {it.get("code") for it in self.of_index(index)[-1:]} for index in (self.sports, self.news))

    def nothing_fails(self) -> bool:
        last = {self.subject(it): it["event"] for it in self.lines() if it["event"].startswith("index")}
        return all(event.endswith(".recovered") for event in last.values())

    @staticmethod
    def subject(line: Line) -> str:
        return str(line.get("index_id") or line["event"].partition(".")[0])


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, qdrant_binary: Path) -> Iterator[Night]:
    """It is over, and the daemon has ended."""
    sports = IndexSpec(name="sports", generate=8, duration=(10.0, 15.0))
    news = IndexSpec(name="news", generate=3, duration=(10.0, 15.0))
    with (
        server_for_tests(qdrant_binary, tmp_path_factory.mktemp("qdrant")) as server,
        run_in_thread(Scenario(seed=9, indexes=(sports, news))) as simulator,
    ):
        server.start()
        connector = Command(
            tmp_path_factory.mktemp("night"),
            STRICT
            | {
                "TWELVELABS_API_KEY": "test-key",
                "TWELVELABS_BASE_URL": simulator.base_url,
                "QDRANT_URL": server.url,
                "QDRANT_GRPC_PORT": str(server.grpc_port),
                "CONNECTOR_INDEXES": "*",
            },
        )
        with running(connector) as daemon:
            with closing(QdrantClient(url=server.url, check_compatibility=False)) as client:
                converges(simulator, client)
            night = Night(daemon, simulator, server, connector.directory / "data" / "ledger.sqlite3")
            assert night.lines() == [], "nothing is wrong yet"
            night.all_faults()
            assert daemon.stop().code == 0
        yield night


def test_nothing_else_is_told(night: Night) -> None:
    assert {line["level"] for line in night.lines()} == {"warning"}
    assert {line["event"] for line in night.lines()} - GRPC == {
        "source.unreachable",
        "source.recovered",
        "index_discovery.failed",
        "index_discovery.recovered",
        "qdrant.unreachable",
        "qdrant.recovered",
        "ledger.write_failed",
        "ledger.recovered",
        "index.failed",
        "index.recovered",
        "asset.failed",
        "asset.quarantined",
        "deletes.withheld",
    }


@pytest.mark.parametrize(
    ("begin", "end", "advice"),
    [
        ("source.unreachable", "source.recovered", "TWELVELABS_BASE_URL"),
        ("qdrant.unreachable", "qdrant.recovered", "QDRANT_URL"),
        ("ledger.write_failed", "ledger.recovered", "has free space"),
    ],
)
def test_an_outage_is_told_once_with_its_begin_and_its_length(night: Night, begin: str, end: str, advice: str) -> None:
    first, last = (line for line in night.lines() if line["event"] in (begin, end))

    assert (first["event"], last["event"]) == (begin, end)
    assert epoch(first["since"]) <= epoch(first["timestamp"]) <= epoch(last["timestamp"])
    assert last["after_sec"] >= 0
    assert advice in first["reason"] + first.get("next_step", "")
    assert "index_id" not in first, "it is not the outage of the index where it was noticed"


def test_each_index_tells_once_why_it_fails_and_when_it_recovered(night: Night) -> None:
    story = [("source_unavailable", True), ("sink_unavailable", True), ("authentication_failed", True)]
    for index_id, told in ((night.sports, story), (night.news, [*story, ("index_gone", False)])):
        lines = night.of_index(index_id)
        assert [it.get("code") for it in lines if it["event"] == "index.failed"] == [code for code, _ in told]
        assert [kind for kind, _ in groupby(it["event"] for it in lines)] == [
            event for _, over in told for event in ("index.failed", "index.recovered")[: 1 + over]
        ]
        assert len(lines) == sum(1 + over for _, over in told)


def test_a_failing_index_says_what_to_do(night: Night) -> None:
    advice = {
        "source_unavailable": "the connector retries automatically",
        "sink_unavailable": "Check that Qdrant runs",
        "authentication_failed": "Check TWELVELABS_API_KEY",
        "index_gone": "its points stay until `connector forget`",
    }

    for line in night.of_index(night.news, "index.failed"):
        assert advice[line["code"]] in line["reason"]


def test_every_line_about_an_index_has_its_id_and_its_name(night: Night) -> None:
    names = {night.sports: "sports", night.news: "news"}
    about = [line for line in night.lines() if line["event"].partition(".")[0] in ("index", "asset", "deletes")]

    assert [line["index_name"] for line in about] == [names[line["index_id"]] for line in about]


def test_index_discovery_is_told_once_for_each_reason(night: Night) -> None:
    lines = [line for line in night.lines() if line["event"].startswith("index_discovery")]

    assert [line.get("code") for line in lines][:2] == ["unavailable", None]
    assert all(one["event"] != other["event"] for one, other in pairwise(lines))


def test_the_malformed_asset_is_named_with_the_reason_and_the_command_that_retries_it(night: Night) -> None:
    failed, quarantined = (line for line in night.lines() if line["event"].startswith("asset."))

    for line in (failed, quarantined):
        assert differences(line, indexed_asset_id=night.bad, filename="bad.mp4", index_id=night.sports) == {}
    assert "vector 0 is all zero. No point of it was stored" in failed["reason"]
    assert f"connector quarantine retry --index {night.sports} {night.bad}" in quarantined["next_step"]


def test_withheld_deletes_are_named_with_the_limit_and_the_command_that_allows_them(night: Night) -> None:
    (line,) = night.of_index(night.sports, "deletes.withheld")

    assert {it.partition(" ")[0] for it in line["assets"]} == set(night.removed)
    assert all(it.endswith(".mp4") for it in line["assets"])
    assert (line["count"], line["reason"]) == (4, "4 deletes within 24 hours exceed the limit of 1")
    assert "connector sync --allow-deletes" in line["next_step"]
