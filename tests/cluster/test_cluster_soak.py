"""Long runs with four daemons, whose clocks are up to two years apart: random kills, pauses and restarts from a seed.

`make soak MINUTES=n` goes on for that long; SEED repeats the schedule of an earlier run.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random

import pytest
from qdrant_client import QdrantClient

from connector.simulator import IndexSpec, Scenario, Simulator
from tests.cluster.fleet import Fleet, fleet_of
from tests.cluster.ledger_facts import is_equal, is_settled, rows
from tests.command import Command
from tests.postgres_server import PostgresServer
from tests.waiting import wait_until

SEED = int(os.environ.get("SEED") or 20_260_301)
MINUTES = float(os.environ.get("MINUTES") or 5)
REPLICAS, SLOW_SEC, WORKS_SEC = 4, 180, 1.5
DAY_SEC = 86_400
CLOCK_OFFSETS = (0, 30, -30, 3 * 3600, -2 * DAY_SEC, 365 * DAY_SEC, -365 * DAY_SEC)
LIVE = "select pid from replicas where seen_at > clock_timestamp() - interval '16 seconds'"

pytestmark = [pytest.mark.soak, pytest.mark.timeout(MINUTES * 60 + 900)]


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(
        seed=4,
        indexes=(
            IndexSpec(name="large", generate=54, duration=(8.0, 14.0)),
            IndexSpec(name="small", model="marengo2.7", generate=8, duration=(8.0, 14.0)),
        ),
    )


@pytest.fixture
def database(new_postgres: Callable[..., PostgresServer]) -> PostgresServer:
    return new_postgres()


@pytest.fixture
def fleet(connector: Command, database: PostgresServer) -> Iterator[Fleet]:
    settings = {"CONNECTOR_REQUESTS_PER_MINUTE": "1800", "CONNECTOR_MAX_DELETES": "1000000"}
    with fleet_of(connector, database.url, **settings) as made:
        made.module = "tests.e2e.stepped_daemon"
        yield made


class Storm:
    """What may happen to the replicas, to PostgreSQL and to the source."""

    def __init__(self, random: Random, fleet: Fleet, database: PostgresServer, simulator: Simulator) -> None:
        self.random, self.fleet, self.database, self.control = random, fleet, database, simulator.control
        self.done = list[str]()

    def start(self) -> None:
        """As many as are missing, each with a clock of its own."""
        while len(self.fleet.daemons) < REPLICAS:
            self.fleet.start(CLOCK_OFFSET_SEC=str(self.random.choice(CLOCK_OFFSETS)))

    def kill(self) -> None:
        self.fleet.kill(self.random.choice(self.fleet.daemons))

    def stop(self) -> None:
        daemon = self.random.choice(self.fleet.daemons)
        assert daemon.stop().code == 0
        self.fleet.daemons.remove(daemon)

    def pause(self) -> None:
        daemon = self.random.choice(self.fleet.daemons)
        self.fleet.pause(daemon)
        if self.random.random() < 0.6:
            silent = lambda: (daemon.process.pid,) not in rows(self.database, LIVE)  # noqa: E731
            wait_until(silent, SLOW_SEC, "all believe that it is dead")
        else:
            self.let_them_work()
        self.fleet.resume(daemon)

    def let_them_work(self) -> None:
        """Until they have sent some requests, or have nothing to do."""
        total = self.control.requests.total + self.random.randint(1, 40)
        with suppress(TimeoutError):
            wait_until(lambda: self.control.requests.total >= total, WORKS_SEC, "they work")

    def restart_postgres(self) -> None:
        self.database.stop(self.random.choice([signal.SIGINT, signal.SIGQUIT]))
        self.database.start()

    def add(self) -> None:
        self.control.add_asset(self.any_index(), f"added-{len(self.done)}.mp4", duration=9.0)

    def remove(self) -> None:
        index_id = self.any_index()
        assets = self.control.asset_ids(index_id)
        if len(assets) > 4:
            self.control.delete_asset(index_id, self.random.choice(assets[1:]))

    def change(self) -> None:
        index_id = self.any_index()
        asset_id = self.random.choice(self.control.asset_ids(index_id))
        self.control.update_asset(index_id, asset_id, duration=self.random.uniform(8.0, 20.0))

    def any_index(self) -> str:
        return self.random.choices(self.control.index_ids, [3, 1])[0]

    def blow(self, events: int) -> None:
        kinds = {"kill": 2, "stop": 1, "pause": 2, "restart_postgres": 1, "add": 5, "remove": 4, "change": 5}
        for name in self.random.choices(list(kinds), list(kinds.values()), k=events):
            self.control.advance(1.0)
            self.done.append(name)
            getattr(self, name)()
            self.let_them_work()
            self.start()


@pytest.mark.parametrize("seed", [SEED])
def test_storms_lose_nothing(
    seed: int, fleet: Fleet, database: PostgresServer, simulator: Simulator, client: QdrantClient
) -> None:
    storm = Storm(Random(seed), fleet, database, simulator)  # noqa: S311  seeded
    storm.start()
    until = time.monotonic() + MINUTES * 60
    while time.monotonic() < until:
        try:
            storm.blow(14)
            wait_until(lambda: is_settled(database, simulator), SLOW_SEC, "nothing is left to do")
            with suppress(TimeoutError):
                wait_until(lambda: is_equal(client, simulator), SLOW_SEC, "every point is as the source says")
            assert is_equal(client, simulator, loudly=True)
        except BaseException as error:
            error.add_note(f"seed {seed}, events: {', '.join(storm.done[-60:])}")
            raise
    assert fleet.run("verify", "--json").code == 0
