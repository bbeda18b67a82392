"""The holder's end of the job queue: submits each change as a job, and waits for its outcome."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from connector.cluster.asset_claim import LeaseLost
from connector.cluster.job_order import JobOrder, JobOutcome, order_of
from connector.cluster.job_queue import JobQueue
from connector.domain.activity import ACTIVITY
from connector.domain.errors import LedgerUnavailable
from connector.domain.priority import WAITS_AS
from connector.domain.report import Result
from connector.engine.apply import Change, filename_of
from connector.engine.dispatch import Withdrawn

_LOOK_SEC, _OCCUPIED_SEC = 0.2, 0.2
_AFTER_ERROR_SEC = 1.0
_LATE_SEC, _LOOK_AGAIN_SEC = 10.0, 1.0
"""A job without an outcome for so long is looked for, and once more: nobody waits for ever for one that got lost."""


@dataclass(slots=True)
class _Submitted:
    order: JobOrder
    outcome: asyncio.Future[JobOutcome | None] = field(default_factory=asyncio.Future)
    look_at: float = field(default_factory=lambda: time.monotonic() + _LATE_SEC)
    is_missed: bool = False

    def end(self, outcome: JobOutcome | None) -> None:
        if not self.outcome.done():
            self.outcome.set_result(outcome)


class Dispatcher:
    """Implements Dispatch. `epoch_of` is that of the leases; `settings_digest` is of the settings of an index."""

    def __init__(self, queue: JobQueue, epoch_of: Callable[[str], int], settings_digest: Callable[[str], str]) -> None:
        self._queue, self._epoch_of, self._digest = queue, epoch_of, settings_digest
        self._submitted: dict[str, dict[str, _Submitted]] = {}

    async def carry_out(self, index_id: str, names: Mapping[str, str], change: Change) -> Result:
        while True:
            outcome = await self._outcome(index_id, names, change)
            if outcome is None:
                raise Withdrawn
            if not outcome.is_fenced:
                break
        result = outcome.result()
        return replace(result, filename=result.filename or filename_of(change))

    async def _outcome(self, index_id: str, names: Mapping[str, str], change: Change) -> JobOutcome | None:
        """None if it is not this replica's any more."""
        try:
            order = order_of(
                index_id,
                self._epoch_of(index_id),
                change,
                priority=WAITS_AS.get(),
                settings=self._digest(index_id),
                names=names,
                activity=ACTIVITY.get(),
            )
            submitted = _Submitted(order)
            jobs = self._submitted.setdefault(index_id, {})
            jobs[order.indexed_asset_id] = submitted
            try:
                await self._submit(submitted)
                return await submitted.outcome
            finally:
                del jobs[order.indexed_asset_id]
        except LeaseLost:
            return None

    async def _submit(self, job: _Submitted) -> None:
        """A job of an earlier holder, or one that has just ended, may still be outstanding."""
        while not job.outcome.done() and not await self._queue.submit(job.order):  # noqa: ASYNC110  others end it
            await asyncio.sleep(_OCCUPIED_SEC)

    async def run(self) -> None:
        """Hand on outcomes, until cancelled."""
        while True:
            try:
                await self.hand_on()
                await self._look_for_lost()
                await asyncio.sleep(_LOOK_SEC)
            except LedgerUnavailable:
                await asyncio.sleep(_AFTER_ERROR_SEC)

    async def hand_on(self) -> None:
        epochs = {index_id: next(iter(jobs.values())).order.epoch for index_id, jobs in self._submitted.items() if jobs}
        if not epochs:
            return
        found = await self._queue.outcomes(epochs)
        by_order = {job.order.order_id: job for jobs in self._submitted.values() for job in jobs.values()}
        for outcome in found.values():
            job = by_order.get(outcome.order_id)
            if job:
                job.end(outcome)
        if found:
            await self._queue.confirm(found)

    async def _look_for_lost(self) -> None:
        """Submit a job again that has neither a job nor an outcome at two looks in a row."""
        now = time.monotonic()
        for index_id, jobs in list(self._submitted.items()):
            late = {name: job for name, job in jobs.items() if now >= job.look_at and not job.outcome.done()}
            found = await self._queue.outstanding(index_id, late) if late else set[str]()
            for name, job in late.items():
                if job.is_missed and name not in found and not job.outcome.done():
                    await self._queue.submit(job.order)
                    found.add(name)
                job.is_missed = name not in found
                job.look_at = now + (_LOOK_AGAIN_SEC if job.is_missed else _LATE_SEC)

    async def withdraw(self, index_id: str) -> None:
        """Give up the changes of the index that no worker has begun."""
        for name in await self._queue.withdraw(index_id):
            job = self._submitted.get(index_id, {}).get(name)
            if job:
                job.end(None)

    def abandon(self, index_id: str) -> None:
        """The lease is lost: nobody waits for the changes of the index here any more."""
        for job in self._submitted.get(index_id, {}).values():
            job.end(None)

    def waits_for(self, index_id: str) -> int:
        """Number of changes of the index that have no outcome yet."""
        return len(self._submitted.get(index_id, {}))
