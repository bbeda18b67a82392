"""Four daemons on one ledger: killed, paused longer than a lease, their servers restarted, while the source changes.

The invariants I1 to I6 of the design are looked at on the way and at the end.
"""

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from qdrant_client import QdrantClient

from connector.cluster.index_leases import LEASE_SEC
from connector.simulator import IndexSpec, Scenario, Simulator
from tests.cluster.fleet import Fleet, fleet_of
from tests.cluster.history import begin_history, deleted, take_overs
from tests.cluster.ledger_facts import is_equal, is_settled, rows
from tests.cluster.watching import check_truth, most_within, repeated, revisions, watched
from tests.command import Command
from tests.e2e.daemon import Running
from tests.postgres_server import PostgresServer
from tests.qdrant_server import QdrantServer
from tests.waiting import wait_until

REPLICAS, CONCURRENCY, PER_MINUTE, MAX_DELETES = 4, 4, 300, 3
SLOW_SEC, TAKE_OVER_SEC = 180, 2.0
RETRIEVE = "GET /indexes/*/indexed-assets/*"
HOLDERS = "select name, pid from leases join replicas using (replica_id) where expires_at > clock_timestamp()"
WORKERS = "select distinct pid from pgqueuer join replicas on takes_jobs_as = queue_manager_id where status = 'picked'"
ORPHANS = """
select id from pgqueuer where status = 'picked' and queue_manager_id not in (
    select takes_jobs_as from replicas where takes_jobs_as is not null
    and seen_at > clock_timestamp() - interval '15 seconds'
)
"""
APPLIED = "select indexed_asset_id from checkpoints where points > 0 and index_id = '{}'"
CYCLES = "select id from cycles where kind = 'full cycle' and index_id = '{}'"

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(
        seed=8,
        indexes=(
            IndexSpec(name="large", generate=120, duration=(8.0, 14.0)),
            IndexSpec(name="small", model="marengo2.7", generate=12, duration=(8.0, 14.0)),
        ),
    )


@pytest.fixture
def database(new_postgres: Callable[..., PostgresServer]) -> PostgresServer:
    return new_postgres()


@pytest.fixture
def fleet(connector: Command, database: PostgresServer) -> Iterator[Fleet]:
    settings = {
        "CONNECTOR_REQUESTS_PER_MINUTE": str(PER_MINUTE),
        "CONNECTOR_CONCURRENCY": str(CONCURRENCY),
        "CONNECTOR_MAX_ATTEMPTS": "100",
        "CONNECTOR_MAX_DELETES": str(MAX_DELETES),
    }
    with fleet_of(connector, database.url, **settings) as made:
        yield made


@dataclass(slots=True)
class Storm:
    """What happens to the replicas, their servers and their source, and what must hold meanwhile."""

    fleet: Fleet
    database: PostgresServer
    qdrant: QdrantServer
    simulator: Simulator
    client: QdrantClient
    removed: set[tuple[str, str]] = field(default_factory=set)
    changed: list[str] = field(default_factory=list)

    @property
    def large(self) -> str:
        return self.simulator.control.index_ids[0]

    @property
    def small(self) -> str:
        return self.simulator.control.index_ids[1]

    def holder(self, index_id: str) -> Running | None:
        """The daemon that holds the lease of the index, if it is alive."""
        return self._with_pid({pid for name, pid in rows(self.database, HOLDERS) if name == f"index {index_id}"})

    def worker(self) -> Running | None:
        """One that has jobs in hand, and plans for no index."""
        holders = {pid for _, pid in rows(self.database, HOLDERS)}
        return self._with_pid({pid for (pid,) in rows(self.database, WORKERS)} - holders)

    def _with_pid(self, pids: set[object]) -> Running | None:
        return next((it for it in self.fleet.daemons if it.process.pid in pids), None)

    def change_the_source(self) -> None:
        """One asset comes, one that has points goes, and one changes."""
        control = self.simulator.control
        control.advance(1.0)
        first, *others = control.asset_ids(self.large)
        wait_until(lambda: bool(self.applied() & set(others)), SLOW_SEC, "one has points")
        gone = min(self.applied() & set(others))
        self.removed.add((self.large, gone))
        control.delete_asset(self.large, gone)
        self.changed.append(first)
        control.update_asset(self.large, first, duration=15.0 + len(self.changed))
        control.add_asset(self.large, f"added-{len(self.changed)}.mp4", duration=9.0)

    def applied(self) -> set[str]:
        """Assets of the large index with points."""
        return {str(name) for (name,) in rows(self.database, APPLIED.format(self.large))}

    def retrieved(self) -> Counter[str]:
        """Asset -> how often its vectors were asked for."""
        calls = self.simulator.control.requests.matching(RETRIEVE)
        return Counter(it.path.rpartition("/")[2] for it in calls if "embedding_option" in it.query)

    def check_retrieved_again(self, most: int) -> None:
        """I6: what was in hand, and no more."""
        versions = {name: 1 + count for name, count in Counter(self.changed).items()}
        assert repeated(self.retrieved(), versions) <= most

    def wait_for_work(self, assets: int) -> None:
        wait_until(lambda: len(self.retrieved()) >= assets, SLOW_SEC, f"they have retrieved {assets} assets")

    def kill_a_worker(self) -> None:
        wait_until(lambda: self.worker() is not None, SLOW_SEC, "one that plans nothing has jobs")
        worker = self.worker()
        assert worker
        self.fleet.kill(worker)
        check_truth(self.fleet, self.database, self.client)
        self.change_the_source()
        self.fleet.start()
        wait_until(lambda: rows(self.database, ORPHANS) == [], SLOW_SEC, "others have taken its jobs")
        self.check_retrieved_again(CONCURRENCY)

    def kill_the_holder(self) -> None:
        killed = self.holder(self.large)
        assert killed
        self.fleet.kill(killed)
        check_truth(self.fleet, self.database, self.client)
        self.change_the_source()
        wait_until(lambda: self.holder(self.large) is not None, SLOW_SEC, "another replica has taken over")
        self.fleet.start()
        self.check_retrieved_again(CONCURRENCY + CONCURRENCY * REPLICAS)

    def restart_qdrant(self) -> None:
        self.qdrant.kill()
        self.change_the_source()
        self.qdrant.start()
        check_truth(self.fleet, self.database, self.client)

    def pause_the_holder_while_postgres_crashes(self) -> None:
        paused = self.holder(self.large)
        assert paused
        self.fleet.pause(paused)
        self.database.stop(signal.SIGQUIT)
        self.database.start()

        def taken() -> bool:
            return (it := self.holder(self.large)) is not None and it is not paused

        wait_until(taken, SLOW_SEC, "another replica has taken over from the paused one")
        self.fleet.resume(paused)
        self.change_the_source()

    def restart_postgres(self) -> None:
        self.database.stop(signal.SIGINT)
        self.database.start()
        self.change_the_source()

    def blow(self) -> None:
        self.fleet.start(REPLICAS)
        self.wait_for_work(8)
        self.kill_a_worker()
        self.kill_the_holder()
        self.wait_for_work(100)
        self.restart_qdrant()
        self.pause_the_holder_while_postgres_crashes()
        self.restart_postgres()
        wait_until(lambda: is_settled(self.database, self.simulator), SLOW_SEC, "nothing is left to do")

    def refuse_many_deletes(self) -> set[str]:
        """I5: what is withheld is not deleted, whoever plans. Returns the assets."""
        control = self.simulator.control
        gone = set(control.asset_ids(self.small)[: MAX_DELETES + 2])
        for name in gone:
            control.delete_asset(self.small, name)
        wait_until(lambda: self.withheld() == len(gone), SLOW_SEC, "the deletes are withheld")
        killed = self.holder(self.small)
        assert killed
        self.fleet.kill(killed)
        wait_until(lambda: self.holder(self.small) is not None, SLOW_SEC, "another replica has taken over")
        before = self.cycles()
        wait_until(lambda: len(self.cycles() - before) > 1, SLOW_SEC, "it has made plans of its own")
        return gone

    def withheld(self) -> int:
        entries = self.fleet.run("status", "--json").json["indexes"]
        return next(int(it["withheld"]) for it in entries if it["index_id"] == self.small)

    def cycles(self) -> set[tuple[object, ...]]:
        """The full cycles of the small index."""
        return set(rows(self.database, CYCLES.format(self.small)))

    def with_points(self) -> set[str]:
        return {name for index_id, name in revisions(self.client) if index_id == self.small}


def check_rate(arrived: list[float]) -> None:
    """In every second of the simulator's clock: the limit, and one turn that each replica has reserved."""
    assert most_within(1.0, arrived) <= PER_MINUTE / 60 + REPLICAS


def check_take_overs(database: PostgresServer) -> None:
    """Of the killed holder and of the paused one, by the clock of the database."""
    found = take_overs(database)
    assert len(found) >= 2
    assert max(it.early_sec for it in found) <= 0, "no lease was taken before it ended"
    assert max(it.silent_sec for it in found) <= LEASE_SEC + TAKE_OVER_SEC, found


def test_kills_pauses_and_restarts_lose_nothing(
    fleet: Fleet, database: PostgresServer, server: QdrantServer, simulator: Simulator, client: QdrantClient
) -> None:
    requests, storm = simulator.control.requests, Storm(fleet, database, server, simulator, client)
    assert fleet.run("ledger", "migrate").code == 0
    begin_history(database)
    with watched(client, simulator) as watch:
        storm.blow()
    arrived = [it.arrived for it in requests]
    check_rate(arrived)
    wait_until(lambda: is_equal(client, simulator), SLOW_SEC, "I1: every point is as the source says")
    check_truth(fleet, database, client)
    check_take_overs(database)
    assert watch.looks > 0
    assert watch.lost == set(), "I3: these are listed and lost their points"
    assert deleted(database) == storm.removed
    assert len(fleet.cluster()["replicas"]) == REPLICAS

    again = fleet.run("sync", "--json")
    assert again.code == 0, again.stderr
    for report in again.json["indexes"]:
        written = {key: report[key] for key in ("upserted", "refreshed", "deleted", "points_written")}
        assert not any(written.values()), f"I4: nothing was left to write, but {written}"
    verified = fleet.run("verify", "--json")
    assert verified.code == 0, verified.stdout + verified.stderr

    gone = storm.refuse_many_deletes()
    assert gone <= storm.with_points()
    assert deleted(database) == storm.removed
    assert [daemon.stop().code for daemon in fleet.daemons] == [0] * (REPLICAS - 1)
    logs = [record for daemon in fleet.daemons for record in daemon.records()]
    assert not [record for record in logs if "crashed" in record["event"]]
