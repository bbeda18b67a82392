"""The replicas that work on a ledger, and how each tells that it is alive."""

import json
import os
import socket
import uuid
from dataclasses import dataclass

from connector import __version__
from connector.domain.errors import LedgerUnavailable
from connector.ledger.database import Database, Transactions
from connector.ledger.ownership import LockHeld
from connector.ledger.postgres.lease import WHOLE_LEDGER, described
from connector.ledger.postgres.postgres_schema import VERSION

SILENT_SEC = 15
"""A replica that was silent for so long does not count. As long as a lease of an index."""
COMMAND = "run"
_JOIN = """
insert into replicas (replica_id, host, pid, command, version, is_member) values (?, ?, ?, ?, ?, true)
on conflict do nothing
"""
_BEAT = "update replicas set seen_at = clock_timestamp() where replica_id = ?"
IS_LIVE = f"is_member and seen_at > clock_timestamp() - interval '{SILENT_SEC} seconds'"
_LIVE = f"""
select replica_id, host, pid, version, extract(epoch from started_at)::double precision,
    extract(epoch from clock_timestamp() - seen_at)::double precision
from replicas where {IS_LIVE} order by started_at, replica_id
"""  # noqa: S608  literals of this module
_ABANDON = f"""
update orders set state = 'abandoned', result = ?
where state = 'running' and taken_by is not null
and not exists (select from replicas where replica_id = taken_by and {IS_LIVE})
"""  # noqa: S608  the same


@dataclass(frozen=True, slots=True)
class Member:
    """`beat_sec`: how long ago it said that it is alive; `started_at` is in seconds since the epoch."""

    replica_id: str
    host: str
    pid: int
    version: str
    started_at: float
    beat_sec: float


class Members:
    def __init__(self, transactions: Transactions, replica_id: str) -> None:
        self._transactions, self._replica_id = transactions, replica_id

    async def join(self) -> None:
        """Work on the ledger from now on. Raises LockHeld while a command owns the whole ledger."""
        facts = (self._replica_id, socket.gethostname(), os.getpid(), COMMAND, __version__)

        async def work(db: Database) -> None:
            await db.execute("select pg_advisory_xact_lock(lease_key(?))", (WHOLE_LEDGER,))
            if owner := await described(db):
                cause = f"it belongs to {owner}"
                raise LockHeld("lock ledger", self._transactions.place, cause, "Wait until it ends")
            await db.execute(_JOIN, facts)

        await self._transactions.run("write", work)

    async def beat(self) -> bool:
        """Say that this replica is alive. False if others believed it dead, and removed it."""
        found = await self._transactions.run("write", lambda db: db.execute(_BEAT, (self._replica_id,)))
        return found.rowcount > 0

    async def take_jobs_as(self, manager_id: uuid.UUID) -> None:
        """PgQueuer knows the worker of a job by this id: whose is not that of a live replica is dead."""
        query, values = "update replicas set takes_jobs_as = ? where replica_id = ?", (manager_id, self._replica_id)
        await self._transactions.run("write", lambda db: db.execute(query, values))

    async def is_outdated(self) -> bool:
        """True if a newer release has migrated the ledger."""

        async def work(db: Database) -> bool:
            (version,) = (await db.execute("select version from ledger_version")).fetchone()
            return bool(version > VERSION)

        return await self._transactions.run("read", work)

    def outdated(self) -> LedgerUnavailable:
        cause = "a newer release has migrated it while this process ran"
        return LedgerUnavailable("use ledger", self._transactions.place, cause, "Start that release instead")

    async def leave(self) -> None:
        query = "delete from replicas where replica_id = ?"
        await self._transactions.run("write", lambda db: db.execute(query, (self._replica_id,)))

    async def live(self) -> list[Member]:
        """The oldest first."""

        async def work(db: Database) -> list[Member]:
            return [Member(*row) for row in await db.execute(_LIVE)]

        return await self._transactions.run("read", work)

    async def forget_dead(self) -> None:
        """Abandon the commands of dead replicas, and remove what is left of them after an hour."""

        async def work(db: Database) -> None:
            await db.execute(_ABANDON, (json.dumps({"begun": True}),))
            await db.execute(
                "delete from replicas where seen_at < clock_timestamp() - interval '1 hour'"
                " and replica_id not in (select replica_id from leases)"
            )

        await self._transactions.run("write", work)
