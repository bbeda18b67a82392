"""The lease of the process that owns the ledger in PostgreSQL. It ends by the clock of the database.

Every take-over counts the epoch of the lease up. A write proves that the lease has its epoch still, under a lock that a
take-over waits for: a process that was taken over, and does not know it, cannot write any more.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psycopg
import structlog

from connector import __version__
from connector.domain.errors import LedgerUnavailable
from connector.ledger.database import Database
from connector.ledger.ownership import LockHeld, described_owner
from connector.ledger.postgres import postgres_migration
from connector.ledger.postgres.address import PostgresAddress
from connector.ledger.postgres.inspection import refuse_transaction_pooling
from connector.ledger.postgres.postgres_errors import translated
from connector.ledger.postgres.postgres_session import PostgresConnection, Session, connect

WHOLE_LEDGER = "ledger"
LEASE_SEC, RENEWAL_SEC, _RECONNECT_SEC = 10.0, 2.5, 0.5
_BUSY_SEC = 10.0
_OWNER = """
select leases.replica_id, leases.epoch, leases.expires_at > clock_timestamp(), command, pid, host,
    extract(epoch from leases.expires_at - clock_timestamp())::double precision
from leases left join replicas on replicas.replica_id = leases.replica_id where name = ?
"""
_TAKE = """
insert into leases values (?1, 1, ?2, clock_timestamp() + make_interval(secs => ?3))
on conflict (name) do update set
    epoch = leases.epoch + 1, replica_id = excluded.replica_id, expires_at = excluded.expires_at
returning epoch
"""
_RENEW = """
update leases set expires_at = clock_timestamp() + make_interval(secs => ?4)
where name = ?1 and replica_id = ?2 and epoch = ?3
"""
_REGISTER = "insert into replicas (replica_id, host, pid, command, version) values (?, ?, ?, ?, ?)"
_MEMBER = """
select command, pid, host from replicas
where is_member and seen_at > clock_timestamp() - interval '15 seconds' order by seen_at desc limit 1
"""
_FENCE_MEMBERS = """
with gone as (select name, pg_advisory_xact_lock(lease_key(name)) from leases where name <> 'ledger')
update leases set epoch = epoch + 1, replica_id = '', expires_at = clock_timestamp() from gone
where leases.name = gone.name
"""
"""A replica that was paused for long, and goes on, must not write beside the command that owns the ledger now."""
_FORGET_OLD = """
delete from replicas where seen_at < clock_timestamp() - interval '1 hour'
and replica_id not in (select replica_id from leases)
"""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Lease:
    """One holder of a lease. `lost` is set when another one has taken over."""

    place: str
    replica_id: str
    epoch: int
    name: str = WHOLE_LEDGER
    lost: asyncio.Event = field(default_factory=asyncio.Event)

    async def prove(self, database: Database) -> None:
        """Within a transaction: raises LedgerUnavailable if the lease was lost, else nobody takes it until the end."""
        (owner,) = (
            await database.execute("select fence(?, ?, ?)", (self.name, self.replica_id, self.epoch))
        ).fetchone()
        if owner is not None:
            self.lost.set()
            raise self.error(await described(database, self.name))

    def error(self, owner: str | None) -> LedgerUnavailable:
        cause = f"this process lost the ledger to {owner}" if owner else "this process lost the ledger"
        advice = "Restart the connector; it may have been paused, or cut off from PostgreSQL"
        return LedgerUnavailable("write ledger", self.place, cause, advice)


async def described(database: Database, name: str = WHOLE_LEDGER) -> str | None:
    """The process that holds the lease, for messages; None if nobody holds it."""
    row = (await database.execute(_OWNER, (name,))).fetchone()
    if row is None or not row[2]:
        return None
    _, _, _, command, pid, host, _ = row
    return described_owner(command, pid, host) if command else "another process"


async def owning_command_of(address: PostgresAddress) -> str | None:
    """The command of the process that owns the ledger; None without an owner or a ledger. Raises LedgerUnavailable."""
    try:
        async with await connect(address, busy_sec=_BUSY_SEC, read_only=True) as session:
            if not await postgres_migration.version_of(session, address.schema):
                return None
            database = PostgresConnection(session)
            row = (await database.execute(_OWNER, (WHOLE_LEDGER,))).fetchone()
            member = (await database.execute(_MEMBER)).fetchone()
    except psycopg.Error as error:
        raise translated(error, "read", address.shown) from error
    if row and row[2]:
        return str(row[3] or "")
    return str(member[0]) if member else None


@asynccontextmanager
async def hold_lease(address: PostgresAddress, command: str) -> AsyncIterator[Lease]:
    """Hold the lease inside the block. Raises LockHeld, which names the owner, or LedgerUnavailable."""
    try:
        session = await connect(address, busy_sec=_BUSY_SEC)
        async with session:
            await refuse_transaction_pooling(session, address)
            await postgres_migration.migrate(session, address)
            lease = await _take(session, address, command)
    except psycopg.Error as error:
        raise translated(error, "lock", address.shown) from error
    failure = None
    try:
        async with asyncio.TaskGroup() as group:
            renewing = group.create_task(_renew(lease, address))
            try:
                yield lease
            except Exception as error:  # noqa: BLE001  raised again below
                failure = error  # raised in the group, it would become an exception group
            renewing.cancel()
    finally:
        await _give_back(lease, address)
    if failure:
        raise failure


async def _take(session: Session, address: PostgresAddress, command: str) -> Lease:
    database, replica_id = PostgresConnection(session), secrets.token_hex(16)
    async with session.transaction():
        await database.execute("select pg_advisory_xact_lock(lease_key(?))", (WHOLE_LEDGER,))
        row = (await database.execute(_OWNER, (WHOLE_LEDGER,))).fetchone()
        if row is not None and row[2]:
            owner = described_owner(*row[3:6]) if row[3] else "another process"
            advice = f"Wait until it ends; if it was killed, its lease ends in {row[6]:.0f} seconds"
            raise LockHeld("lock ledger", address.shown, f"it belongs to {owner}", advice)
        if (member := (await database.execute(_MEMBER)).fetchone()) is not None:
            owner, advice = described_owner(*member), "Stop all replicas, or give the command to them"
            raise LockHeld("lock ledger", address.shown, f"it belongs to {owner}", advice)
        await database.execute(_FENCE_MEMBERS)
        facts = (replica_id, socket.gethostname(), os.getpid(), command, __version__)
        await database.execute(_REGISTER, facts)
        (epoch,) = (await database.execute(_TAKE, (WHOLE_LEDGER, replica_id, LEASE_SEC))).fetchone() or (0,)
        await database.execute(_FORGET_OLD)
    return Lease(address.shown, replica_id, epoch)


async def _renew(lease: Lease, address: PostgresAddress) -> None:
    """Until the lease is lost. An outage of the database is no loss: nobody else can take over meanwhile."""
    told = False
    while not lease.lost.is_set():
        try:
            async with await connect(address, busy_sec=_BUSY_SEC) as session:
                while not lease.lost.is_set():
                    await _renew_once(lease, PostgresConnection(session))
                    if told:
                        log.warning("ledger.lease_recovered")
                    told = False
                    await asyncio.sleep(RENEWAL_SEC)
        except psycopg.Error as error:
            if not told:
                log.warning("ledger.lease_not_renewed", reason=str(translated(error, "renew lease of", lease.place)))
            told = True
            await asyncio.sleep(_RECONNECT_SEC)


async def _renew_once(lease: Lease, database: PostgresConnection) -> None:
    values = (lease.name, lease.replica_id, lease.epoch, LEASE_SEC)
    if (await database.execute(_RENEW, values)).rowcount:
        await database.execute(
            "update replicas set seen_at = clock_timestamp() where replica_id = ?", (lease.replica_id,)
        )
        return
    lease.lost.set()
    log.error("ledger.lost", reason=str(lease.error(await described(database, lease.name))))


async def _give_back(lease: Lease, address: PostgresAddress) -> None:
    """At once, so that the next owner does not wait. Without a connection the lease ends by itself."""
    try:
        async with await connect(address, busy_sec=2.0) as session:
            values = (lease.name, lease.replica_id, lease.epoch, 0.0)
            await PostgresConnection(session).execute(_RENEW, values)
            await session.execute("delete from replicas where replica_id = $1", (lease.replica_id,))
    except psycopg.Error as error:
        log.warning("ledger.lease_not_given_back", reason=str(translated(error, "give back lease of", lease.place)))
