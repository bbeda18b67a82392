"""Replicas as objects in one process over a real PostgreSQL, and a sink that shows every half-done write.

The order of their steps is the test's: a replica may be paused between any two of them, for any time.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from connector.cluster.asset_claim import CLAIM, AssetBusy, AssetClaim, Fenced, LeaseLost
from connector.cluster.fenced_store import FencedStore, dedupe_key
from connector.cluster.index_leases import IndexLeases
from connector.domain.ledger_model import Checkpoint
from connector.domain.ledger_place import LedgerPlace
from connector.ledger.database import Work
from connector.ledger.ledger_opening import open_transactions
from tests.builders import COLLECTION, applied

T = TypeVar("T")

INDEX = "index-a"
NOW = 1_800_000_000.0


class UnfencedStore(FencedStore):
    """The control: the same writes, of which none proves that it may still be made."""

    async def _run(self, operation: str, work: Work[T]) -> T:
        return await self._transactions.run(operation, work)


class Replica:
    """Its own clock stands still, so it never notices by itself that its lease has ended."""

    def __init__(
        self, url: str, name: str, kind: type[FencedStore] = FencedStore, clock: Callable[[], float] = lambda: 0.0
    ) -> None:
        self.transactions = open_transactions(LedgerPlace(Path("unused"), url))
        self.leases = IndexLeases(self.transactions, name, clock)
        self.store = kind(self.transactions, self.leases)


@dataclass(slots=True)
class Points:
    """The revisions that the sink holds of each asset."""

    held: dict[str, set[str]] = field(default_factory=dict)

    def of(self, asset: str) -> set[str]:
        return self.held.setdefault(asset, set())


@dataclass(slots=True)
class Job:
    """An upsert at one replica: it wrote `steps` of its steps."""

    replica: Replica
    asset: str
    revision: str
    claim: AssetClaim
    steps: int = 0
    has_ended: bool = False

    async def step(self, points: Points) -> None:
        """Its next step. Fenced, it opens the row again if it may have written points."""
        try:
            with acting(self.claim):
                await self._step(points)
        except Fenced:
            self.has_ended = True
            if self.claim.touched:
                await self.replica.store.reopen_touched(self.claim)

    async def _step(self, points: Points) -> None:
        store, held = self.replica.store, points.of(self.asset)
        if self.steps == 0:
            await store.begin(INDEX, self.asset, NOW, lambda _: self.revision)
        elif self.steps == 1:
            await store.open(INDEX, self.asset, [COLLECTION])
        elif self.steps == 2:
            held.add(self.revision)
        elif self.steps == 3:
            held.intersection_update({self.revision})
        else:
            await store.record(INDEX, self.asset, applied(revision=self.revision, points=1))
            self.has_ended = True
        self.steps += 1


@dataclass(slots=True)
class Deletion:
    """A delete by a replica that holds the lease, or thinks so."""

    replica: Replica
    asset: str
    steps: int = 0
    has_ended: bool = False

    async def step(self, points: Points) -> None:
        store = self.replica.store
        try:
            if self.steps == 0:
                await store.open(INDEX, self.asset, [COLLECTION])
            elif self.steps == 1:
                points.of(self.asset).clear()
            else:
                await store.forget(INDEX, self.asset, NOW)
                self.has_ended = True
        except (LeaseLost, AssetBusy):
            self.has_ended = True
        self.steps += 1


@contextmanager
def acting(claim: AssetClaim) -> Iterator[None]:
    before = CLAIM.set(claim)
    try:
        yield
    finally:
        CLAIM.reset(before)


def new_job(replica: Replica, asset: str, revision: str, epoch: int) -> Job:
    return Job(replica, asset, revision, AssetClaim(INDEX, asset, epoch, secrets.token_hex(8)))


class Outside:
    """What nobody but the database knows: the current epoch, and outstanding jobs."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)

    def close(self) -> None:
        self._connection.close()

    def execute(self, statement: str) -> None:
        self._connection.execute(statement.encode())

    def value(self, query: str) -> Any:
        """The only one that the query finds."""
        row = self._connection.execute(query.encode()).fetchone()
        assert row
        return row[0]

    def clear(self) -> None:
        for table in ("checkpoints", "deletes", "totals", "leases", "pgqueuer", "outcomes"):
            self._connection.execute(f"delete from {table}".encode())  # noqa: S608  literals

    def expire(self) -> None:
        """As if the holder had been silent for longer than the lease."""
        self._connection.execute("update leases set expires_at = clock_timestamp() - interval '1 second'")

    def own_whole_ledger(self) -> None:
        """As a command does that nobody shares the ledger with."""
        self._connection.execute(
            "insert into leases values ('ledger', 1, 'command', clock_timestamp() + interval '1 minute')"
        )

    def epoch(self) -> int:
        row = self._connection.execute("select epoch from leases where name = %s", (f"index {INDEX}",)).fetchone()
        return int(row[0]) if row else 0

    def submit(self, asset: str) -> None:
        """A job of the asset is outstanding."""
        self._connection.execute(
            "insert into pgqueuer (priority, status, entrypoint, dedupe_key) values (0, 'picked', 'asset', %s)"
            " on conflict do nothing",
            (dedupe_key(INDEX, asset),),
        )

    def finish(self, asset: str) -> None:
        self._connection.execute("delete from pgqueuer where dedupe_key = %s", (dedupe_key(INDEX, asset),))


def check_truth(rows: dict[str, Checkpoint], points: Points) -> None:
    """While nobody works: every point has a row, and a closed row states exactly what the sink holds."""
    for asset, held in points.held.items():
        row = rows.get(asset)
        assert row or not held, f"{asset} has points {held} and no row"
        if row and not row.opened:
            stated = {row.applied.revision} if row.applied else set[str]()
            assert held == stated, f"the row of {asset} states {stated}, but the sink holds {held}"
