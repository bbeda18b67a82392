"""A bounded number of workers that carry out the changes in the queue."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from connector.domain.activity import ACTIVITY
from connector.domain.priority import WAITS_AS, Priority
from connector.domain.report import Result
from connector.engine.batch import Batch
from connector.engine.dispatch import Withdrawn
from connector.engine.work_queue import Work, WorkQueue


class Workers:
    """Work while the queue has changes. `in_hand` is the number of changes in progress, at most `concurrency`.

    A worker takes its change when it has the turn of a request, so that fresh work does not wait behind changes that
    were taken earlier and wait for their turn.
    """

    def __init__(
        self,
        queue: WorkQueue,
        reserve: Callable[[Callable[[], Priority]], Awaitable[None]],
        release: Callable[[], None],
        tell: Callable[[Work, Result], None],
        concurrency: int,
    ) -> None:
        """`reserve` waits for the turn of a request, `release` gives an unused one back; `tell` gets each result."""
        self._queue, self._tell, self.concurrency = queue, tell, concurrency
        self._reserve, self._release = reserve, release
        self._taking = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._batches: set[Batch] = set()
        self._running = 0
        self.in_hand = 0
        self.stopping = False
        queue.on_change = self._ensure

    def stop(self) -> None:
        """Take no more changes; the ones in progress are finished."""
        self.stopping = True
        for batch in self._batches:
            batch.stop()

    @contextmanager
    def batch(self, on_failure: Callable[[BaseException], None], results: list[Result]) -> Iterator[Batch]:
        """A batch that ends when the workers are stopped. It adds each result to `results`."""
        batch = Batch(on_failure, results)
        if self.stopping:
            batch.stop()
        self._batches.add(batch)
        try:
            yield batch
        finally:
            self._batches.discard(batch)

    async def idle(self) -> None:
        """Wait until no change is in progress."""
        await self._idle.wait()

    async def close(self) -> None:
        """Cancel what is in progress."""
        self.stop()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _ensure(self) -> None:
        """Start workers for the changes that can be taken."""
        while not self.stopping and self._running < min(self.concurrency, self.in_hand + self._queue.ready()):
            self._running += 1
            task = asyncio.get_running_loop().create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        """One worker: ends when nothing can be taken. It stops counting before it gives way to other tasks."""
        try:
            while work := await self._next():
                await self._carry_out(work)
        finally:
            self._running -= 1

    async def _next(self) -> Work | None:
        ACTIVITY.set(None)
        async with self._taking:
            if self.stopping or self._queue.first() is None:
                return None
            await self._reserve(self._priority)
            work = self._take()
        if work is None:
            self._release()
        return work

    def _priority(self) -> Priority:
        """That of the change it would take now: better than when it began to wait, if fresh work has come."""
        first = self._queue.first()
        return Priority.BACKLOG if first is None else first

    def _take(self) -> Work | None:
        return None if self.stopping else self._queue.take()

    async def _carry_out(self, work: Work) -> None:
        self.in_hand += 1
        self._idle.clear()
        WAITS_AS.set(work.priority)
        ACTIVITY.set(work.activity)
        try:
            result = await work.carry_out()
        except Withdrawn:
            self._put_down(work, again=False)
            work.withdraw()
        except BaseException as error:
            self._put_down(work, again=isinstance(error, Exception))
            work.fail(error)
            if not isinstance(error, Exception):
                raise
        else:
            self._put_down(work, again=False)
            work.done(result)
            self._tell(work, result)

    def _put_down(self, work: Work, *, again: bool) -> None:
        """With `again`, the change waits until its index is unblocked: it could not be carried out now."""
        self._release()
        self.in_hand -= 1
        if not self.in_hand:
            self._idle.set()
        self._queue.finish(work, again=again)
