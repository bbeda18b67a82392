"""Keeps the leases of a replica: renews them, takes free ones up to its share, gives up what is more."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

import structlog

from connector.cluster.index_leases import IndexLeases
from connector.cluster.members import Member, Members, OtherEndpoints
from connector.domain.errors import ConnectorError, LedgerUnavailable
from connector.domain.standby import STANDBY

TICK_SEC, RENEWAL_SEC, _WATCH_SEC = 1.0, 3.0, 0.25
_HOUSEKEEPING_SEC = 60.0

log = structlog.get_logger(__name__)


def share_of(indexes: int, replicas: int) -> int:
    """How many leases one replica holds at most."""
    return math.ceil(indexes / max(replicas, 1))


class LeaseKeeper:
    """`wanted` are the ids of the indexes to sync; None until they are known.

    `taken` starts the work of an index, `lost` ends it at once, `leave` ends it in good order before the lease is given
    back. `divided` is told how many replicas there are. `renewed` is
    called after each renewal, `housekeep` once a minute, `refused` when this replica must not go on.
    """

    def __init__(
        self,
        leases: IndexLeases,
        members: Members,
        *,
        taken: Callable[[str], Awaitable[None]],
        lost: Callable[[str], None],
        leave: Callable[[str], Awaitable[None]],
        divided: Callable[[int], None],
        renewed: Callable[[], Awaitable[object]],
        housekeep: Callable[[], Awaitable[None]],
        refused: Callable[[ConnectorError], None],
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        self._leases, self._members, self._stopwatch = leases, members, stopwatch
        self._taken, self._lost, self._leave = taken, lost, leave
        self._divided, self._after_renewal, self._housekeep, self._refused = divided, renewed, housekeep, refused
        self.wanted: frozenset[str] | None = None
        self.kept: set[str] = set()
        """Leases that a command needs, although the index is not wanted."""
        self._leaving: set[str] = set()
        self._renewed_at = self._housekept_at = -math.inf
        self._is_told = False
        self.members: list[Member] = []
        """The live replicas, as last seen."""
        self.stopping = self.stands_by = False

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch())
            while True:
                await self._tick_safely(group)
                await asyncio.sleep(TICK_SEC)

    async def _watch(self) -> None:
        """A request to the database may take long; the own clock goes on meanwhile."""
        while True:
            for index_id in self._leases.forget_expired():
                self._end(index_id, "it could not be renewed in time")
            await asyncio.sleep(_WATCH_SEC)

    async def _tick_safely(self, group: asyncio.TaskGroup) -> None:
        try:
            await self.tick(group)
        except OtherEndpoints as error:
            self._refused(error)
        except LedgerUnavailable as error:
            if not self._is_told:
                log.warning("leases.not_renewed", reason=str(error), code=error.code)
            self._is_told = True
        else:
            if self._is_told:
                log.warning("leases.recovered")
            self._is_told = False

    async def tick(self, group: asyncio.TaskGroup) -> None:
        """Renew, divide, take. Raises LedgerUnavailable."""
        await self._renew()
        self.members = await self._members.live()
        replicas = max(sum(it.state != STANDBY for it in self.members), 1)
        self._divided(replicas)
        if self.stopping or self.wanted is None:
            return
        settled = self._leases.held.keys() - self._leaving - self.kept
        share = 0 if self.stands_by else share_of(len(self.wanted), replicas)
        surplus = sorted(settled - self.wanted) + sorted(settled & self.wanted)[share:]
        for index_id in surplus:
            self._leaving.add(index_id)
            group.create_task(self._give_up(index_id))
        missing = share - len(settled & self.wanted)
        if missing > 0:
            await self._take(await self._leases.free(sorted(self.wanted)), missing)
        await self._keep_house()

    async def _renew(self) -> None:
        if self._stopwatch() - self._renewed_at < RENEWAL_SEC:
            return
        if not await self._members.beat():
            await self._members.join()
        for index_id in await self._leases.renew():
            self._end(index_id, "another replica has taken it over")
        self._renewed_at = self._stopwatch()
        await self._after_renewal()

    async def _take(self, free: list[str], most: int) -> None:
        for index_id in free:
            if most > 0 and index_id not in self._leases.held and await self._leases.take(index_id):
                log.info("lease.taken", index_id=index_id, epoch=self._leases.held[index_id].epoch)
                await self._taken(index_id)
                most -= 1

    async def _give_up(self, index_id: str) -> None:
        try:
            await self._leave(index_id)
            await self._leases.release(index_id)
            log.info("lease.given_up", index_id=index_id)
        except LedgerUnavailable:
            log.warning("lease.not_given_back", index_id=index_id)
        finally:
            self._leaving.discard(index_id)

    def _end(self, index_id: str, why: str) -> None:
        log.warning("lease.lost", index_id=index_id, reason=why)
        self._lost(index_id)

    async def _keep_house(self) -> None:
        if self._stopwatch() - self._housekept_at >= _HOUSEKEEPING_SEC:
            await self._housekeep()
            self._housekept_at = self._stopwatch()

    async def release_all(self) -> None:
        """So that others need not wait until they end. Raises LedgerUnavailable."""
        for index_id in list(self._leases.held):
            await self._leases.release(index_id)
