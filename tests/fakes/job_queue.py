"""The queue of jobs in one process: workers of several replicas take from it, and may die with a job."""

import asyncio
from collections.abc import Collection, Mapping

from connector.cluster.job_order import JobOrder, JobOutcome, decoded_order, decoded_outcome
from connector.cluster.job_worker import JobWorker


class FakeJobQueue:
    """Implements JobQueue. Orders and outcomes pass through their JSON."""

    def __init__(self) -> None:
        self.waiting: dict[tuple[str, str], bytes] = {}
        self.running: dict[tuple[str, str], bytes] = {}
        self.done: dict[int, tuple[str, int, str]] = {}
        self.taken = 0
        self._number = 0

    async def submit(self, order: JobOrder) -> bool:
        key = order.index_id, order.indexed_asset_id
        if key in self.waiting or key in self.running:
            return False
        self.waiting[key] = order.encoded()
        return True

    async def outcomes(self, epochs: Mapping[str, int]) -> dict[int, JobOutcome]:
        found = self.done.items()
        return {number: decoded_outcome(text) for number, (at, epoch, text) in found if epochs.get(at) == epoch}

    async def confirm(self, numbers: Collection[int]) -> None:
        for number in list(numbers):
            del self.done[number]

    async def withdraw(self, index_id: str) -> set[str]:
        names = {name for at, name in self.waiting if at == index_id}
        for name in names:
            del self.waiting[index_id, name]
        return names

    async def forget_earlier(self, index_id: str, epoch: int) -> None:
        await self.withdraw(index_id)
        self.done = {number: it for number, it in self.done.items() if it[0] != index_id or it[1] >= epoch}

    async def outstanding(self, index_id: str, indexed_asset_ids: Collection[str]) -> set[str]:
        return {name for name in indexed_asset_ids if {(index_id, name)} & {*self.waiting, *self.running}}

    async def work(self, worker: JobWorker) -> None:
        """Carry out what is in the queue, until cancelled. Killed on the way, the job is given to the next worker."""
        while True:
            if not self.waiting:
                await asyncio.sleep(0)
                continue
            key, payload = min(self.waiting.items(), key=lambda it: decoded_order(it[1]).priority)  # type: ignore[union-attr]
            del self.waiting[key]
            self.running[key] = payload
            self.taken += 1
            try:
                order = decoded_order(payload)
                assert order
                outcome = await worker.carry_out(order)
            except BaseException:
                self.waiting[key] = self.running.pop(key)
                raise
            del self.running[key]
            self._number += 1
            self.done[self._number] = order.index_id, order.epoch, outcome.encoded()
