"""The queue of changes of all indexes: fresh work first, indexes in turn, at most one change per asset in hand."""

import asyncio
import heapq
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace

from connector.domain.activity import Activity
from connector.domain.errors import CycleError
from connector.domain.priority import Priority
from connector.domain.report import Result
from connector.engine.batch import Batch


@dataclass(slots=True)
class Work:
    """One change of one asset. `order`: the smaller one goes first within a priority and an index."""

    index_id: str
    indexed_asset_id: str
    priority: Priority
    carry_out: Callable[[], Awaitable[Result]]
    order: float = 0.0
    activity: Activity | None = None
    batches: list[Batch] = field(default_factory=list)
    is_job: bool = False
    """It is carried out by a worker of any replica."""

    def begin(self) -> None:
        for batch in self.batches:
            batch.begin()

    def done(self, result: Result) -> None:
        for batch in self.batches:
            batch.done(result)

    def fail(self, error: BaseException) -> None:
        """The change in hand raised this."""
        for batch in self.batches:
            batch.failed(error)

    def withdraw(self) -> None:
        """Another process has the change that was in hand here."""
        for batch in self.batches:
            batch.withdraw()

    def drop(self, error: BaseException) -> None:
        """It will not be carried out, or not soon."""
        for batch in self.batches:
            batch.fail(error)


@dataclass(slots=True)
class _IndexQueue:
    """The waiting changes of one index by asset, and heaps of (order, number, asset id) by priority."""

    waiting: dict[str, Work] = field(default_factory=dict)
    heaps: dict[Priority, list[tuple[float, int, str]]] = field(default_factory=lambda: {it: [] for it in Priority})
    in_hand: set[str] = field(default_factory=set)
    served: int = 0
    quiet: int = 0
    watched: list[set[str]] = field(default_factory=list)
    blocked: bool = False

    @property
    def paused(self) -> bool:
        return self.blocked or self.quiet > 0

    def next(self, priority: Priority) -> Work | None:
        """The first change of this priority that can be taken. Drops entries that were moved or removed."""
        heap, busy = self.heaps[priority], []
        found = None
        while heap and found is None:
            entry = heap[0]
            work = self.waiting.get(entry[2])
            if work is None or work.priority != priority:
                heapq.heappop(heap)
            elif work.indexed_asset_id in self.in_hand:
                busy.append(heapq.heappop(heap))
            else:
                found = work
        for entry in busy:
            heapq.heappush(heap, entry)
        return found


class WorkQueue:
    """`take` waits until a change can be taken; `finish` it afterwards."""

    def __init__(self) -> None:
        self._indexes: dict[str, _IndexQueue] = {}
        self._numbers, self._turns = itertools.count(), itertools.count(1)
        self._changed = asyncio.Event()
        self.on_change: Callable[[], None] = lambda: None
        """Called when changes were added, or may be taken again."""

    def put(self, work: Work) -> None:
        """Add a change. One that waits for the same asset is replaced; the better priority and all batches stay."""
        queue = self._indexes.setdefault(work.index_id, _IndexQueue())
        before = queue.waiting.get(work.indexed_asset_id)
        if before:
            waiting = [it for it in before.batches if not it.ended]
            work.batches = [*waiting, *(it for it in work.batches if it not in waiting)]
            work.priority = min(before.priority, work.priority)
        for batch in set(work.batches) - set(before.batches if before else ()):
            batch.add()
        queue.waiting[work.indexed_asset_id] = work
        entry = (work.order, next(self._numbers), work.indexed_asset_id)
        heapq.heappush(queue.heaps[work.priority], entry)
        self._wake()

    def ready(self) -> int:
        """Number of changes that wait and may be taken, 0 if none; an upper bound, as one may be in hand already."""
        return sum(len(it.waiting) for it in self._indexes.values() if not it.paused) if self._next() else 0

    def first(self) -> Priority | None:
        """The priority of the next change; None if none can be taken."""
        work = self._next()
        return work.priority if work else None

    def take(self) -> Work | None:
        """The next change, which is in hand from now on; None if there is none."""
        work = self._next()
        if work:
            queue = self._indexes[work.index_id]
            del queue.waiting[work.indexed_asset_id]
            self.touch(work.index_id, work.indexed_asset_id)
            queue.in_hand.add(work.indexed_asset_id)
            queue.served = next(self._turns)
            work.begin()
        return work

    def finish(self, work: Work, *, again: bool = False) -> None:
        """The change is not in hand any more. With `again` it waits once more, and its index is blocked."""
        queue = self._indexes[work.index_id]
        queue.in_hand.discard(work.indexed_asset_id)
        if again:
            queue.blocked = True
            if work.indexed_asset_id not in queue.waiting:
                self.put(replace(work, batches=[]))
        self._wake()

    @contextmanager
    def watching(self, index_id: str) -> Iterator[Collection[str]]:
        """The assets of the index that are in hand now, or were so since: a comparison may have seen half a change."""
        queue = self._indexes.setdefault(index_id, _IndexQueue())
        touched = set(queue.in_hand)
        queue.watched.append(touched)
        try:
            yield touched
        finally:
            queue.watched = [it for it in queue.watched if it is not touched]

    def touch(self, index_id: str, *indexed_asset_ids: str) -> None:
        """Somebody works on these assets."""
        for touched in self._indexes.setdefault(index_id, _IndexQueue()).watched:
            touched.update(indexed_asset_ids)

    @asynccontextmanager
    async def quiet(self, index_id: str) -> AsyncIterator[None]:
        """While this is held, no change of the index is in hand. Changes may be added."""
        queue = self._indexes.setdefault(index_id, _IndexQueue())
        queue.quiet += 1
        try:
            while queue.in_hand:
                await self._changed.wait()
            yield
        finally:
            queue.quiet -= 1
            self._wake()

    def block(self, index_id: str, error: BaseException) -> None:
        """Take no more changes of the index until `unblock`. The passes that wait for them end with the error."""
        queue = self._indexes.setdefault(index_id, _IndexQueue())
        queue.blocked = True
        for work in list(queue.waiting.values()):
            work.drop(error)

    def unblock(self, index_id: str) -> None:
        self._indexes.setdefault(index_id, _IndexQueue()).blocked = False
        self._wake()

    def clear(self, index_id: str) -> None:
        """Remove the waiting changes of the index; the passes that wait for them fail."""
        queue = self._indexes.get(index_id)
        for work in queue.waiting.values() if queue else ():
            work.drop(CycleError("sync index", index_id, "the index was forgotten meanwhile"))
        if queue:
            queue.waiting.clear()

    def waits(self, index_id: str, indexed_asset_id: str) -> bool:
        """True if a change of the asset is in hand, or waits and a pass waits for it."""
        queue = self._indexes.get(index_id, _IndexQueue())
        work = queue.waiting.get(indexed_asset_id)
        return indexed_asset_id in queue.in_hand or (work is not None and any(not it.ended for it in work.batches))

    def is_in_hand(self, index_id: str, indexed_asset_id: str) -> bool:
        queue = self._indexes.get(index_id)
        return queue is not None and indexed_asset_id in queue.in_hand

    def assets_in_hand(self, index_id: str) -> list[str]:
        """Their ids, sorted."""
        queue = self._indexes.get(index_id)
        return sorted(queue.in_hand) if queue else []

    def sizes(self, index_id: str) -> dict[Priority, int]:
        """Number of waiting changes by priority."""
        queue = self._indexes.get(index_id)
        return dict(Counter(work.priority for work in queue.waiting.values())) if queue else {}

    def in_hand(self) -> int:
        return sum(len(queue.in_hand) for queue in self._indexes.values())

    def _next(self) -> Work | None:
        """By priority; within one, of the index that was served least recently."""
        queues = sorted((it for it in self._indexes.values() if not it.paused), key=lambda it: it.served)
        found = (queue.next(priority) for priority in Priority for queue in queues)
        return next((work for work in found if work), None)

    def _wake(self) -> None:
        """Wake all that wait; each looks again for what it waits for."""
        self._changed.set()
        self._changed = asyncio.Event()
        self.on_change()
