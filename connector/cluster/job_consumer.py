"""Takes jobs from PgQueuer and has them carried out: so many at once, until drained, across restarts of PostgreSQL."""

import asyncio
import logging
import random
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from pgqueuer import Queries, QueueManager, RetryRequested
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.domain.errors import FailingListenerError
from pgqueuer.domain.types import Channel
from pgqueuer.models import Job

from connector.cluster.job_order import JobOrder, JobOutcome, decoded_order
from connector.cluster.job_worker import OtherSettings
from connector.cluster.postgres_jobs import ENTRY_POINT, PostgresJobs
from connector.domain.backoff import exponential_backoff
from connector.domain.errors import LedgerUnavailable
from connector.ledger.postgres.address import PostgresAddress
from connector.ledger.postgres.cluster_tables import queue_settings
from connector.ledger.postgres.postgres_errors import reason_of
from connector.ledger.postgres.queue_session import queue_sessions

HEARTBEAT_SEC = 60.0
"""A job is given to another worker if its own was silent for so long. Fences decide who may write, not this."""
_LOOK_SEC = 5.0
_OTHER_SEC = 2.0
_FIRST_SEC, _LONGEST_SEC = 0.5, 5.0

log = structlog.get_logger(__name__)
logging.getLogger("pgqueuer").setLevel(logging.CRITICAL)  # what matters of it is reported here


class JobConsumer:
    """`carry_out` raises OtherSettings if this replica lacks the settings of the job: another one must do it.

    `take_as` is told the id by which PgQueuer knows this worker, before it takes any job.
    """

    def __init__(
        self,
        address: PostgresAddress,
        jobs: PostgresJobs,
        carry_out: Callable[[JobOrder], Awaitable[JobOutcome]],
        take_as: Callable[[uuid.UUID], Awaitable[None]],
        concurrency: int,
    ) -> None:
        self._take_as = take_as
        self._address, self._jobs, self._carry_out = address, jobs, carry_out
        self._concurrency, self._slots = concurrency, asyncio.Semaphore(concurrency)
        self._stopping, self._expired, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._working = asyncio.Event()
        self._working.set()
        self._manager: QueueManager | None = None
        self.in_hand = 0

    async def run(self) -> None:
        """Until `stop`, and then until no job is in hand."""
        try:
            await self._supervise()
        finally:
            self.ended.set()

    async def _supervise(self) -> None:
        """A lost session ends PgQueuer, and so does a restart of PostgreSQL."""
        failures = 0
        while not self._stopping.is_set():
            await self._working.wait()
            try:
                await self._consume()
                failures = 0
            except Exception as error:  # noqa: BLE001  PgQueuer ends with whatever its session raised
                failures += 1
                wait = exponential_backoff(failures, _FIRST_SEC, _LONGEST_SEC) * random.uniform(0.5, 1.0)  # noqa: S311
                log.warning("jobs.interrupted", reason=_reason(error), seconds=round(wait, 1))
                await _at_most(wait, self._stopping.wait())

    def stop(self) -> None:
        """Take no more jobs."""
        self._stopping.set()
        self._working.set()
        self._end_manager()

    def pause(self) -> None:
        """Take no more jobs until `resume`; finish those in hand."""
        self._working.clear()
        self._end_manager()

    def resume(self) -> None:
        self._working.set()

    def _end_manager(self) -> None:
        if self._manager:
            self._manager.shutdown.set()

    def give_back(self) -> None:
        """Interrupt the jobs in hand: other workers take them at once."""
        self._expired.set()

    async def _consume(self) -> None:
        async with queue_sessions(self._address) as sessions:
            settings = queue_settings(self._address.schema)
            queries = Queries(
                sessions,
                qbe=QueryBuilderEnvironment(settings),
                qbq=QueryQueueBuilder(settings),
                qbs=QuerySchedulerBuilder(settings),
            )
            self._manager = manager = QueueManager(queries, channel=Channel(settings.channel))
            manager.entrypoint(ENTRY_POINT, accepts_context=False)(self._handle)
            if self._stopping.is_set() or not self._working.is_set():
                return
            await self._take_as(manager.queue_manager_id)
            await manager.run(
                dequeue_timeout=timedelta(seconds=_LOOK_SEC),
                batch_size=max(self._concurrency // 2, 1),
                max_concurrent_tasks=max(self._concurrency, 2),
                shutdown_on_listener_failure=True,
                heartbeat_timeout=timedelta(seconds=HEARTBEAT_SEC),
                log_aggregation_interval=timedelta(),
            )

    async def _handle(self, job: Job) -> None:
        order = decoded_order(job.payload or b"")
        if order is None:
            raise RetryRequested(timedelta(seconds=_OTHER_SEC), "it is for a newer release")
        self.in_hand += 1
        try:
            async with self._slots:
                outcome = await self._interruptible(order)
            await self._tell(job, order, outcome)
        finally:
            self.in_hand -= 1

    async def _interruptible(self, order: JobOrder) -> JobOutcome:
        """Raises RetryRequested if the drain is over: a job that is only cancelled would be lost."""
        done = list[JobOutcome | OtherSettings]()

        async def work() -> None:
            try:
                done.append(await self._carry_out(order))
            except OtherSettings as error:
                done.append(error)

        async with asyncio.TaskGroup() as group:
            tasks = {group.create_task(work()), group.create_task(self._expired.wait())}
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
        if not done:
            raise RetryRequested(timedelta(), "its worker was stopped")
        if isinstance(done[0], OtherSettings):
            raise RetryRequested(timedelta(seconds=_OTHER_SEC), "it is for other settings")
        return done[0]

    async def _tell(self, job: Job, order: JobOrder, outcome: JobOutcome) -> None:
        """Until the ledger has it, or the drain is over: the holder waits for it."""
        failures = 0
        while True:
            try:
                await self._jobs.complete(job.id, order, outcome)
            except LedgerUnavailable:
                failures += 1
                await _at_most(exponential_backoff(failures, _FIRST_SEC, _LONGEST_SEC), self._expired.wait())
                if self._expired.is_set():
                    raise RetryRequested(timedelta(), "the ledger was not available") from None
            else:
                return


def _reason(error: Exception) -> str:
    if isinstance(error, FailingListenerError):
        return "the session that listens did not hear its own notification in time"
    return reason_of(error)


async def _at_most(seconds: float, event: Awaitable[object]) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event
    except TimeoutError:
        return
