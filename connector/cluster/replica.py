"""One process that shares a PostgreSQL ledger with others: what it reads and writes there."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from connector.cluster.dispatcher import Dispatcher
from connector.cluster.fenced_store import FencedStore
from connector.cluster.index_leases import IndexLeases
from connector.cluster.limit_row import LimitRow
from connector.cluster.members import Members, OtherEndpoints
from connector.cluster.postgres_jobs import PostgresJobs
from connector.cluster.shared_limiter import SharedLimiter
from connector.domain.endpoints import Endpoints
from connector.domain.errors import LedgerUnavailable
from connector.domain.ledger_place import LedgerPlace
from connector.ledger.database import BUSY_TIMEOUT_SEC, LAST_WRITE_SEC, NO_RESPONSE, Transactions
from connector.ledger.heartbeat import Heartbeat
from connector.ledger.ledger_opening import open_transactions, postgres_address
from connector.ledger.ownership import LockHeld
from connector.ledger.postgres.address import PostgresAddress
from connector.ledger.postgres.inspection import check_pooling
from connector.ledger.postgres.shared_heartbeat import SharedHeartbeat

_AGAIN_SEC = 0.5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Replica:
    """`transactions` prove nothing by themselves: `store` does.

    `digest_of(index_id)`: digest of all that a plan for the index depends on. Only replicas with the same one carry
    out its jobs.
    """

    replica_id: str
    address: PostgresAddress
    transactions: Transactions
    leases: IndexLeases
    members: Members
    store: FencedStore
    jobs: PostgresJobs
    dispatcher: Dispatcher
    limiter: SharedLimiter
    digest_of: Callable[[str], str]

    @property
    def heartbeat(self) -> Heartbeat:
        """Tells the live state of this replica, and reads that of all."""
        return SharedHeartbeat(self.transactions, self.replica_id)


@asynccontextmanager
async def join_ledger(
    place: LedgerPlace,
    digest_of: Callable[[str], str],
    endpoints: Endpoints,
    requests_per_minute: float | None,
    takeover_sec: float,
) -> AsyncIterator[Replica]:
    """Work on the ledger inside the block. `digest_of` is that of the replica.

    Waits at most `takeover_sec` seconds for others to end; then raises LockHeld if a command owns the whole ledger,
    or OtherEndpoints if there are replicas with other endpoints.
    """
    address, replica_id = postgres_address(place), secrets.token_hex(8)
    async with AsyncExitStack() as stack:
        transactions = await stack.enter_async_context(open_transactions(place, busy_sec=BUSY_TIMEOUT_SEC))
        await check_pooling(address)
        members = Members(transactions, replica_id, endpoints)
        await _join(members, takeover_sec)
        stack.push_async_callback(_leave, members)
        leases = IndexLeases(transactions, replica_id)
        jobs = PostgresJobs(transactions, leases, address.schema)
        dispatcher = Dispatcher(jobs, leases.epoch_of, digest_of)
        store = FencedStore(transactions, leases)
        limits = await stack.enter_async_context(open_transactions(place, busy_sec=BUSY_TIMEOUT_SEC))
        limiter = SharedLimiter(LimitRow(limits, endpoints.key_digest), requests_per_minute)
        log.info("replica.joined", replica=replica_id)
        yield Replica(replica_id, address, transactions, leases, members, store, jobs, dispatcher, limiter, digest_of)


async def _join(members: Members, takeover_sec: float) -> None:
    deadline, told = time.monotonic() + takeover_sec, False
    while True:
        try:
            await members.join()
        except (LockHeld, OtherEndpoints) as error:
            if time.monotonic() >= deadline:
                raise
            if not told:
                log.warning("replica.waits", reason=str(error), waits_sec=takeover_sec)
            told = True
            await asyncio.sleep(_AGAIN_SEC)
        else:
            return


async def _leave(members: Members) -> None:
    try:
        async with asyncio.timeout(LAST_WRITE_SEC):
            await members.leave()
    except (LedgerUnavailable, TimeoutError) as error:
        log.warning("replica.not_left", reason=str(error) or NO_RESPONSE)
