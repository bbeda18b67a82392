"""Workers: bounded, and stopped without leaving anything half done."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from connector.domain.errors import CycleError, Unavailable
from connector.domain.priority import WAITS_AS, Priority
from connector.domain.report import Outcome, Result
from connector.engine.batch import DEFERRED_IN_A_ROW, Batch
from connector.engine.work_queue import Work, WorkQueue
from connector.engine.workers import Workers


class Site:
    """Where changes are carried out: says how many are in hand at once, and which began and ended."""

    def __init__(self, concurrency: int) -> None:
        self.queue = WorkQueue()
        self.workers = Workers(self.queue, self.reserve, self.release, self.tell, concurrency)
        self.begun: list[str] = []
        self.told: list[str] = []
        self.arrivals = asyncio.Queue[str]()
        self.most = 0
        self.outcomes: dict[str, Exception | Result] = {}
        self.on_begin: Callable[[str], None] = lambda _: None
        self.held: dict[str, asyncio.Event] = {}
        self.reserved = self.released = 0
        self.waits_as: Callable[[], Priority] = WAITS_AS.get
        self.sendable = asyncio.Event()
        self.sendable.set()

    async def reserve(self, priority: Callable[[], Priority]) -> None:
        self.waits_as = priority
        await self.sendable.wait()
        self.reserved += 1

    def release(self) -> None:
        self.released += 1

    def tell(self, _: Work, result: Result) -> None:
        self.told.append(result.indexed_asset_id)

    async def run(self, *names: str, index_id: str = "i", priority: Priority = Priority.BACKLOG) -> bool:
        with self.workers.batch(partial(self.queue.block, index_id), []) as batch:
            self.queue.unblock(index_id)
            for name in names:
                self.queue.put(self.work(name, index_id, priority, batch))
            return await batch.wait()

    def work(self, name: str, index_id: str, priority: Priority, batch: Batch) -> Work:
        async def carry_out() -> Result:
            self.begun.append(name)
            self.arrivals.put_nowait(name)
            self.most = max(self.most, self.workers.in_hand)
            self.on_begin(name)
            await (self.held[name].wait() if name in self.held else asyncio.sleep(0))
            outcome = self.outcomes.get(name, Result(name, Outcome.APPLIED))
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return Work(index_id, name, priority, carry_out, batches=[batch])

    def hold(self, *names: str) -> None:
        self.held |= {name: asyncio.Event() for name in names}

    def let_go(self) -> None:
        for event in self.held.values():
            event.set()


def names(letter: str, count: int) -> list[str]:
    return [f"{letter}{number}" for number in range(count)]


@pytest.mark.parametrize("concurrency", [1, 3, 50])
async def test_every_change_is_carried_out_once(concurrency: int) -> None:
    site = Site(concurrency)

    assert await site.run(*names("a", 20))
    assert sorted(site.told) == sorted(names("a", 20))
    assert (site.most, site.workers.in_hand) == (min(concurrency, 20), 0)


async def test_nothing_to_do_is_done() -> None:
    assert await Site(2).run()


async def test_passes_share_the_workers() -> None:
    site = Site(3)
    async with asyncio.TaskGroup() as group:
        group.create_task(site.run(*names("a", 20)))
        group.create_task(site.run(*names("b", 20), index_id="other"))

    assert (len(site.told), site.most) == (40, 3)


@pytest.mark.parametrize("concurrency", [1, 2, 4])
async def test_fresh_work_does_not_wait_for_the_backlog(concurrency: int) -> None:
    site = Site(concurrency)
    site.hold(names("old", 1000)[0])
    async with asyncio.TaskGroup() as group:
        group.create_task(site.run(*names("old", 1000)))
        await site.arrivals.get()
        group.create_task(site.run("fresh", priority=Priority.FRESH))
        site.let_go()

    assert site.begun.index("fresh") <= 2 * concurrency + 2


async def test_a_worker_takes_its_change_when_a_request_may_be_sent() -> None:
    """What comes while the source accepts none is seen, and goes first if it is fresh."""
    site = Site(2)
    site.sendable.clear()
    async with asyncio.TaskGroup() as group:
        group.create_task(site.run("old0", "old1", "old2"))
        await asyncio.sleep(0)
        group.create_task(site.run("fresh", priority=Priority.FRESH))
        await asyncio.sleep(0)
        assert site.begun == []
        site.sendable.set()

    assert site.begun[0] == "fresh"
    assert site.reserved == site.released


async def test_a_worker_waits_for_its_turn_with_the_priority_of_what_it_would_take() -> None:
    """Fresh work that comes meanwhile moves it up."""
    site = Site(1)
    site.sendable.clear()
    async with asyncio.TaskGroup() as group:
        group.create_task(site.run("old"))
        for _ in range(3):
            await asyncio.sleep(0)
        assert site.waits_as() is Priority.BACKLOG
        group.create_task(site.run("fresh", priority=Priority.FRESH))
        await asyncio.sleep(0)
        assert site.waits_as() is Priority.FRESH
        site.sendable.set()


async def test_a_change_waits_everywhere_with_its_own_priority() -> None:
    site, seen = Site(1), []
    site.on_begin = lambda _: seen.append(WAITS_AS.get())
    await site.run("a", priority=Priority.FRESH)
    await site.run("b")
    assert seen == [Priority.FRESH, Priority.BACKLOG]


async def test_stop_ends_all_passes_after_the_changes_in_hand() -> None:
    site = Site(2)
    site.hold("a0", "b0")
    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(site.run(*names(letter, 50), index_id=letter)) for letter in "ab"]
        assert {await site.arrivals.get(), await site.arrivals.get()} == {"a0", "b0"}
        site.workers.stop()
        site.let_go()

    assert [run.result() for run in runs] == [False, False]
    assert site.begun == site.told == ["a0", "b0"]
    assert not await site.run("c")
    assert site.begun == ["a0", "b0"]


async def test_a_pass_that_was_at_its_last_change_when_stopped_is_finished() -> None:
    site = Site(2)
    site.on_begin = lambda name: site.workers.stop() if name == "a1" else None

    assert await site.run("a0", "a1")


async def test_an_error_ends_its_pass_after_the_changes_in_hand() -> None:
    site = Site(3)
    site.outcomes = {"a1": CycleError("ask", "", "first"), "a2": CycleError("ask", "", "second")}
    site.hold("a1", "a2", "a0")

    async def raised() -> str:
        with pytest.raises(CycleError) as error:
            await site.run(*names("a", 50))
        return str(error.value)

    async with asyncio.TaskGroup() as group:
        run = group.create_task(raised())
        for _ in range(3):
            await site.arrivals.get()
        site.let_go()

    assert run.result() == "ask: first"
    assert (site.begun, site.told) == (["a0", "a1", "a2"], ["a0"])
    assert site.queue.sizes("i") == {Priority.BACKLOG: 49}


async def test_an_error_ends_no_pass_of_another_index() -> None:
    site = Site(2)
    site.outcomes = {"a0": CycleError("ask", "", "down")}
    async with asyncio.TaskGroup() as group:
        other = group.create_task(site.run(*names("b", 10), index_id="other"))
        with pytest.raises(CycleError, match="down"):
            await site.run(*names("a", 10))

    assert other.result()
    assert [name for name in site.told if name[0] == "b"] == names("b", 10)


async def test_what_an_error_left_is_done_when_the_index_is_tried_again() -> None:
    site = Site(2)
    site.outcomes = {"a0": CycleError("ask", "", "down")}
    with pytest.raises(CycleError, match="down"):
        await site.run(*names("a", 10))
    site.outcomes = {}

    assert await site.run(*names("a", 10))
    assert sorted(set(site.told)) == names("a", 10)


async def test_many_deferred_in_a_row_end_the_pass() -> None:
    site = Site(1)
    error = Unavailable("retrieve", "asset", "connection refused", side="source")
    site.outcomes = {name: Result(name, Outcome.DEFERRED, error=error) for name in names("a", 20)}

    with pytest.raises(CycleError, match="connection refused"):
        await site.run(*names("a", 20))
    assert len(site.begun) == DEFERRED_IN_A_ROW


async def test_a_mistake_of_ours_frees_its_worker() -> None:
    site = Site(1)
    site.outcomes = {"a0": ZeroDivisionError("ours")}

    with pytest.raises(ZeroDivisionError, match="ours"):
        await site.run("a0")
    assert site.workers.in_hand == 0
    site.outcomes = {}
    assert await site.run("b")


async def test_workers_are_idle_before_between_and_after_passes() -> None:
    site = Site(2)
    await site.workers.idle()
    site.hold("a0", "a1")
    async with asyncio.TaskGroup() as group:
        group.create_task(site.run("a0", "a1"))
        assert {await site.arrivals.get(), await site.arrivals.get()} == {"a0", "a1"}
        waiting = group.create_task(site.workers.idle())
        site.held["a0"].set()
        await asyncio.sleep(0)
        assert not waiting.done()
        site.let_go()
        await waiting

    assert site.workers.in_hand == 0


async def test_closing_cancels_what_is_in_hand() -> None:
    site = Site(2)
    site.hold("a0")
    run = asyncio.get_running_loop().create_task(site.run("a0"))
    await site.arrivals.get()

    await site.workers.close()

    with pytest.raises(asyncio.CancelledError):
        await run
