"""Real faults of a running daemon fire the alerts that are meant for them, and no others."""

import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from connector.domain import timestamps
from connector.simulator import ClockSpec, IndexSpec, Scenario, Simulator
from tests.alerting import firing
from tests.command import Command
from tests.e2e.convergence import SLOW, converges
from tests.e2e.daemon import PATIENCE_SEC, Running, running
from tests.qdrant_server import QdrantServer
from tests.scraped import Scraped, scrape
from tests.waiting import wait_until

DAY = 86_400.0
ALLOWED = 2


@pytest.fixture
def scenario() -> Scenario:
    """With the clock of this machine; nothing expires within a week."""
    later = timestamps.text(time.time() // 1 + 60 * DAY)
    return Scenario(
        seed=9,
        clock=ClockSpec(start="now", rate=1.0),
        indexes=(IndexSpec(name="only", generate=8, duration=(10.0, 30.0), expires_at=later),),
    )


class Scrapes:
    """Scrapes one daemon; the first when it has nothing to do."""

    def __init__(self, daemon: Running, directory: Path) -> None:
        self._daemon, self._directory = daemon, directory
        self._since = time.time()
        self.taken = [scrape(daemon.url)]

    def until(self, condition: Callable[[Scraped], bool], what: str) -> None:
        def is_true() -> bool:
            self.latest = scrape(self._daemon.url)
            return condition(self.latest)

        wait_until(is_true, PATIENCE_SEC, what)
        self.taken += [self.latest, scrape(self._daemon.url)]

    def firing(self) -> set[str]:
        return firing(self._directory, self.taken, self._since)


@pytest.fixture
def only(simulator: Simulator) -> str:
    return simulator.control.index_ids[0]


def watched(daemon: Running, connector: Command, simulator: Simulator, client: QdrantClient) -> Scrapes:
    converges(simulator, client)
    return Scrapes(daemon, connector.directory)


def test_a_healthy_daemon_fires_none(connector: Command, simulator: Simulator, client: QdrantClient, only: str) -> None:
    with running(connector) as daemon:
        scrapes = watched(daemon, connector, simulator, client)
        before = scrapes.taken[0].total("connector_cycles_total", kind="full_cycle", result="success")
        simulator.control.add_asset(only, "added.mp4", captions=["a ship leaves the harbour"])
        scrapes.until(lambda it: it.total("connector_lag_seconds_count") > 0, "the new asset is stored")
        scrapes.until(
            lambda it: it.total("connector_cycles_total", kind="full_cycle", result="success") > before, "a cycle"
        )

    # The times of the last scrape stay for two hours, as if it had never succeeded since.
    assert scrapes.firing() == {"ConnectorNoSuccessfulCycle"}


def test_qdrant_is_killed(connector: Command, simulator: Simulator, client: QdrantClient, server: QdrantServer) -> None:
    with running(connector) as daemon:
        scrapes = watched(daemon, connector, simulator, client)
        server.kill()
        scrapes.until(lambda it: it.value("connector_ready", component="sink") == 0, "it is noticed")
        ready = {
            name: scrapes.latest.value("connector_ready", component=name) for name in ("source", "ledger", "schedule")
        }

    assert ready == dict.fromkeys(ready, 1)
    assert {"ConnectorSinkUnreachable", "ConnectorNotReady"} <= scrapes.firing()
    assert "ConnectorSourceUnreachable" not in scrapes.firing()


def test_twelvelabs_is_down(connector: Command, simulator: Simulator, client: QdrantClient) -> None:
    """Noticed by its polls at once, although a scrape asks it rarely."""
    with running(connector) as daemon:
        scrapes = watched(daemon, connector, simulator, client)
        simulator.control.inject("**", status=503)
        scrapes.until(lambda it: it.value("connector_ready", component="source") == 0, "it is noticed")

    found = scrapes.firing()
    assert {"ConnectorSourceUnreachable", "ConnectorNotReady"} <= found
    assert found.isdisjoint({"ConnectorKeyRefused", "ConnectorSinkUnreachable"})


def test_the_key_is_refused(connector: Command, simulator: Simulator, client: QdrantClient) -> None:
    with running(connector) as daemon:
        scrapes = watched(daemon, connector, simulator, client)
        simulator.control.inject("**", status=401, body={"code": "api_key_invalid", "message": "the key is invalid"})
        scrapes.until(lambda it: it.value("connector_ready", component="source") == 0, "it is noticed")
        scrapes.until(
            lambda it: it.total("connector_index_error", code="authentication_failed") == 1, "the index fails"
        )

    found = scrapes.firing()
    assert {"ConnectorKeyRefused", "ConnectorIndexFailing"} <= found
    assert "ConnectorSourceUnreachable" not in found


def test_deletes_are_withheld_and_an_asset_is_quarantined(
    connector: Command, simulator: Simulator, client: QdrantClient, only: str
) -> None:
    control = simulator.control
    limits = {"CONNECTOR_MAX_DELETES": str(ALLOWED), "CONNECTOR_MAX_DELETE_RATIO": "0", "CONNECTOR_MAX_ATTEMPTS": "1"}
    strict = Command(connector.directory, {**connector.settings, **limits})
    with running(strict) as daemon:
        scrapes = watched(daemon, connector, simulator, client)
        torn, *others = control.asset_ids(only)
        control.update_asset(only, torn, duration=33.0)
        control.inject(f"GET /indexes/*/indexed-assets/{torn}", status=422, body={"code": "torn", "message": "torn"})
        for name in others[: ALLOWED + 1]:
            control.delete_asset(only, name)
        scrapes.until(lambda it: it.value("connector_deletes_withheld", index_id=only) == ALLOWED + 1, "withheld")
        scrapes.until(lambda it: it.value("connector_assets", index_id=only, state="quarantined") == 1, "quarantined")
        deleted = scrapes.latest.value("connector_points_deleted_total", index_id=only)
    with running(strict, pace=SLOW) as again:
        remembered = scrape(again.url)

    assert {"ConnectorDeletesWithheld", "ConnectorAssetsQuarantined"} <= scrapes.firing()
    assert deleted == 0
    assert remembered.value("connector_last_success_timestamp_seconds", index_id=only, kind="full_cycle") > 0
    assert remembered.value("connector_deletes_withheld", index_id=only) == ALLOWED + 1


def test_the_ledger_cannot_be_written(connector: Command, simulator: Simulator, client: QdrantClient) -> None:
    with running(connector) as daemon:
        scrapes = watched(daemon, connector, simulator, client)
        with closing(sqlite3.connect(connector.directory / "data" / "ledger.sqlite3", timeout=PATIENCE_SEC)) as db:
            db.execute("alter table daemon rename to away")
        scrapes.until(lambda it: it.total("connector_ledger_write_errors_total") > 0, "it is noticed")

    assert "ConnectorLedgerWritesFail" in scrapes.firing()
    assert scrapes.latest.total("connector_ledger_assets") == 8, "what can be read is still shown"


def test_it_restarts_again_and_again(connector: Command, simulator: Simulator) -> None:
    since, taken = time.time(), []
    for _ in range(4):
        with running(connector, pace=SLOW) as daemon:
            taken.append(scrape(daemon.url))

    assert "ConnectorRestartLoop" in firing(connector.directory, taken, since)
    assert "ConnectorRestartLoop" not in firing(connector.directory, taken[:3], since)


def test_a_process_that_is_stopped_for_a_moment_was_late(connector: Command, simulator: Simulator) -> None:
    with running(connector, pace=SLOW) as daemon:
        before = scrape(daemon.url).value("connector_event_loop_late_seconds_total")
        daemon.process.send_signal(signal.SIGSTOP)
        goes_on_at = time.monotonic() + 2.5
        wait_until(lambda: time.monotonic() > goes_on_at, PATIENCE_SEC, "it was stopped for a while")
        daemon.process.send_signal(signal.SIGCONT)
        late = "connector_event_loop_late_seconds_total"
        wait_until(lambda: scrape(daemon.url).value(late) > before, PATIENCE_SEC, "it is noticed")
        after = scrape(daemon.url).value(late)

    assert 1.0 < after - before < 30
