"""Hundreds of slow connections to a daemon with few descriptors: its work, health and log are not affected."""

import resource
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from qdrant_client import QdrantClient

from connector.simulator import IndexSpec, Scenario, Simulator
from tests.command import Command
from tests.e2e.convergence import converges
from tests.e2e.daemon import PATIENCE_SEC, Running, running
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sets the limits of another process")

DESCRIPTORS, STRANGERS = 256, 300
LISTINGS = "GET /indexes/*/indexed-assets"
LARGEST_LOG_BYTES = 40_000
HEALTH_SEC = 5.0
HEAD = b"POST /webhooks/twelvelabs HTTP/1.1\r\nhost: x\r\n"
SENT = {
    "nothing": b"",
    "half heads": HEAD,
    "half bodies": HEAD + b"content-length: 100\r\n\r\nhalf",
    "whole requests, kept alive": b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n",
    "nonsense": b"\x16\x03\x01\x00\xa5\x01\r\n\r\n",
    "unsigned events": HEAD + b"content-length: 2\r\n\r\n{}",
}
IN_EVERY_RUN = {"webhook_url": {"half bodies", "unsigned events"}, "url": {"half heads", "nonsense"}}


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(seed=9, indexes=(IndexSpec(name="newer", generate=4, duration=(10.0, 30.0)),))


@pytest.fixture
def daemon(connector: Command) -> Iterator[Running]:
    pace = {"CONNECTOR_RECONCILE_INTERVAL": "1h", "CONNECTOR_WEBHOOK_SECRET": "whsec_test"}
    with running(connector, wait=False, pace=pace) as daemon:
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
        wait_until(lambda: daemon.ready, PATIENCE_SEC, "it is ready")
        yield daemon


def connect(stack: ExitStack, url: str, sent: bytes) -> None:
    """One connection that the test keeps open."""
    host, _, port = url.split("/")[2].partition(":")
    stranger = stack.enter_context(socket.create_connection((host, int(port)), timeout=30))
    stranger.sendall(sent)


def healthy_in(daemon: Running) -> float:
    """How long /livez and /readyz took."""
    started = time.monotonic()
    assert (daemon.get("/livez")[0], daemon.get("/readyz")[0]) == (200, 200)
    return time.monotonic() - started


@pytest.mark.parametrize(
    ("listener", "sent"),
    [
        pytest.param(listener, sent, id=f"{listener}: {name}", marks=() if name in often else pytest.mark.soak)
        for listener, often in IN_EVERY_RUN.items()
        for name, sent in SENT.items()
    ],
)
def test_strangers_hold_nothing_up(
    daemon: Running, simulator: Simulator, client: QdrantClient, listener: str, sent: bytes
) -> None:
    control = simulator.control
    (index,) = control.index_ids
    converges(simulator, client)

    with ExitStack() as stack:
        for _ in range(STRANGERS):
            connect(stack, getattr(daemon, listener), sent)
        assert healthy_in(daemon) < HEALTH_SEC
        control.clear_requests()
        control.add_asset(index, "added.mp4", captions=["a ship leaves the harbour"])
        converges(simulator, client)
        wait_until(polls(simulator, 3), PATIENCE_SEC, "it polls")
        assert healthy_in(daemon) < HEALTH_SEC

    assert daemon.log.stat().st_size < LARGEST_LOG_BYTES
    assert daemon.stop().code == 0


def polls(simulator: Simulator, count: int) -> Callable[[], bool]:
    """A poll needs two requests."""
    return lambda: len(simulator.control.requests.matching(LISTINGS)) >= 2 * count
