"""The worker's end of a job: carries out one change with a claim on its asset, and tells the outcome."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable

from connector.cluster.asset_claim import CLAIM, AssetClaim, Fenced
from connector.cluster.job_order import JobOrder, JobOutcome
from connector.domain.activity import ACTIVITY
from connector.domain.errors import ConnectorError, LedgerUnavailable, SourceUnavailable, TransientError
from connector.domain.events import ChangeFinished
from connector.domain.index_settings import IndexSettings
from connector.domain.last_seen import last_seen
from connector.domain.priority import WAITS_AS
from connector.engine.appliers import Appliers
from connector.engine.apply import Applier
from connector.ports import CheckpointStore, Observer, Sink, Source

_FRESH_SEC, _AGAIN_SEC = 5.0, 1.0


class OtherSettings(Exception):
    """The plan was made with settings that this replica does not have."""


class JobWorker:
    """`reopen` states in the ledger that a fenced job may have written points. `digest_of` is that of the replica."""

    def __init__(
        self,
        source: Source,
        sink: Sink,
        ledger: CheckpointStore,
        reopen: Callable[[AssetClaim], Awaitable[None]],
        *,
        clock: Callable[[], float],
        of_index: Callable[[str], IndexSettings],
        digest_of: Callable[[str], str],
        observe: Observer = lambda _: None,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        self._appliers, self._ledger, self._reopen = Appliers(source, sink, ledger, clock, observe), ledger, reopen
        self._of_index, self._digest_of = of_index, digest_of
        self._observe, self._stopwatch = observe, stopwatch
        self._kept: dict[tuple[str, int, tuple[tuple[str, str], ...]], tuple[float, Applier]] = {}
        self.in_hand: dict[str, set[str]] = {}
        """The assets that are worked on, by index id."""
        self.has_failed = False
        """Set when a job ends because a side does not respond, or refuses this replica."""

    async def carry_out(self, order: JobOrder) -> JobOutcome:
        """Raises OtherSettings."""
        claim = AssetClaim(order.index_id, order.indexed_asset_id, order.epoch, secrets.token_hex(8))
        if self._digest_of(order.index_id) != order.settings:
            raise OtherSettings
        ACTIVITY.set(order.activity)
        WAITS_AS.set(order.priority)
        in_hand = self.in_hand.setdefault(order.index_id, set())
        in_hand.add(order.indexed_asset_id)
        before = CLAIM.set(claim)
        try:
            applier = await self._applier(order)
            result = await applier.carry_out(order.change)
            self.has_failed |= isinstance(result.error, TransientError)
            self._observe(ChangeFinished(order.index_id, result, order.cycle_id, is_job=True))
            return JobOutcome.of(order, result)
        except Fenced as error:
            if claim.touched:
                await self._reopen_surely(claim)
            return JobOutcome.of_error(order, error, is_fenced=True)
        except ConnectorError as error:
            self.has_failed = True
            return JobOutcome.of_error(order, error)
        finally:
            CLAIM.reset(before)
            in_hand.discard(order.indexed_asset_id)

    async def _reopen_surely(self, claim: AssetClaim) -> None:
        """The row may state what the sink does not hold. Killed here, the next comparison finds it."""
        while True:
            try:
                await self._reopen(claim)
            except LedgerUnavailable:
                await asyncio.sleep(_AGAIN_SEC)
            else:
                return

    async def _applier(self, order: JobOrder) -> Applier:
        """Of the index as its holder has last seen it; kept for some seconds, with what it knows of collections."""
        key, now = (order.index_id, order.epoch, tuple(sorted(order.names.items()))), self._stopwatch()
        made_at, applier = self._kept.get(key, (0.0, None))
        if applier is None or now - made_at > _FRESH_SEC:
            applier = await self._new_applier(order)
            self._kept = {it: kept for it, kept in self._kept.items() if now - kept[0] <= _FRESH_SEC}
            self._kept[key] = now, applier
        return applier

    async def _new_applier(self, order: JobOrder) -> Applier:
        index_id, settings = order.index_id, self._of_index(order.index_id)
        state = await self._ledger.state(index_id)
        if state is None:
            cause = "the ledger does not know the index any more"
            raise SourceUnavailable("work on asset", order.indexed_asset_id, cause, "The next full cycle lists it")
        return await self._appliers.of_index(settings, last_seen(index_id, state), state.first_cycle_at, order.names)
