"""A random soak: adds, changes, deletes, faults, drifts, and kills of the connector and of Qdrant, from a seed.

`make soak MINUTES=n` goes on for that long; SEED repeats the schedule of an earlier run.
"""

import os
import time
from collections.abc import Iterator
from random import Random

import pytest
from qdrant_client import QdrantClient

from connector.simulator import IndexSpec, Scenario, Simulator
from tests.command import Command
from tests.crash.random_schedule import Schedule
from tests.crash.watcher import Watcher
from tests.qdrant_server import QdrantServer

SEED = int(os.environ.get("SEED") or 20_260_301)
MINUTES = float(os.environ.get("MINUTES") or 5)
EVENTS_SHORT, EVENTS_LONG = 12, 30
LAST = 80
"""So many of the last events are in the message of a failure."""
SETTINGS = {
    "CONNECTOR_CONCURRENCY": "3",
    "CONNECTOR_MAX_DELETES": "1000000",
    "CONNECTOR_MAX_ATTEMPTS": "1000",
    "CONNECTOR_POLL_INTERVAL": "0.5s",
    "CONNECTOR_RECONCILE_INTERVAL": "1s",
    "CONNECTOR_REFRESH_INTERVAL": "30s",
    "CONNECTOR_DRAIN_TIMEOUT": "2s",
    "CONNECTOR_LOG_FORMAT": "json",
}


@pytest.fixture
def scenario() -> Scenario:
    """The first index has more than one page of assets, so that it can change between two pages."""
    return Scenario(
        seed=4,
        indexes=(
            IndexSpec(name="large", generate=54, duration=(8.0, 14.0)),
            IndexSpec(name="small", model="marengo2.7", generate=4, duration=(8.0, 14.0)),
        ),
    )


@pytest.fixture
def schedule(
    connector: Command, simulator: Simulator, server: QdrantServer, client: QdrantClient
) -> Iterator[Schedule]:
    command = Command(connector.directory, {**connector.settings, **SETTINGS})
    made = Schedule(Random(SEED), simulator, server, command, Watcher(client, simulator.control))  # noqa: S311  seeded
    try:
        yield made
    finally:
        if made.process:
            made.process.kill()
            made.process.communicate()


def run_round(schedule: Schedule, events: int) -> None:
    try:
        schedule.round(events)
    except BaseException as error:
        error.add_note(f"repeat it with: make soak SEED={SEED} MINUTES={MINUTES:g}")
        error.add_note(f"the last events: {', '.join(schedule.done[-LAST:])}")
        raise


def test_a_random_round(schedule: Schedule) -> None:
    run_round(schedule, EVENTS_SHORT)


@pytest.mark.soak
@pytest.mark.timeout(MINUTES * 60 + 600)
@pytest.mark.parametrize("seed", [SEED])
def test_random_rounds_for_minutes(seed: int, schedule: Schedule) -> None:
    """The name of the test shows the seed."""
    until = time.monotonic() + MINUTES * 60
    while time.monotonic() < until:
        run_round(schedule, EVENTS_LONG)
