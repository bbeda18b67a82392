"""SIGHUP: the end of the daemon's terminal drains it; without a terminal it only says that nothing is reloaded."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from connector.simulator import Scenario, Simulator
from tests.command import Command
from tests.e2e.convergence import NEWER, RETRIEVE, converges, ids, small_scenario
from tests.e2e.daemon import PATIENCE_SEC, Running, running
from tests.qdrant_server import free_port
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]

# Makes the terminal on stdin the controlling terminal of a new session, as a login does.
LOGIN = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"


@pytest.fixture
def scenario() -> Scenario:
    return small_scenario()


@pytest.fixture(autouse=True)
def hangup_as_usual() -> Iterator[None]:
    """The daemon respects an ignored SIGHUP, which it would inherit from a test run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@contextmanager
def on_a_terminal(connector: Command, **settings: str) -> Iterator[tuple[Running, int]]:
    """A daemon that leads the session of a terminal, and the other end of the terminal."""
    port = free_port()
    ours, theirs = os.openpty()
    log = connector.directory / "terminal.log"
    kept = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-c", LOGIN, sys.executable, "-m", "connector", "run"],
            cwd=connector.directory,
            env={**kept, **connector.settings, "CONNECTOR_HTTP_PORT": str(port), **settings},
            stdin=theirs,
            stdout=theirs,
            stderr=stderr if settings.get("CONNECTOR_LOG_FORMAT") != "console" else theirs,
            start_new_session=True,
            text=True,
        )
    os.close(theirs)
    try:
        yield Running(process, f"http://127.0.0.1:{port}", "", log), ours
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_terminal_that_closes_lets_the_daemon_finish_what_is_in_hand(
    connector: Command, simulator: Simulator, client: QdrantClient, log_format: str
) -> None:
    """With the log in a file, and with the log on the terminal that is gone."""
    index_id = simulator.control.index_ids[0]
    hold = simulator.control.hold(RETRIEVE)
    with on_a_terminal(
        connector, CONNECTOR_INDEXES=index_id, CONNECTOR_CONCURRENCY="1", CONNECTOR_LOG_FORMAT=log_format
    ) as (daemon, terminal):
        hold.wait_reached()
        os.close(terminal)
        wait_until(lambda: daemon.get("/api/status")[1]["daemon"]["state"] == "draining", PATIENCE_SEC, "it drains")
        hold.release()
        code = daemon.process.wait(timeout=PATIENCE_SEC)

    assert code == 0
    assert len(ids(client, NEWER, index_id)) == 1, "the asset in progress, and no other"


def test_without_a_terminal_a_line_says_that_settings_are_read_at_the_start(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    file = connector.directory / "connector.toml"
    file.write_text('refresh_interval = "12h"')
    with running(connector, CONNECTOR_CONFIG=str(file)) as daemon:
        for number, content in enumerate(
            ('refresh_interval = "6h"\nmax_attempts = 3', "refresh_interval = 0", ""), start=1
        ):
            file.write_text(content or 'refresh_interval = "12h"')
            daemon.process.send_signal(signal.SIGHUP)
            wait_until(partial(said_so, daemon, number), PATIENCE_SEC, "it says so")
        converges(simulator, client)
        assert daemon.stop().code == 0

    changed, broken, same = daemon.events("settings.not_reloaded")
    assert {it["level"] for it in (changed, broken, same)} == {"warning"}
    assert changed["changed"] == ["CONNECTOR_REFRESH_INTERVAL", "CONNECTOR_MAX_ATTEMPTS"]
    assert "restart the connector" in changed["advice"]
    assert "refresh_interval" in broken["mistakes"].lower()
    assert "a restart would fail now" in broken["advice"]
    assert (same["changed"], same["advice"]) == ([], "a restart would change no setting")


def said_so(daemon: Running, times: int) -> bool:
    return len(daemon.events("settings.not_reloaded")) == times


def test_nohup_is_respected(connector: Command, simulator: Simulator, client: QdrantClient) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with on_a_terminal(connector) as (daemon, terminal):
            wait_until(lambda: daemon.ready, PATIENCE_SEC, "it is ready")
            os.close(terminal)
            converges(simulator, client)
            assert daemon.stop().code == 0
    finally:
        signal.signal(signal.SIGHUP, before)
