"""An index that will expire: the log and `status` say so ahead, and the daemon stays ready."""

import time

import pytest
from qdrant_client import QdrantClient

from connector.domain import timestamps
from connector.simulator import ClockSpec, IndexSpec, Scenario, Simulator
from tests.command import Command
from tests.comparing import differences
from tests.e2e.convergence import converges
from tests.e2e.daemon import running

DAY = 86_400.0
SOON, LATER = (timestamps.text(time.time() // 1 + days * DAY) for days in (6, 60))


@pytest.fixture
def scenario() -> Scenario:
    """With the clock of this machine."""
    return Scenario(
        seed=9,
        clock=ClockSpec(start="now", rate=1.0),
        indexes=(
            IndexSpec(name="soon", generate=2, duration=(10.0, 30.0), expires_at=SOON),
            IndexSpec(name="later", generate=2, duration=(10.0, 30.0), expires_at=LATER),
            IndexSpec(name="never", generate=2, duration=(10.0, 30.0)),
        ),
    )


def test_a_daemon_announces_it_once_also_after_a_restart(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    soon, later, never = simulator.control.index_ids
    said = []
    for _ in range(2):
        with running(connector) as daemon:
            converges(simulator, client)
            ready = daemon.get("/readyz")
            assert daemon.stop().code == 0
        assert ready == (200, {"ready": True, "reasons": {}})
        said += daemon.events("index.expires")
    shown = {it["index_id"]: it for it in connector.run("status", "--json").json["indexes"]}
    words = connector.run("status").stdout

    (warning,) = said
    assert differences(warning, level="warning", index_id=soon, index_name="soon") == {}
    assert warning["expires_at"] == SOON
    assert [shown[it]["expires_soon"] for it in (soon, later, never)] == [True, False, False]
    assert [shown[it]["expires_at"] for it in (soon, later, never)] == [SOON, LATER, None]
    assert words.count("expires at") == 1
