"""A daemon whose wall clock is set back, forward and right again continues without a pause."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest
from qdrant_client import QdrantClient

from connector.simulator import IndexSpec, Scenario, Simulator
from tests.command import Command
from tests.e2e.convergence import converges
from tests.e2e.daemon import PATIENCE_SEC, Running, running
from tests.e2e.stepped_daemon import OFFSET
from tests.waiting import wait_until

HOUR, YEAR = 3600.0, 365 * 86_400.0


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(seed=9, indexes=(IndexSpec(name="newer", generate=4, duration=(10.0, 30.0)),))


@pytest.fixture
def daemon(connector: Command) -> Iterator[Running]:
    """Metadata is retrieved again within four seconds."""
    set_clock(connector, 0.0)
    stepped = replace(connector, module="tests.e2e.stepped_daemon")
    with running(stepped, CONNECTOR_REFRESH_INTERVAL="4s", CONNECTOR_DEEP_REFRESH_INTERVAL="1h") as daemon:
        yield daemon


def set_clock(connector: Command, offset: float) -> None:
    """Atomically: the daemon never reads a partial file."""
    new = connector.directory / "offset.new"
    new.write_text(str(offset))
    new.rename(connector.directory / OFFSET)


def noticed(daemon: Running, steps: int) -> bool:
    return len(daemon.events("clock.stepped")) == steps


def test_every_kind_of_step(daemon: Running, connector: Command, simulator: Simulator, client: QdrantClient) -> None:
    """After each step, new assets are polled, absent ones deleted by a full cycle, and metadata refreshed."""
    control = simulator.control
    (index,) = control.index_ids
    control.set_knobs(patch_bumps_updated_at=False)
    converges(simulator, client)

    for step, offset in enumerate((-HOUR, 0.0, -10 * YEAR, YEAR, 0.0), start=1):
        set_clock(connector, offset)
        wait_until(partial(noticed, daemon, step), PATIENCE_SEC, "it notices")
        control.delete_asset(index, control.asset_ids(index)[0])
        control.add_asset(index, f"added-{step}.mp4", captions=["a ship leaves the harbour"])
        control.patch_metadata(index, control.asset_ids(index)[1], {"step": step})
        converges(simulator, client)
        assert daemon.ready

    assert daemon.stop().code == 0
