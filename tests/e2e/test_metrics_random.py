"""After a random run with faults, the counters are the sums of what the log, the simulator and Qdrant tell."""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from qdrant_client import QdrantClient

from connector.domain.report import Outcome
from connector.simulator import ClockSpec, IndexSpec, Scenario, Simulator
from tests.command import Command
from tests.e2e.convergence import RETRIEVE, converges
from tests.e2e.daemon import PATIENCE_SEC, Running, running
from tests.qdrant_server import QdrantServer
from tests.scraped import Scraped, scrape
from tests.waiting import wait_until

SEED = int(os.environ.get("SEED", "5"))
STEPS = 14
LIST = "GET /indexes/*/indexed-assets"
WRITTEN = {"asset.applied", "asset.refreshed"}


@pytest.fixture
def scenario() -> Scenario:
    """With the clock of this machine, so that lag is real."""
    duration = (10.0, 30.0)
    return Scenario(
        seed=9,
        clock=ClockSpec(start="now", rate=1.0),
        indexes=(
            IndexSpec(name="newer", model="marengo3.0", generate=20, duration=duration),
            IndexSpec(name="older", model="marengo2.7", generate=16, duration=duration),
        ),
    )


class Run:
    def __init__(self, simulator: Simulator, server: QdrantServer, daemon: Running) -> None:
        self.control, self.server, self.daemon = simulator.control, server, daemon
        self.random = random.Random(SEED)  # noqa: S311  no secret

    def actions(self) -> Iterator[Callable[[], object]]:
        """Each at least once, in random order."""
        faults: list[Callable[[], object]] = [
            lambda: self.control.inject("**", status=503, count=self.random.randint(1, 4)),
            lambda: self.control.inject(RETRIEVE, status=503, count=self.random.randint(1, 4)),
            lambda: self.control.inject("**", status=429, headers={"retry-after": "1"}, count=2),
            lambda: self.control.inject("**", drop=True, count=2),
            lambda: self.control.inject(RETRIEVE, cut_at=0.5, count=1),
            self.restart_qdrant,
        ]
        changes: list[Callable[[], object]] = [self.add, self.delete, self.update, self.patch]
        chosen = [*faults, *changes, *self.random.choices(changes, k=STEPS - len(faults) - len(changes))]
        self.random.shuffle(chosen)
        yield from chosen

    def add(self) -> None:
        name = f"added-{self.random.random()}.mp4"
        self.control.add_asset(self.index(), name, captions=["a ship leaves the harbour"])

    def delete(self) -> None:
        index = self.index()
        self.control.delete_asset(index, self.asset(index))

    def update(self) -> None:
        index = self.index()
        self.control.update_asset(index, self.asset(index), duration=self.random.uniform(5, 60))

    def patch(self) -> None:
        index = self.index()
        self.control.patch_metadata(index, self.asset(index), {"mark": str(self.random.random())})

    def restart_qdrant(self) -> None:
        self.server.kill()
        wait_until(lambda: self.ready("sink") == 0, PATIENCE_SEC, "a scrape says that Qdrant is down")
        self.server.start()

    def index(self) -> str:
        return self.random.choice(self.control.index_ids)

    def asset(self, index: str) -> str:
        return self.random.choice(self.control.asset_ids(index))

    def ready(self, component: str) -> float:
        return scrape(self.daemon.url).value("connector_ready", component=component)

    def listings(self) -> int:
        return len(self.control.requests.matching(LIST))

    def is_quiet(self) -> bool:
        status, shown = self.daemon.get("/api/status")
        return status == 200 and all(it["doing"] == "waiting" for it in shown["daemon"]["indexes"].values())


def summed(scraped: Scraped, name: str, label: str) -> Counter[str]:
    """Sum of the samples by the value of a label, without zeros."""
    found: Counter[str] = Counter()
    for (it, labels), value in scraped.values.items():
        if it == name and value:
            found[dict(labels)[label]] += int(value)
    return found


def test_counters_are_what_happened(
    connector: Command, simulator: Simulator, server: QdrantServer, client: QdrantClient
) -> None:
    control = simulator.control
    settings = {"CONNECTOR_LOG_LEVEL": "debug", "CONNECTOR_MAX_DELETE_RATIO": "1"}
    with running(Command(connector.directory, {**connector.settings, **settings})) as daemon:
        run = Run(simulator, server, daemon)
        for action in run.actions():
            action()
            seen = run.listings()
            wait_until(lambda: run.listings() >= seen + 2, PATIENCE_SEC, "it looks at the indexes")  # noqa: B023  used at once
        control.clear_faults()
        converges(simulator, client)
        wait_until(run.is_quiet, PATIENCE_SEC, "it has nothing to do")
        last, _ = scrape(daemon.url), daemon.stop()
    lines = daemon.records()
    faults = {"none": 0, "429": 429, "503": 503}
    answered = Counter(it.status for it in control.requests.matching())
    held = sum(client.count(it.name).count for it in client.get_collections().collections)
    outcomes = Counter(outcome.value for it in lines for outcome in Outcome if it["event"] == f"asset.{outcome}")
    lags = [it["lag_sec"] for it in lines if it["event"] == "asset.applied" and "lag_sec" in it]

    statuses = summed(last, "connector_source_requests_total", "status")
    assert {it: statuses[it] for it in faults} == {it: answered[status] for it, status in faults.items()}
    assert min(statuses[it] for it in faults) > 0
    assert summed(last, "connector_request_errors_total", "side")["sink"] > 0
    assert last.total("connector_request_retries_total", side="source") == sum(
        it["event"] == "request.retried" for it in lines
    )
    assert last.total("connector_points_written_total") == sum(
        it.get("points", 0) for it in lines if it["event"] in WRITTEN
    )
    assert last.total("connector_points") == held
    assert +summed(last, "connector_changes_total", "outcome") == +outcomes
    assert last.total("connector_lag_seconds_count") == len(lags)
    assert last.total("connector_lag_seconds_sum") == pytest.approx(sum(lags), abs=0.001 * (len(lags) + 1))
    assert outcomes["deleted"] > 0
    assert last.total("connector_points_deleted_total") > 0
