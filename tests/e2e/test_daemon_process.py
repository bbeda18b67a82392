"""The process of `connector run`: start, lock, signals and resources."""

from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from connector.simulator import Scenario, Simulator
from tests.command import Command
from tests.e2e.convergence import RETRIEVE, converges, small_scenario
from tests.e2e.daemon import PATIENCE_SEC, Running, running
from tests.waiting import wait_until


@pytest.fixture
def scenario() -> Scenario:
    return small_scenario()


def test_a_second_daemon_waits_for_the_first_and_takes_over(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    """As in a rolling update."""
    with running(connector) as first:
        converges(simulator, client)
        with running(connector, wait=False) as second:
            wait_until(lambda: bool(second.events("ledger.lock_refused")), PATIENCE_SEC, "the second one waits")
            assert f"process {first.process.pid}" in second.events("ledger.lock_refused")[0]["reason"]
            assert first.stop().code == 0
            wait_until(lambda: second.ready, PATIENCE_SEC, "the second one has taken over")
            assert second.stop().code == 0


def test_a_daemon_that_waits_for_the_ledger_can_be_stopped(connector: Command) -> None:
    with running(connector) as first, running(connector, wait=False) as second:
        wait_until(lambda: bool(second.events("ledger.lock_refused")), PATIENCE_SEC, "the second one waits")

        assert second.stop().code == 0
        assert first.ready
        assert first.stop().code == 0


def test_a_taken_port_is_a_configuration_error(connector: Command) -> None:
    with running(connector) as daemon:
        port = daemon.url.rpartition(":")[2]
        elsewhere = connector.directory / "elsewhere"
        ended = connector.run("run", CONNECTOR_HTTP_PORT=port, CONNECTOR_DATA_DIR=str(elsewhere))
        daemon.stop()

    assert ended.code == 2
    assert "CONNECTOR_HTTP_PORT" in ended.stderr


def test_it_wants_to_be_told_where_qdrant_is(connector: Command) -> None:
    ended = connector.run("run", QDRANT_URL="")

    assert ended.code == 2
    assert "QDRANT_URL" in ended.stderr
    assert not (connector.directory / "data").exists()


def test_healthcheck_asks_the_daemon(connector: Command) -> None:
    with running(connector) as daemon:
        port = daemon.url.rpartition(":")[2]
        alive = connector.run("healthcheck", CONNECTOR_HTTP_PORT=port)
        daemon.stop()
        dead = connector.run("healthcheck", CONNECTOR_HTTP_PORT=port)

    assert (alive.code, dead.code) == (0, 1)


def test_a_second_signal_does_not_wait(connector: Command, simulator: Simulator) -> None:
    hold = simulator.control.hold(RETRIEVE)
    with running(connector, CONNECTOR_DRAIN_TIMEOUT="10m") as daemon:
        hold.wait_reached()
        daemon.process.terminate()
        wait_until(lambda: bool(daemon.events("daemon.drain_started")), PATIENCE_SEC, "it drains")
        daemon.process.terminate()
        code = daemon.process.wait(timeout=PATIENCE_SEC)
        hold.release()

    assert code == 130


@pytest.mark.soak
def test_five_hundred_cycles_leak_nothing(connector: Command, simulator: Simulator, client: QdrantClient) -> None:
    """The number of descriptors and the memory stay constant."""
    fast = {"CONNECTOR_POLL_INTERVAL": "0.1s", "CONNECTOR_RECONCILE_INTERVAL": "0.2s"}
    with running(connector, pace=fast) as daemon:
        converges(simulator, client)
        cycles(daemon, 50)
        before = resources(daemon)
        cycles(daemon, 500)
        after = resources(daemon)
        assert daemon.stop().code == 0

    assert after[0] <= before[0] + 2, "open descriptors"
    assert after[1] <= before[1] * 1.1, "resident memory"


def cycles(daemon: Running, count: int) -> None:
    already = len(daemon.events("cycle.finished"))
    wait_until(lambda: len(daemon.events("cycle.finished")) >= already + count, 600, f"{count} cycles")


def resources(daemon: Running) -> tuple[int, int]:
    """Open descriptors and resident pages of the process (Linux)."""
    proc = Path("/proc") / str(daemon.process.pid)
    return sum(1 for _ in (proc / "fd").iterdir()), int((proc / "statm").read_text().split()[1])
