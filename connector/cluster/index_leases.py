"""Leases of indexes: which replica plans and deletes for an index. They end by the clock of the database.

Each take-over counts the epoch up. A write proves its epoch in its own transaction, so a replica that was paused longer
than its lease cannot write any more.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from connector.cluster.asset_claim import LeaseLost
from connector.ledger.database import Database, Transactions
from connector.ledger.postgres.cluster_tables import index_lease, index_of_lease

LEASE_SEC = 15.0
_EARLY_SEC = 2.0
"""By its own clock, a replica stops this much before its lease ends."""
_MAY_TAKE = """
select pg_try_advisory_xact_lock(lease_key(?1)) and not exists (
    select from leases where name = 'ledger' and expires_at > clock_timestamp()
)
"""
_TAKE = """
insert into leases values (?1, 1, ?2, clock_timestamp() + make_interval(secs => ?3))
on conflict (name) do update set
    epoch = leases.epoch + 1, replica_id = excluded.replica_id, expires_at = excluded.expires_at
where leases.expires_at <= clock_timestamp() or leases.replica_id = excluded.replica_id
returning epoch
"""
_RENEW = """
update leases set expires_at = clock_timestamp() + make_interval(secs => ?3)
where replica_id = ?1 and name = any(?2::text[]) returning name, epoch
"""
_RELEASE = "update leases set expires_at = clock_timestamp() where name = ?1 and replica_id = ?2 and epoch = ?3"
_FREE = """
select wanted.name from unnest(?1::text[]) as wanted(name) left join leases on leases.name = wanted.name
where leases.name is null or leases.expires_at <= clock_timestamp() order by wanted.name
"""


@dataclass(frozen=True, slots=True)
class HeldLease:
    """`until` is a monotonic time, in seconds."""

    epoch: int
    until: float


class IndexLeases:
    """Those that this replica holds, by index id."""

    def __init__(
        self, transactions: Transactions, replica_id: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._transactions, self.replica_id, self._clock = transactions, replica_id, clock
        self._held: dict[str, HeldLease] = {}

    @property
    def held(self) -> Mapping[str, HeldLease]:
        return MappingProxyType(self._held)

    def epoch_of(self, index_id: str) -> int:
        """Raises LeaseLost if this replica does not hold it, or cannot be sure any more."""
        lease = self._held.get(index_id)
        if lease is None or self._clock() >= lease.until:
            raise LeaseLost(index_id)
        return lease.epoch

    async def prove(self, db: Database, index_id: str) -> None:
        """Within a transaction: raises LeaseLost, else nobody takes the lease until the transaction ends."""
        values = (index_lease(index_id), self.replica_id, self.epoch_of(index_id))
        (owner,) = (await db.execute("select fence(?, ?, ?)", values)).fetchone()
        if owner is not None:
            raise LeaseLost(index_id)

    async def free(self, index_ids: list[str]) -> list[str]:
        """Those whose lease nobody holds, sorted."""

        async def work(db: Database) -> list[str]:
            return [name for (name,) in await db.execute(_FREE, ([index_lease(it) for it in index_ids],))]

        return [str(index_of_lease(name)) for name in await self._transactions.run("read", work)]

    async def take(self, index_id: str) -> bool:
        """False if another replica holds it, or a command has the whole ledger."""
        name, asked = index_lease(index_id), self._clock()

        async def work(db: Database) -> int | None:
            await db.execute("select pg_advisory_xact_lock_shared(lease_key('ledger'))")
            if not (await db.execute(_MAY_TAKE, (name,))).fetchone()[0]:
                return None
            row = (await db.execute(_TAKE, (name, self.replica_id, LEASE_SEC))).fetchone()
            return row[0] if row else None

        epoch = await self._transactions.run("write", work)
        if epoch is not None:
            self._held[index_id] = HeldLease(epoch, asked + LEASE_SEC - _EARLY_SEC)
        return epoch is not None

    async def renew(self) -> list[str]:
        """Renew all; forget and return those that were lost."""
        asked, before = self._clock(), dict(self._held)
        names = [index_lease(index_id) for index_id in before]

        async def work(db: Database) -> dict[str | None, int]:
            rows = await db.execute(_RENEW, (self.replica_id, names, LEASE_SEC))
            return {index_of_lease(name): epoch for name, epoch in rows}

        epochs = await self._transactions.run("write", work) if names else {}
        lost = [index_id for index_id, lease in before.items() if epochs.get(index_id) != lease.epoch]
        for index_id in lost:
            self._held.pop(index_id, None)
        for index_id in before.keys() & self._held.keys():
            self._held[index_id] = HeldLease(before[index_id].epoch, asked + LEASE_SEC - _EARLY_SEC)
        return lost

    def forget_expired(self) -> list[str]:
        """Forget and return those that could not be renewed in time."""
        expired = [index_id for index_id, lease in self._held.items() if self._clock() >= lease.until]
        for index_id in expired:
            del self._held[index_id]
        return expired

    async def release(self, index_id: str) -> None:
        """Another replica may take it at once. Does nothing if this replica does not hold it."""
        lease = self._held.pop(index_id, None)
        if lease:
            values = (index_lease(index_id), self.replica_id, lease.epoch)
            await self._transactions.run("write", lambda db: db.execute(_RELEASE, values))
