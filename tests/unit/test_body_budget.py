"""Bodies wait while the others in memory leave no room, but one always goes on."""

import asyncio

import pytest

from connector.twelvelabs.body_budget import BodyBudget, HeldBody


async def read(budget: BodyBudget, sizes: list[int], let_go: asyncio.Event) -> None:
    with budget.hold() as held:
        for size in sizes:
            await held.grow(size)
            await asyncio.sleep(0)
        await let_go.wait()


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_body_waits_until_there_is_room() -> None:
    budget, first, second = BodyBudget(100), asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(read(budget, [60], first))
        group.create_task(read(budget, [30, 30], second))
        await settled()
        assert budget.held == 90
        first.set()
        await settled()
        assert budget.held == 60
        second.set()
    assert budget.held == 0


async def test_the_oldest_body_goes_on_beyond_the_limit() -> None:
    """Also when it becomes the oldest while it waits."""
    budget, first, second = BodyBudget(100), asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(read(budget, [50] * 6, first))
        group.create_task(read(budget, [50] * 8, second))
        await settled()
        assert budget.held == 350
        first.set()
        await settled()
        assert budget.held == 400
        second.set()
    assert budget.held == 0


async def test_a_body_that_is_given_up_makes_room() -> None:
    budget, never, second = BodyBudget(10), asyncio.Event(), asyncio.Event()
    second.set()
    first = asyncio.get_running_loop().create_task(read(budget, [10], never))
    async with asyncio.TaskGroup() as group:
        await settled()
        waiting = group.create_task(read(budget, [10], second))
        await settled()
        assert not waiting.done()
        first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert budget.held == 0


@pytest.mark.parametrize("bodies", [1, 3, 20])
async def test_all_bodies_end(bodies: int) -> None:
    """Each is larger than the limit."""
    budget, now, most = BodyBudget(100), asyncio.Event(), 0
    now.set()

    async def watched(held: HeldBody) -> None:
        nonlocal most
        for _ in range(20):
            await held.grow(10)
            most = max(most, budget.held)
            await asyncio.sleep(0)

    async def one() -> None:
        with budget.hold() as held:
            await watched(held)

    async with asyncio.TaskGroup() as group:
        for _ in range(bodies):
            group.create_task(one())
    assert budget.held == 0
    assert most <= 100 + 200


async def test_vectors_that_are_not_written_leave_less_room_for_bodies() -> None:
    budget, now = BodyBudget(100), asyncio.Event()
    now.set()
    with budget.vectors(60):
        waiting = asyncio.get_running_loop().create_task(read(budget, [50], now))
        await settled()
        assert (waiting.done(), budget.held) == (False, 60)
    await waiting
    assert budget.held == 0


async def test_vectors_are_counted_at_once_also_beyond_the_limit() -> None:
    """They are in memory already."""
    budget = BodyBudget(100)
    with budget.vectors(60), budget.vectors(70):
        assert budget.held == 130
    assert budget.held == 0


async def test_an_asset_without_vectors_holds_up_nothing() -> None:
    """A large body is read beside it."""
    budget, now = BodyBudget(100), asyncio.Event()
    now.set()
    with budget.vectors(0):
        await read(budget, [200], now)
