"""The queue: fresh work first, indexes in turn, one change per asset in hand."""

import asyncio
from collections import Counter

import pytest

from connector.domain.errors import CycleError
from connector.domain.priority import Priority
from connector.domain.report import Outcome, Result
from connector.engine.batch import Batch
from connector.engine.work_queue import Work, WorkQueue

FRESH, COMMAND, REFRESH, BACKLOG = Priority


async def nothing() -> Result:
    return Result("a", Outcome.APPLIED)


def work(name: str, priority: Priority = BACKLOG, index_id: str = "i", order: float = 0.0) -> Work:
    return Work(index_id, name, priority, nothing, order)


def filled(*works: Work) -> WorkQueue:
    queue = WorkQueue()
    for it in works:
        queue.put(it)
    return queue


def taken(queue: WorkQueue) -> list[str]:
    """Everything that can be taken, one after the other."""
    names = []
    while it := queue.take():
        names.append(it.indexed_asset_id)
        queue.finish(it)
    return names


async def test_an_empty_queue_gives_nothing() -> None:
    queue = WorkQueue()
    assert (queue.take(), queue.first()) == (None, None)
    assert (queue.ready(), queue.sizes("i")) == (0, {})


async def test_fresh_work_goes_first() -> None:
    queue = filled(work("b", BACKLOG), work("r", REFRESH), work("c", COMMAND), work("f", FRESH))
    assert queue.sizes("i") == {FRESH: 1, COMMAND: 1, REFRESH: 1, BACKLOG: 1}
    assert queue.first() is FRESH
    assert taken(queue) == ["f", "c", "r", "b"]


async def test_within_a_priority_the_order_counts_and_then_who_came_first() -> None:
    queue = filled(work("old", order=-1.0), work("new", order=-9.0), work("twin", order=-9.0))
    assert taken(queue) == ["new", "twin", "old"]


async def test_indexes_take_turns() -> None:
    queue = filled(*(work(f"large{i}", index_id="large") for i in range(50)))
    for number in range(3):
        queue.put(work(f"small{number}", index_id="small"))
    assert Counter(name[:5] for name in taken(queue)[:6]) == {"large": 3, "small": 3}


async def test_fresh_work_of_one_index_goes_before_the_backlog_of_all() -> None:
    queue = filled(work("a", index_id="one"), work("b", FRESH, "other"), work("c", FRESH, "other"))
    assert taken(queue) == ["b", "c", "a"]


async def test_a_change_of_an_asset_in_hand_waits_and_the_others_do_not() -> None:
    queue = filled(work("a"))
    first = queue.take()
    assert first
    queue.put(work("a", FRESH))
    queue.put(work("b"))
    assert [it.indexed_asset_id for it in [queue.take()] if it] == ["b"]
    assert queue.take() is None

    queue.finish(first)

    assert [it.priority for it in [queue.take()] if it] == [FRESH]


async def test_a_second_change_of_an_asset_replaces_the_first_and_keeps_the_better_priority() -> None:
    later = work("a", BACKLOG, order=5.0)
    queue = filled(work("a", FRESH), later)
    it = queue.take()
    assert it is later
    assert (later.priority, queue.take()) == (FRESH, None)


async def test_both_passes_learn_of_a_change_that_was_merged() -> None:
    one, other = Batch(lambda _: None, []), Batch(lambda _: None, [])
    first, second = work("a"), work("a")
    first.batches, second.batches = [one], [other]
    it = filled(first, second).take()
    assert it
    it.done(Result("a", Outcome.APPLIED))
    assert (await one.wait(), await other.wait()) == (True, True)
    assert len(one.results) == len(other.results) == 1


async def test_a_blocked_index_gives_nothing_until_it_is_unblocked() -> None:
    queue = filled(work("a"), work("b", index_id="other"))
    queue.block("i", CycleError("sync index", "i", "key refused"))
    assert taken(queue) == ["b"]
    queue.unblock("i")
    assert taken(queue) == ["a"]


async def test_what_could_not_be_done_now_waits_and_blocks_its_index() -> None:
    queue = filled(work("a"), work("b"))
    it = queue.take()
    assert it
    queue.finish(it, again=True)
    assert (queue.take(), queue.sizes("i")) == (None, {BACKLOG: 2})
    queue.unblock("i")
    assert sorted(taken(queue)) == ["a", "b"]


async def test_quiet_waits_for_what_is_in_hand_and_gives_nothing_meanwhile() -> None:
    queue = filled(work("a"), work("b"))
    it = queue.take()
    assert it
    entered = asyncio.Event()

    async def quietly() -> None:
        async with queue.quiet("i"):
            entered.set()
            assert queue.take() is None

    async with asyncio.TaskGroup() as group:
        group.create_task(quietly())
        await asyncio.sleep(0)
        assert not entered.is_set()
        assert queue.take() is None
        queue.finish(it)
    assert entered.is_set()
    assert taken(queue) == ["b"]


async def test_clearing_an_index_ends_the_passes_that_wait_for_it() -> None:
    batch, kept = Batch(lambda _: None, []), work("k", index_id="other")
    waiting = work("a")
    waiting.batches = [batch]
    queue = filled(waiting, kept)
    queue.clear("i")
    with pytest.raises(CycleError, match="forgotten"):
        await batch.wait()
    assert taken(queue) == ["k"]
