"""The queue of jobs in the tables of PgQueuer, which share their transactions with the ledger."""

from collections.abc import Collection, Mapping
from datetime import timedelta

from pgqueuer.adapters.persistence.qb import QueryQueueBuilder

from connector.cluster.fenced_store import dedupe_key
from connector.cluster.index_leases import IndexLeases
from connector.cluster.job_order import JobOrder, JobOutcome, decoded_outcome
from connector.cluster.members import IS_LIVE
from connector.domain.priority import Priority
from connector.ledger.database import Database, Transactions
from connector.ledger.postgres.cluster_tables import queue_settings

ENTRY_POINT = "asset"
_OUTCOMES = """
select outcomes.id, result from outcomes
join unnest(?1::text[], ?2::bigint[]) as held(index_id, epoch)
    on held.index_id = outcomes.index_id and held.epoch = outcomes.epoch
order by outcomes.id limit 1000
"""
_ADD_OUTCOME = "insert into outcomes (index_id, indexed_asset_id, epoch, result) values (?, ?, ?, ?)"
_WITHDRAW = "delete from pgqueuer where status = 'queued' and starts_with(dedupe_key, ?) returning dedupe_key"
_OUTSTANDING = """
select dedupe_key from pgqueuer where dedupe_key = any(?::text[]) and status in ('queued', 'picked')
"""
_ORPHANS = f"""
select id from pgqueuer where status = 'picked' and updated < clock_timestamp() - interval '5 seconds'
and not exists (select from replicas where takes_jobs_as = queue_manager_id and {IS_LIVE})
for update skip locked
"""  # noqa: S608  literals
_FORGET_LOG = "delete from pgqueuer_log where created < clock_timestamp() - interval '1 hour'"


class PostgresJobs:
    """Implements JobQueue."""

    def __init__(self, transactions: Transactions, leases: IndexLeases, schema: str) -> None:
        self._transactions, self._leases = transactions, leases
        builder = QueryQueueBuilder(queue_settings(schema))
        self._enqueue, self._log = builder.build_enqueue_query("skip"), builder.build_log_job_query()
        self._retry = builder.build_retry_job_query()

    async def submit(self, order: JobOrder) -> bool:
        key = dedupe_key(order.index_id, order.indexed_asset_id)
        urgency = max(Priority) - order.priority  # PgQueuer takes the highest number first
        values = ([urgency], [ENTRY_POINT], [order.encoded()], [timedelta()], [key], ["{}"])

        async def work(db: Database) -> bool:
            await self._leases.prove(db, order.index_id)
            return (await db.execute(self._enqueue, values)).fetchone() is not None

        return await self._transactions.run("write", work)

    async def outcomes(self, epochs: Mapping[str, int]) -> dict[int, JobOutcome]:
        values = (list(epochs), list(epochs.values()))

        async def work(db: Database) -> dict[int, JobOutcome]:
            return {number: decoded_outcome(text) for number, text in await db.execute(_OUTCOMES, values)}

        return await self._transactions.run("read", work)

    async def confirm(self, numbers: Collection[int]) -> None:
        query = "delete from outcomes where id = any(?::bigint[])"
        await self._transactions.run("write", lambda db: db.execute(query, (list(numbers),)))

    async def withdraw(self, index_id: str) -> set[str]:
        prefix = dedupe_key(index_id, "")

        async def work(db: Database) -> set[str]:
            return {key.removeprefix(prefix) for (key,) in await db.execute(_WITHDRAW, (prefix,))}

        return await self._transactions.run("write", work)

    async def forget_earlier(self, index_id: str, epoch: int) -> None:
        async def work(db: Database) -> None:
            await self._leases.prove(db, index_id)
            await db.execute(_WITHDRAW, (dedupe_key(index_id, ""),))
            await db.execute("delete from outcomes where index_id = ? and epoch < ?", (index_id, epoch))

        await self._transactions.run("write", work)

    async def outstanding(self, index_id: str, indexed_asset_ids: Collection[str]) -> set[str]:
        prefix = dedupe_key(index_id, "")
        keys = [prefix + name for name in indexed_asset_ids]

        async def work(db: Database) -> set[str]:
            return {key.removeprefix(prefix) for (key,) in await db.execute(_OUTSTANDING, (keys,))}

        return await self._transactions.run("read", work)

    async def complete(self, job_id: int, order: JobOrder, outcome: JobOutcome) -> None:
        """End the job and tell its outcome, in one transaction: then the next job of the asset may be submitted."""
        told = (order.index_id, order.indexed_asset_id, order.epoch, outcome.encoded())

        async def work(db: Database) -> None:
            await db.execute(_ADD_OUTCOME, told)
            await db.execute(self._log, ([job_id], ["successful"], [None]))

        await self._transactions.run("write", work)

    async def give_on(self) -> int:
        """Let others take the jobs of dead workers, without waiting until PgQueuer thinks so; how many there were."""

        async def work(db: Database) -> int:
            orphans = [number for (number,) in await db.execute(_ORPHANS)]
            for number in orphans:
                await db.execute(self._retry, (number, timedelta(), None))
            return len(orphans)

        return await self._transactions.run("write", work)

    async def forget_log(self) -> None:
        """PgQueuer logs every step of every job, and keeps that for ever."""
        await self._transactions.run("write", lambda db: db.execute(_FORGET_LOG))
