"""Workers: limited in number, fair between runs, and stopped without unfinished changes."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from connector.domain.errors import CycleError
from connector.domain.report import Outcome, Result
from connector.engine.workers import Workers

CarryOut = Callable[[str], Awaitable[Result]]


class Site:
    """Carries out changes, and records how many run at once, and which began and ended.

    `arrivals` and `results` are for waiting; a held change ends when it is released.
    """

    def __init__(self, workers: Workers) -> None:
        self.workers = workers
        self.begun: list[str] = []
        self.done: list[str] = []
        self.arrivals, self.results = asyncio.Queue[str](), asyncio.Queue[str]()
        self.most = 0
        self.failures: dict[str, Exception] = {}
        self.on_begin: Callable[[str], None] = lambda _: None
        self.held: dict[str, asyncio.Event] = {}

    async def run(self, *changes: str) -> bool:
        return await self.workers.run(changes, self.carry_out, self.note)

    def note(self, result: Result) -> None:
        self.done.append(result.indexed_asset_id)
        self.results.put_nowait(result.indexed_asset_id)

    async def carry_out(self, change: str) -> Result:
        self.begun.append(change)
        self.arrivals.put_nowait(change)
        self.most = max(self.most, self.workers.in_hand)
        self.on_begin(change)
        await (self.held[change].wait() if change in self.held else asyncio.sleep(0))
        if change in self.failures:
            raise self.failures[change]
        return Result(change, Outcome.APPLIED)

    def hold(self, *changes: str) -> None:
        self.held |= {change: asyncio.Event() for change in changes}

    def let_go(self) -> None:
        for event in self.held.values():
            event.set()


def names(letter: str, count: int) -> list[str]:
    return [f"{letter}{number}" for number in range(count)]


async def raised(run: Awaitable[bool]) -> CycleError:
    with pytest.raises(CycleError) as error:
        await run
    return error.value


async def crashed(run: Awaitable[bool]) -> ZeroDivisionError:
    with pytest.raises(ZeroDivisionError) as error:
        await run
    return error.value


def ending(begin: str, because: Callable[[], None]) -> Callable[[str], None]:
    """Does this when the change begins."""
    return lambda change: because() if change == begin else None


@pytest.mark.parametrize("concurrency", [1, 3, 50])
async def test_every_change_is_carried_out_once(concurrency: int) -> None:
    site = Site(Workers(concurrency))

    assert await site.run(*names("a", 20))
    assert sorted(site.done) == sorted(names("a", 20))
    assert site.most == min(concurrency, 20)
    assert site.workers.in_hand == 0


async def test_changes_are_begun_in_their_order() -> None:
    site = Site(Workers(3))

    await site.run(*names("a", 9))

    assert site.begun == names("a", 9)


async def test_nothing_to_do_is_done() -> None:
    assert await Site(Workers(2)).run()


async def test_two_runs_share_the_places() -> None:
    """The limit applies to both together."""
    site = Site(Workers(3))
    async with asyncio.TaskGroup() as group:
        group.create_task(site.run(*names("a", 20)))
        group.create_task(site.run(*names("b", 20)))

    assert Counter(change[0] for change in site.done) == {"a": 20, "b": 20}
    assert site.most == 3


@pytest.mark.parametrize("concurrency", [1, 2, 4])
async def test_a_small_run_does_not_wait_for_the_end_of_a_large_one(concurrency: int) -> None:
    """Places are assigned in turn, so its third change begins while the other run is about that far."""
    site = Site(Workers(concurrency))
    site.hold(names("large", 1000)[0])
    async with asyncio.TaskGroup() as group:
        group.create_task(site.run(*names("large", 1000)))
        await site.arrivals.get()
        group.create_task(site.run(*names("small", 3)))
        site.let_go()

    assert site.begun.index("small2") <= 4 * (concurrency + 3)
    assert len(site.done) == 1003


async def test_stop_ends_all_runs_after_the_changes_in_hand() -> None:
    site = Site(Workers(2))
    site.hold("a0", "a1")
    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(site.run(*names(letter, 50))) for letter in "ab"]
        assert {await site.arrivals.get(), await site.arrivals.get()} == {"a0", "a1"}
        site.workers.stop.set()
        site.let_go()

    assert [run.result() for run in runs] == [False, False]
    assert site.begun == site.done == ["a0", "a1"]


async def test_a_stopped_run_begins_nothing() -> None:
    site = Site(Workers(2))
    site.workers.stop.set()

    assert not await site.run("a")
    assert site.begun == []


async def test_a_run_that_was_at_its_last_change_when_stopped_is_finished() -> None:
    site = Site(Workers(2))
    site.on_begin = ending("a1", site.workers.stop.set)

    assert await site.run("a0", "a1")


async def test_the_first_cycle_error_comes_after_the_changes_in_hand() -> None:
    """Changes in progress are finished and counted, no others begin."""
    site = Site(Workers(3))
    site.failures = {"a1": CycleError("ask", "", "first"), "a2": CycleError("ask", "", "second")}
    site.hold("a1", "a2", "a0")

    async with asyncio.TaskGroup() as group:
        run = group.create_task(raised(site.run(*names("a", 50))))
        for _ in range(3):
            await site.arrivals.get()
        site.let_go()

    assert str(run.result()) == "ask: first"
    assert (site.begun, site.done) == (["a0", "a1", "a2"], ["a0"])
    assert site.workers.in_hand == 0


async def test_an_error_ends_its_own_run_only() -> None:
    site = Site(Workers(2))
    site.failures = {"a0": CycleError("ask", "", "down")}
    async with asyncio.TaskGroup() as group:
        other = group.create_task(site.run(*names("b", 10)))
        with pytest.raises(CycleError, match="down"):
            await site.run(*names("a", 10))

    assert other.result()
    assert [change for change in site.done if change[0] == "b"] == names("b", 10)


async def test_a_cycle_error_of_the_observer_counts_too() -> None:
    """The cycle ends itself when too many changes in a row were deferred."""
    site = Site(Workers(1))

    def done(_: Result) -> None:
        raise CycleError("write", "", "enough")

    with pytest.raises(CycleError, match="enough"):
        await site.workers.run(names("a", 5), site.carry_out, done)
    assert site.begun == ["a0"]


async def test_a_mistake_of_ours_frees_its_place() -> None:
    site = Site(Workers(1))
    site.failures = {"a0": ZeroDivisionError("ours")}

    with pytest.raises(ZeroDivisionError, match="ours"):
        await site.run("a0")
    assert site.workers.in_hand == 0
    assert await site.run("b")


async def test_a_mistake_of_ours_leaves_the_changes_in_hand_alone() -> None:
    """They are finished and counted; if cancelled, they would have to be repeated."""
    site = Site(Workers(2))
    site.failures = {"a0": ZeroDivisionError("ours")}
    site.hold("a1")

    async with asyncio.TaskGroup() as group:
        run = group.create_task(crashed(site.run(*names("a", 50))))
        assert {await site.arrivals.get(), await site.arrivals.get()} == {"a0", "a1"}
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        site.let_go()

    assert str(run.result()) == "ours"
    assert (site.begun, site.done) == (["a0", "a1"], ["a1"])


async def test_workers_are_idle_before_between_and_after_runs() -> None:
    site = Site(Workers(2))
    await site.workers.idle()
    site.hold("a0", "a1")
    async with asyncio.TaskGroup() as group:
        group.create_task(site.run("a0", "a1"))
        assert {await site.arrivals.get(), await site.arrivals.get()} == {"a0", "a1"}
        waiting = group.create_task(site.workers.idle())
        site.held["a0"].set()
        assert await site.results.get() == "a0"
        assert not waiting.done()
        site.let_go()
        await waiting

    assert site.workers.in_hand == 0
