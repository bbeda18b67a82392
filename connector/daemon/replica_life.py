"""What a replica does besides the loops of its indexes: keeps leases, carries out jobs, hands on outcomes."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any

import structlog

from connector.app import App
from connector.daemon.index_loop import IndexLoop
from connector.daemon.index_loops import IndexLoops
from connector.daemon.standby_watch import StandbyWatch
from connector.domain.errors import ConnectorError, LedgerUnavailable
from connector.domain.index_settings import IndexSettings
from connector.domain.standby import RUNNING, STANDBY
from connector.ledger.command_queue import CommandQueue
from connector.ledger.database import LAST_WRITE_SEC, NO_RESPONSE
from connector.ledger.heartbeat import Heartbeat
from connector.ledger.ledger_opening import open_heartbeat, open_queue
from connector.telemetry.gauges import ClusterFacts

if TYPE_CHECKING:  # they need psycopg and PgQueuer, which are an extra
    from connector.cluster.replica import Replica

_LEAST_WINDOW, _WINDOW_PER_WORKER = 32, 4
_LEAVE_SEC, _END_SEC, _LOOK_SEC = 10.0, 5.0, 0.1

log = structlog.get_logger(__name__)


class ReplicaLife:
    """Starts a loop for each index whose lease it gets, and ends it with the lease."""

    def __init__(self, app: App, replica: "Replica", loops: IndexLoops, wall: Callable[[], float]) -> None:
        from connector.cluster.job_consumer import JobConsumer  # noqa: PLC0415  an extra
        from connector.cluster.job_worker import JobWorker  # noqa: PLC0415  the same
        from connector.cluster.lease_keeper import LeaseKeeper  # noqa: PLC0415  the same
        from connector.cluster.shared_commands import SharedCommands  # noqa: PLC0415  the same

        self._app, self._replica, self._loops = app, replica, loops
        self._concurrency = app.settings.connector_concurrency
        self._keeper = LeaseKeeper(
            replica.leases,
            replica.members,
            taken=self._taken,
            lost=self._lost,
            leave=self._leave,
            housekeep=self._housekeep,
            divided=self._divided,
            renewed=self._renewed,
            refused=self._refuse,
        )
        self.commands: SharedCommands = SharedCommands(replica, self._keeper)
        self._worker = JobWorker(
            app.source,
            app.sink,
            replica.store,
            replica.store.reopen_touched,
            clock=wall,
            of_index=app.settings.of_index,
            digest_of=replica.digest_of,
            observe=app.observe,
        )
        self._consumer = JobConsumer(
            replica.address, replica.jobs, self._worker.carry_out, replica.members.take_jobs_as, self._concurrency
        )
        self._standby = StandbyWatch(app.source, app.sink, self._is_failing, self._others, self._stand_by)
        self._all: Mapping[str, Any] = {}
        self._refused = asyncio.Event()
        self.refusal: ConnectorError | None = None
        """Why this replica must not use the ledger any more."""
        self._divided(1)

    @property
    def in_hand(self) -> int:
        """Number of jobs that this replica carries out."""
        return self._consumer.in_hand

    def says(self) -> dict[str, Any]:
        """What the others and `status` know of it; `jobs` are the assets that it works on, by index id."""
        return {
            "state": STANDBY if self._standby.stands_by else RUNNING,
            "cannot_work": dict(self._standby.cannot_work) or None,
            "jobs": {index_id: sorted(names) for index_id, names in self._worker.in_hand.items() if names},
        }

    def want(self, indexes: Collection[IndexSettings]) -> None:
        """These are the indexes to sync."""
        self._keeper.wanted = frozenset(it.index_id for it in indexes)
        for index in indexes:
            if index.index_id in self._replica.leases.held:
                self._loops.keep(index)

    async def look(self, heartbeat: Heartbeat) -> None:
        """Learn what the other replicas say. What was known stays while the ledger is not available."""
        with suppress(LedgerUnavailable):
            self._all = await heartbeat.read() or {}

    def joined(self, live: Mapping[str, Any]) -> dict[str, Any]:
        """The live state of this replica with the indexes of all, and the state of the cluster."""
        indexes = {**self._all.get("indexes", {}), **live["indexes"]}
        return {**live, "indexes": indexes, "cluster": self._all.get("cluster", {})}

    def facts(self) -> ClusterFacts:
        """For metrics."""
        cluster = self._all.get("cluster", {})
        return ClusterFacts(len(cluster.get("replicas", ())), len(self._replica.leases.held), cluster.get("jobs", {}))

    def keep(self, index: IndexSettings) -> IndexLoop:
        """The loop of the index. Raises LeaseLost if another replica has it."""
        self._replica.leases.epoch_of(index.index_id)
        return self._loops.keep(index)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            lives = self._keeper, self._replica.dispatcher, self._consumer, self._replica.limiter, self._standby
            for life in lives:
                group.create_task(life.run())

    async def tell(self, index_id: str | None, indexed_asset_id: str | None) -> None:
        """Tell the holder of an index that an asset is ready, or that something changed; None: all holders.

        The next poll finds what a ledger that is not available does not take.
        """
        others = (self._keeper.wanted or frozenset()) - self._replica.leases.held.keys()
        if index_id is not None:
            others &= {index_id}
        try:
            for name in sorted(others):
                await self.commands.tell(name, indexed_asset_id)
        except LedgerUnavailable as error:
            log.warning("webhook.not_handed_on", reason=str(error))

    async def stop_if_refused(self, stopping: asyncio.Event) -> None:
        await self._refused.wait()
        stopping.set()

    def _refuse(self, why: ConnectorError) -> None:
        self.refusal = why
        self._refused.set()

    def _is_failing(self) -> bool:
        """Whether anything failed since this was asked last, or fails still."""
        failed, self._worker.has_failed = self._worker.has_failed, False
        return failed or any(loop.live.failures_in_a_row for loop in self._loops.all())

    def _others(self) -> list[bool]:
        others = (it for it in self._keeper.members if it.replica_id != self._replica.replica_id)
        return [it.can_work for it in others if it.state == RUNNING]

    def _stand_by(self, stands_by: bool) -> None:
        """Leave all work to the others, or take part again."""
        self._keeper.stands_by = stands_by
        if stands_by:
            self._consumer.pause()
        else:
            self._consumer.resume()

    async def drain(self, seconds: float) -> None:
        """Finish the jobs in hand within that time, and give back those that take longer, and all leases."""
        self._keeper.stopping = True
        self._consumer.stop()
        async with asyncio.TaskGroup() as group:
            for index_id in list(self._replica.leases.held):
                group.create_task(self._withdraw(index_id, LAST_WRITE_SEC))
        try:
            async with asyncio.timeout(seconds):
                await self._consumer.ended.wait()
                await self._app.engine.workers.idle()
        except TimeoutError:
            log.warning("daemon.drain_timed_out", in_hand=self.in_hand)
            self._consumer.give_back()
            with suppress(TimeoutError):
                async with asyncio.timeout(_END_SEC):
                    await self._consumer.ended.wait()
        for index_id in list(self._replica.leases.held):
            self._lost(index_id)
        try:
            async with asyncio.timeout(LAST_WRITE_SEC):
                await self._keeper.release_all()
        except (LedgerUnavailable, TimeoutError) as error:
            log.warning("lease.not_given_back", reason=str(error) or NO_RESPONSE)

    async def _withdraw(self, index_id: str, seconds: float | None = None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._replica.dispatcher.withdraw(index_id)
        except (LedgerUnavailable, TimeoutError):
            self._replica.dispatcher.abandon(index_id)

    async def _taken(self, index_id: str) -> None:
        """What earlier holders have left is planned again."""
        await self._replica.jobs.forget_earlier(index_id, self._replica.leases.epoch_of(index_id))
        self._loops.keep(self._app.settings.of_index(index_id))

    def _lost(self, index_id: str) -> None:
        self._replica.dispatcher.abandon(index_id)
        self._loops.drop(index_id)

    async def _leave(self, index_id: str) -> None:
        """Submit nothing more, and wait a while for what is in hand: afterwards it could not write any more."""
        self._loops.drop(index_id)
        await self._withdraw(index_id)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_SEC):
                while self._app.engine.queue.assets_in_hand(index_id):  # noqa: ASYNC110  it has no event of one index
                    await asyncio.sleep(_LOOK_SEC)
        self._replica.dispatcher.abandon(index_id)

    async def _renewed(self) -> None:
        if await self._replica.members.is_outdated():
            self._refuse(self._replica.members.outdated())
        await self._replica.jobs.give_on()

    async def _housekeep(self) -> None:
        await self._replica.members.forget_dead()
        await self._replica.jobs.forget_log()
        await self.commands.forget_old()

    def _divided(self, replicas: int) -> None:
        """So many changes are submitted at once: enough for all workers, few enough for fresh work to go first."""
        self._app.engine.workers.concurrency = max(_LEAST_WINDOW, _WINDOW_PER_WORKER * self._concurrency * replicas)


async def ledger_ends(
    stack: AsyncExitStack, app: App, loops: IndexLoops, wall: Callable[[], float]
) -> tuple[ReplicaLife | None, CommandQueue, Heartbeat]:
    """The life of a replica, if it is one, and the ledger's queue and heartbeat, until the stack is closed."""
    if app.replica:
        life = ReplicaLife(app, app.replica, loops, wall)
        return life, life.commands, app.replica.heartbeat
    queue = await stack.enter_async_context(open_queue(app.settings.ledger))
    return None, queue, await stack.enter_async_context(open_heartbeat(app.settings.ledger))
