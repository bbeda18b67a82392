"""A daemon with a quiet pace, and faults, additions and deletes; what was scraped, and what happened at both sides."""

import json
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import QdrantClient, models

from connector.domain import timestamps
from connector.simulator import ClockSpec, IndexSpec, Logged, Scenario, Simulator, run_in_thread
from tests.command import Command
from tests.e2e.convergence import NEWER, OLDER, RETRIEVE, SLOW
from tests.e2e.daemon import PATIENCE_SEC, Running, running
from tests.qdrant_server import QdrantServer, server_for_tests
from tests.scraped import Scraped, scrape
from tests.waiting import wait_until

SECRET = "whsec_test"
DAY = 86_400.0
FAILURES, LIMITS = 3, 1
"""Faults of requests that are repeated: two answers with 503 and a dropped connection; one 429."""


@dataclass(frozen=True, slots=True)
class Story:
    """`good` is a scrape after all work was done, `bad` one while an index is gone and an asset is malformed.

    `requests` are those that the simulator had answered at the first one. `held` and `deleted` are numbers of points
    in Qdrant by index, and of the asset that was deleted. `private` must not appear in a scrape.
    """

    good: Scraped
    bad: Scraped
    status: Mapping[str, Mapping[str, Any]]
    requests: Sequence[Logged]
    retrieved_bytes: int
    held: Mapping[str, int]
    deleted: int
    newer: str
    older: str
    expires_at: float
    scraped_at: float
    events: Sequence[Mapping[str, Any]]
    private: Sequence[str]


def scenario(expires_at: float) -> Scenario:
    """With the clock of this machine, so that lag is real."""
    duration, expiry = (10.0, 30.0), timestamps.text(expires_at)
    return Scenario(
        seed=9,
        clock=ClockSpec(start="now", rate=1.0),
        indexes=(
            IndexSpec(name="newer", model="marengo3.0", generate=8, expires_at=expiry, duration=duration),
            IndexSpec(name="older", model="marengo2.7", generate=6, duration=duration),
        ),
    )


@contextmanager
def told(qdrant_binary: Path, directories: pytest.TempPathFactory) -> Iterator[Story]:
    expires_at = time.time() // 1 + 6 * DAY
    with (
        server_for_tests(qdrant_binary, directories.mktemp("qdrant"), {}) as server,
        run_in_thread(scenario(expires_at)) as simulator,
    ):
        server.start()
        client = QdrantClient(url=server.url, check_compatibility=False)
        try:
            yield _tell(_command(directories.mktemp("story"), simulator, server), simulator, client, expires_at)
        finally:
            client.close()


def _command(directory: Path, simulator: Simulator, server: QdrantServer) -> Command:
    settings = {
        "TWELVELABS_API_KEY": "test-key",
        "TWELVELABS_BASE_URL": simulator.base_url,
        "QDRANT_URL": server.url,
        "QDRANT_GRPC_PORT": str(server.grpc_port),
        "CONNECTOR_INDEXES": "*",
        "CONNECTOR_MAX_ATTEMPTS": "2",
    }
    return Command(directory, settings)


def _tell(connector: Command, simulator: Simulator, client: QdrantClient, expires_at: float) -> Story:
    control = simulator.control
    newer, older = control.index_ids
    control.inject(RETRIEVE, status=503, count=2)
    control.inject(RETRIEVE, drop=True, count=1)
    control.inject(RETRIEVE, status=429, headers={"retry-after": "1"}, count=LIMITS)
    with running(connector, CONNECTOR_WEBHOOK_SECRET=SECRET, pace=SLOW) as daemon:
        _wait_applied(daemon, {newer: 8, older: 6})
        control.set_webhook(daemon.webhook_url, SECRET)
        added = control.add_asset(newer, "added.mp4", captions=["a ship leaves the harbour"])
        control.emit("index.task.ready", newer, added)
        _wait_applied(daemon, {newer: 9})
        gone = control.asset_ids(newer)[0]
        deleted = _count(client, NEWER, newer, gone)
        control.delete_asset(newer, gone)
        ended = connector.run("sync", "--json")
        assert ended.code == 0, ended.stderr
        _wait_quiet(daemon)
        status = {it: daemon.index(it) for it in (newer, older)}
        scraped_at = time.time()
        good, requests = scrape(daemon.url), control.requests.matching()
        held = {newer: _count(client, NEWER, newer), older: _count(client, OLDER, older)}
        retrieved = sum(
            _size(simulator.base_url, it)
            for it in requests
            if it.status == 200 and "embedding_option" in it.query and gone not in it.path
        )
        _break(simulator, newer, older)
        connector.run("sync")
        wait_until(lambda: "connector_index_error" in scrape(daemon.url).names, PATIENCE_SEC, "an index fails")
        bad = scrape(daemon.url)
        assert daemon.stop().code == 0
    files = [control.asset(newer, it)["system_metadata"]["filename"] for it in control.asset_ids(newer)]
    private = [*control.asset_ids(newer), gone, *files, "added.mp4", "http://", "127.0.0.1", SECRET, "test-key"]
    return Story(
        good=good,
        bad=bad,
        status=status,
        requests=requests,
        retrieved_bytes=retrieved,
        held=held,
        deleted=deleted,
        newer=newer,
        older=older,
        expires_at=expires_at,
        scraped_at=scraped_at,
        events=daemon.records(),
        private=private,
    )


def _break(simulator: Simulator, newer: str, older: str) -> None:
    """One index expires; an asset of the other becomes malformed."""
    control = simulator.control
    torn = control.asset_ids(newer)[1]
    control.update_asset(newer, torn, duration=33.0)
    control.inject(f"GET /indexes/*/indexed-assets/{torn}", status=422, body={"code": "torn", "message": "torn"})
    control.expire_index(older)


def _wait_applied(daemon: Running, counts: Mapping[str, int]) -> None:
    for index_id, count in counts.items():
        wait_until(lambda: daemon.index(index_id).get("applied") == count, PATIENCE_SEC, f"{index_id} has {count}")  # noqa: B023  used at once


def _wait_quiet(daemon: Running) -> None:
    def is_quiet() -> bool:
        live = daemon.get("/api/status")[1]["daemon"]["indexes"]
        return all(it["doing"] == "waiting" for it in live.values())

    wait_until(is_quiet, PATIENCE_SEC, "the daemon has nothing to do")


def _count(client: QdrantClient, collection: str, index_id: str, asset: str | None = None) -> int:
    wanted = {"index_id": index_id} | ({"indexed_asset_id": asset} if asset else {})
    must: Any = [models.FieldCondition(key=key, match=models.MatchValue(value=it)) for key, it in wanted.items()]
    return client.count(collection, models.Filter(must=must), exact=True).count


def _size(base_url: str, logged: Logged) -> int:
    """Of the response to the same request."""
    request = urllib.request.Request(f"{base_url}{logged.path}?{logged.query}", headers={"x-api-key": "other"})  # noqa: S310  loopback only
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  the same
        body: bytes = answer.read()
    assert json.loads(body)
    return len(body)
