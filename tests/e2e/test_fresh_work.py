"""Nothing waits behind a backfill: what is new is searchable meanwhile, and it goes on after whatever stopped it."""

import signal

import pytest
from qdrant_client import QdrantClient

from connector.simulator import IndexSpec, Scenario, Simulator
from tests.command import Command
from tests.e2e.convergence import NEWER, RETRIEVE, converges, ids
from tests.e2e.daemon import PATIENCE_SEC, Running, running
from tests.waiting import wait_until

BACKLOG = 150
PACE = {"CONNECTOR_POLL_INTERVAL": "1s", "CONNECTOR_RECONCILE_INTERVAL": "1h"}


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(seed=9, indexes=(IndexSpec(name="large", generate=BACKLOG, duration=(10.0, 20.0)),))


@pytest.fixture
def index_id(simulator: Simulator) -> str:
    """An index with a backlog of long retrievals."""
    simulator.control.inject(RETRIEVE, delay=0.4)
    return simulator.control.index_ids[0]


def listings(simulator: Simulator) -> int:
    """How often the whole index was listed: first pages in the order of a walk."""
    pages = simulator.control.requests.matching("GET /indexes/*/indexed-assets")
    return sum(1 for it in pages if "sort_option=asc" in it.query and "page=1&" in f"{it.query}&")


def backlog(daemon: Running, index_id: str) -> int:
    return int(daemon.index(index_id).get("backlog", {}).get("backlog", 0))


def begun(client: QdrantClient, index_id: str) -> bool:
    return client.collection_exists(NEWER) and len(ids(client, NEWER, index_id)) >= 5


def test_a_new_asset_is_searchable_while_the_backlog_goes_on(
    connector: Command, simulator: Simulator, client: QdrantClient, index_id: str
) -> None:
    """Also while the source drops connections; and the index is listed once."""
    with running(connector, pace=PACE) as daemon:
        wait_until(lambda: begun(client, index_id), PATIENCE_SEC, "the backfill has begun")
        simulator.control.inject(RETRIEVE, drop=True, probability=0.05)
        added = simulator.control.add_asset(index_id, "added.mp4", captions=["a ship leaves the harbour"])
        wait_until(lambda: added in ids(client, NEWER, index_id), PATIENCE_SEC, "the new asset is there")
        left = backlog(daemon, index_id)
        simulator.control.clear_faults()
        converges(simulator, client)
        wait_until(lambda: backlog(daemon, index_id) == 0, PATIENCE_SEC, "nothing is left")
        assert daemon.stop().code == 0

    assert left > BACKLOG / 3
    assert listings(simulator) == 1


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_backfill_that_was_stopped_goes_on_without_listing_again(
    connector: Command, simulator: Simulator, client: QdrantClient, index_id: str, how: signal.Signals
) -> None:
    with running(connector, pace=PACE) as daemon:
        wait_until(lambda: begun(client, index_id), PATIENCE_SEC, "the backfill has begun")
        daemon.process.send_signal(how)
        daemon.process.wait(PATIENCE_SEC)
    done = ids(client, NEWER, index_id)
    simulator.control.clear_faults()
    simulator.control.clear_requests()

    with running(connector, pace=PACE) as daemon:
        wait_until(lambda: daemon.index(index_id).get("backlog") == {}, PATIENCE_SEC, "nothing is left")
        retrieved = {entry.path.rpartition("/")[2] for entry in simulator.control.requests.matching(RETRIEVE)}
        assert listings(simulator) == 0
        converges(simulator, client)
        assert daemon.stop().code == 0

    assert len(done & retrieved) <= 4


def test_an_operator_does_not_wait_for_the_backlog(
    connector: Command, simulator: Simulator, client: QdrantClient, index_id: str
) -> None:
    with running(connector, pace=PACE, CONNECTOR_INDEXES=index_id) as daemon:
        wait_until(lambda: begun(client, index_id), PATIENCE_SEC, "the backfill has begun")

        ended = connector.run("forget", index_id, "--yes", "--json", **PACE)

        assert ended.code == 0, ended.stdout
        assert len(simulator.control.requests.matching(RETRIEVE)) < BACKLOG
        simulator.control.clear_faults()
        converges(simulator, client)
        assert daemon.stop().code == 0


def others_before(simulator: Simulator, asset_id: str, cause: str) -> int:
    """How many other assets were retrieved between the last request like `cause` and the retrieval of this asset."""
    requests = sorted(simulator.control.requests.matching("**"), key=lambda it: it.number)
    at = max(place for place, it in enumerate(requests) if it.path.endswith(f"/indexed-assets/{asset_id}"))
    caused = max(place for place, it in enumerate(requests[:at]) if cause in f"{it.method} {it.path}?{it.query}")
    return sum(1 for it in requests[caused:at] if "/indexed-assets/" in it.path and asset_id not in it.path)


def test_a_tight_rate_limit_is_spent_on_what_a_poll_found(
    connector: Command, simulator: Simulator, client: QdrantClient, index_id: str
) -> None:
    """However many workers wait for their turn: one had it already, another's answer was on its way."""
    simulator.control.clear_faults()
    with running(connector, pace=PACE, CONNECTOR_REQUESTS_PER_MINUTE="300") as daemon:
        wait_until(lambda: begun(client, index_id), PATIENCE_SEC, "the backfill has begun")
        added = simulator.control.add_asset(index_id, "added.mp4", captions=["a ship leaves the harbour"])
        wait_until(lambda: added in ids(client, NEWER, index_id), PATIENCE_SEC, "the new asset is there")
        assert backlog(daemon, index_id) > BACKLOG / 3
        assert daemon.stop().code == 0

    assert others_before(simulator, added, "sort_option=desc") <= 2


def test_a_tight_rate_limit_is_spent_on_what_a_webhook_names(
    connector: Command, simulator: Simulator, client: QdrantClient, index_id: str
) -> None:
    simulator.control.clear_faults()
    pace = {**PACE, "CONNECTOR_POLL_INTERVAL": "1h", "CONNECTOR_REQUESTS_PER_MINUTE": "300"}
    with running(connector, pace=pace, CONNECTOR_WEBHOOK_SECRET="whsec_test") as daemon:
        simulator.control.set_webhook(daemon.webhook_url, "whsec_test")
        wait_until(lambda: begun(client, index_id), PATIENCE_SEC, "the backfill has begun")
        added = simulator.control.add_asset(index_id, "added.mp4", captions=["a ship leaves the harbour"])
        simulator.control.emit("index.task.ready", index_id, added)
        wait_until(lambda: added in ids(client, NEWER, index_id), PATIENCE_SEC, "the new asset is there")
        assert backlog(daemon, index_id) > BACKLOG / 3
        assert daemon.stop().code == 0

    assert others_before(simulator, added, "/tasks/") <= 3
