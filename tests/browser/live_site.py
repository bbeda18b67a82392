"""The pages of a real daemon on the simulator and a real Qdrant server."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from connector.simulator import Scenario, Simulator, run_in_thread
from connector.simulator.control import Control
from tests.command import Command
from tests.e2e.daemon import PATIENCE_SEC, Running, running
from tests.qdrant_server import Endpoint
from tests.waiting import wait_until

WEBHOOK_SECRET = "whsec_browser_tests"
STILL = {"CONNECTOR_POLL_INTERVAL": "1h", "CONNECTOR_RECONCILE_INTERVAL": "1h"}


@dataclass(frozen=True, slots=True)
class LiveSite:
    simulator: Simulator
    daemon: Running

    @property
    def url(self) -> str:
        return self.daemon.url

    @property
    def control(self) -> Control:
        return self.simulator.control

    @property
    def index_id(self) -> str:
        """The first index."""
        return self.control.index_ids[0]


@contextmanager
def live_site(directory: Path, qdrant: Endpoint, scenario: Scenario, **settings: str) -> Iterator[LiveSite]:
    """`settings` are those of the daemon. It polls every second; its webhooks come from the simulator."""
    with run_in_thread(scenario) as simulator, started(directory, qdrant, simulator, **settings) as site:
        yield site


@contextmanager
def started(directory: Path, qdrant: Endpoint, simulator: Simulator, **settings: str) -> Iterator[LiveSite]:
    """The same on a simulator that runs already, for example with requests that are held."""
    key = {"QDRANT_API_KEY": qdrant.api_key} if qdrant.api_key else {}
    command = Command(
        directory,
        {
            "TWELVELABS_API_KEY": "test-key",
            "TWELVELABS_BASE_URL": simulator.base_url,
            "QDRANT_URL": qdrant.url,
            "QDRANT_GRPC_PORT": str(qdrant.grpc_port),
            "CONNECTOR_INDEXES": "*",
            "CONNECTOR_COLLECTION": f"test-{uuid.uuid4().hex[:12]}-{{model}}",
            "CONNECTOR_WEBHOOK_SECRET": WEBHOOK_SECRET,
            **key,
        },
    )
    with running(command, wait=False, pace=settings) as daemon:
        wait_until(lambda: daemon.get("/livez")[0] == HTTPStatus.OK, PATIENCE_SEC, "it listens")
        simulator.control.set_webhook(daemon.webhook_url, WEBHOOK_SECRET)
        yield LiveSite(simulator, daemon)
        assert daemon.stop().code == 0
