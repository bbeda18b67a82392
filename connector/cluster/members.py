"""The replicas that work on a ledger, and how each tells that it is alive."""

import json
import os
import socket
import uuid
from dataclasses import dataclass

from connector import __version__
from connector.domain.endpoints import Endpoints
from connector.domain.errors import ConfigError, LedgerUnavailable
from connector.ledger.database import Database, Transactions
from connector.ledger.ownership import LockHeld
from connector.ledger.postgres.lease import WHOLE_LEDGER, described
from connector.ledger.postgres.postgres_schema import VERSION

SILENT_SEC = 15
"""A replica that was silent for so long does not count. As long as a lease of an index."""
GONE_SEC = 45
"""Replicas with other endpoints may join when the others were silent for so long while PostgreSQL was running."""
COMMAND = "run"
_JOIN = """
insert into replicas (replica_id, host, pid, command, version, is_member, live, takes_jobs_as)
values (?, ?, ?, ?, ?, true, ?, ?)
on conflict (replica_id) do update set seen_at = clock_timestamp()
"""
IS_LIVE = f"is_member and seen_at > clock_timestamp() - interval '{SILENT_SEC} seconds'"
_BEAT = f"update replicas set seen_at = clock_timestamp() where replica_id = ? and {IS_LIVE}"  # noqa: S608  literals
_SAID = """
select replica_id, host, pid, live::json ->> 'source', live::json ->> 'sink', live::json ->> 'state',
    live::json ->> 'cannot_work' is null
from replicas
"""
_LIVE = f"{_SAID} where {IS_LIVE} order by started_at, replica_id"
_NOT_GONE = f"""
{_SAID} where is_member and greatest(seen_at, pg_postmaster_start_time())
    > clock_timestamp() - interval '{GONE_SEC} seconds'
"""
_ABANDON = f"""
update orders set state = 'abandoned', result = ?
where state = 'running' and taken_by is not null
and not exists (select from replicas where replica_id = taken_by and {IS_LIVE})
"""  # noqa: S608  the same


@dataclass(frozen=True, slots=True)
class Member:
    """A live replica, and what it said last; None: an earlier release, or nothing yet."""

    replica_id: str
    host: str
    pid: int
    source: str | None
    sink: str | None
    state: str | None
    can_work: bool

    @property
    def shown(self) -> dict[str, object]:
        """As `Endpoints.shown`."""
        return {"source": self.source, "sink": self.sink}


class OtherEndpoints(ConfigError):
    """Other replicas of the ledger work with another Qdrant or another API."""


class Members:
    """`endpoints` are those of this replica."""

    def __init__(self, transactions: Transactions, replica_id: str, endpoints: Endpoints) -> None:
        self._transactions, self._replica_id, self._endpoints = transactions, replica_id, endpoints
        self._takes_jobs_as: uuid.UUID | None = None

    async def join(self) -> None:
        """Work on the ledger from now on, also after a silence.

        Raises LockHeld while a command owns the whole ledger, and OtherEndpoints while replicas with other endpoints
        are there. After an outage of PostgreSQL all are silent, and the first one must not displace the others.
        """
        says = {"state": "starting", "pid": os.getpid(), "indexes": {}, **self._endpoints.shown}
        facts = (self._replica_id, socket.gethostname(), os.getpid(), COMMAND, __version__, json.dumps(says))

        async def work(db: Database) -> None:
            await db.execute("select pg_advisory_xact_lock(lease_key(?))", (WHOLE_LEDGER,))
            if owner := await described(db):
                cause = f"it belongs to {owner}"
                raise LockHeld("lock ledger", self._transactions.place, cause, "Wait until it ends")
            for other in await _members(db, _NOT_GONE):
                if other.replica_id != self._replica_id:
                    self._compare(other)
            await db.execute(_JOIN, (*facts, self._takes_jobs_as))

        await self._transactions.run("write", work)

    def _compare(self, other: Member) -> None:
        if differs := self._endpoints.difference(other.shown):
            who = f"the replica on {other.host}, process {other.pid}, works with {differs.other}"
            advice = (
                f"All replicas must have the same {differs.setting}: correct it here, or stop the other replicas first"
            )
            raise OtherEndpoints("join replicas with", differs.own, who, advice)

    async def beat(self) -> bool:
        """Say that this replica is alive. False if it was silent for so long that others believe it dead."""
        found = await self._transactions.run("write", lambda db: db.execute(_BEAT, (self._replica_id,)))
        return found.rowcount > 0

    async def take_jobs_as(self, manager_id: uuid.UUID) -> None:
        """PgQueuer knows the worker of a job by this id: whose is not that of a live replica is dead."""
        self._takes_jobs_as = manager_id
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
        return await self._transactions.run("read", lambda db: _members(db, _LIVE))

    async def forget_dead(self) -> None:
        """Abandon the commands of dead replicas, and remove what is left of them after an hour."""

        async def work(db: Database) -> None:
            await db.execute(_ABANDON, (json.dumps({"begun": True}),))
            await db.execute(
                "delete from replicas where seen_at < clock_timestamp() - interval '1 hour'"
                " and replica_id not in (select replica_id from leases)"
            )

        await self._transactions.run("write", work)


async def _members(db: Database, query: str) -> list[Member]:
    return [Member(*row) for row in await db.execute(query)]
