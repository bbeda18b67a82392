"""When requests may be sent: tables for the pure schedule; the limiter on a clock that only `sleep` advances."""

import asyncio
from itertools import pairwise

import pytest

from connector.domain.errors import ConfigError
from connector.domain.priority import WAITS_AS, Priority
from connector.twelvelabs.rate_headers import Quota
from connector.twelvelabs.rate_limiter import LATE_SEC, Limiter, RateSchedule
from tests.fakes.clock import FakeTime

ENDLESS = 1e9
TURN = (60.0 + LATE_SEC) / 60
"""Seconds between two requests at 60 a minute."""


def test_without_a_ceiling_nobody_waits() -> None:
    schedule = RateSchedule()
    for _ in range(100):
        schedule = schedule.taken(5.0)

    assert schedule.wait(5.0) == 0.0


@pytest.mark.parametrize(("after", "wait"), [(0.0, 2.0), (1.5, 0.5), (2.0, 0.0), (100.0, 0.0)])
def test_a_ceiling_spaces_requests(after: float, wait: float) -> None:
    """30 a minute means one every two seconds, even after a long pause: unused requests are not saved."""
    assert RateSchedule(interval=2.0).taken(50.0).wait(50.0 + after) == wait


def test_a_pause_is_the_longest_that_was_asked_for() -> None:
    schedule = RateSchedule().paused(10.0, 60.0).paused(20.0, 5.0)

    assert schedule.wait(20.0) == schedule.blocked(20.0) == 50.0
    assert schedule.wait(70.0) == 0.0


@pytest.mark.parametrize(
    ("quota", "wait_now", "wait_next"),
    [
        pytest.param(Quota(1000, 60, 1000), 0.0, 0.0, id="plenty"),
        pytest.param(Quota(101, 60, 1000), 0.0, 0.0, id="just more than a tenth"),
        pytest.param(Quota(100, 60, 1000), 0.6, 0.6, id="a tenth of the limit"),
        pytest.param(Quota(11, 60), 0.0, 0.0, id="limit unknown, more than ten"),
        pytest.param(Quota(10, 60), 6.0, 6.0, id="limit unknown, ten"),
        pytest.param(Quota(1, 30), 30.0, 0.0, id="one left"),
        pytest.param(Quota(0, 30), 30.0, 0.0, id="none left"),
        pytest.param(Quota(-3, 30), 30.0, 0.0, id="overdrawn"),
        pytest.param(Quota(0, 86400), 60.0, 0.0, id="none left today: probe every minute"),
        pytest.param(Quota(1, 86400), 60.0, 60.0, id="one left today"),
    ],
)
def test_a_quota_that_runs_low_is_made_to_last(quota: Quota, wait_now: float, wait_next: float) -> None:
    schedule = RateSchedule().learned(100.0, quota)
    assert schedule.wait(100.0) == pytest.approx(wait_now)

    taken = 100.0 + wait_now
    assert schedule.taken(taken).wait(taken) == pytest.approx(wait_next)


def test_a_pace_ends_with_its_quota() -> None:
    """Either the reset time is reached, or a response reports enough quota again."""
    low = RateSchedule().learned(0.0, Quota(5, 10))

    assert low.taken(4.0).wait(4.0) == 2.0
    assert low.taken(11.0).wait(11.0) == 0.0
    assert low.learned(1.0, Quota(500, 60)).taken(4.0).wait(4.0) == 0.0


def test_a_quota_never_loosens_the_ceiling() -> None:
    assert RateSchedule(interval=3.0).learned(0.0, Quota(10, 10)).taken(5.0).wait(5.0) == 3.0


async def test_many_workers_share_one_ceiling() -> None:
    """They are served in the order of their arrival."""
    time = FakeTime(now=0.0)
    limiter = Limiter(60, time.clock)
    served: list[tuple[float, int]] = []

    async def worker(number: int) -> None:
        await limiter.turn(ENDLESS)
        served.append((time.now, number))

    async with asyncio.TaskGroup() as group:
        for number in range(10):
            group.create_task(worker(number))

    assert [number for _, number in served] == list(range(10))
    assert all(after - before >= 1.0 for (before, _), (after, _) in pairwise(served))


async def test_fresh_work_takes_the_next_turn() -> None:
    """However many wait already."""
    time = FakeTime(now=0.0)
    limiter = Limiter(60, time.clock)
    await limiter.turn(ENDLESS)
    served: list[Priority] = []

    async def request(priority: Priority) -> None:
        WAITS_AS.set(priority)
        await limiter.turn(ENDLESS)
        served.append(priority)

    async with asyncio.TaskGroup() as group:
        for _ in range(9):
            group.create_task(request(Priority.BACKLOG))
        for priority in (Priority.FRESH, Priority.REFRESH, Priority.COMMAND):
            group.create_task(request(priority))

    assert served == sorted(served)


async def test_a_reservation_moves_up_when_what_it_waits_for_does() -> None:
    """Fresh work came while a worker waited with the backlog, behind a request that came earlier."""
    time = FakeTime(now=0.0)
    limiter = Limiter(60, time.clock)
    await limiter.turn(ENDLESS)
    waits_for, served = [Priority.BACKLOG], list[str]()

    async def request() -> None:
        await limiter.turn(ENDLESS)
        served.append("request")

    async def worker() -> None:
        await limiter.reserve(ENDLESS, lambda: waits_for[0])
        served.append("worker")

    time.on_sleep = lambda: waits_for.__setitem__(0, Priority.FRESH)
    async with asyncio.TaskGroup() as group:
        group.create_task(request())
        group.create_task(worker())

    assert served == ["worker", "request"]


async def test_a_reserved_turn_is_that_of_the_next_request() -> None:
    time = FakeTime(now=0.0)
    limiter = Limiter(60, time.clock)
    await limiter.turn(ENDLESS)
    await limiter.reserve(ENDLESS, WAITS_AS.get)
    assert time.now == TURN
    await limiter.turn(ENDLESS)
    assert time.now == TURN
    await limiter.turn(ENDLESS)
    assert time.now == pytest.approx(2 * TURN)


async def test_a_reserved_turn_can_be_given_back() -> None:
    time = FakeTime(now=0.0)
    limiter = Limiter(60, time.clock)
    await limiter.reserve(ENDLESS, WAITS_AS.get)
    limiter.release()
    limiter.release()
    await limiter.turn(ENDLESS)
    assert time.now == 0.0
    await limiter.turn(ENDLESS)
    assert time.now == TURN


async def test_a_block_that_comes_after_the_reservation_holds() -> None:
    time = FakeTime(now=0.0)
    limiter = Limiter(60, time.clock)
    await limiter.reserve(ENDLESS, WAITS_AS.get)
    limiter.pause(30.0)
    assert await limiter.turn(10.0) == 30.0
    await limiter.turn(ENDLESS)
    assert time.now == 30.0


async def test_a_long_block_is_not_waited_for_by_a_reservation() -> None:
    time = FakeTime(now=0.0)
    limiter = Limiter(60, time.clock)
    limiter.pause(7200.0)
    await limiter.reserve(120.0, WAITS_AS.get)
    assert time.sleeps == []
    assert await limiter.turn(120.0) == 7200.0


async def test_a_waiter_that_is_cancelled_leaves_its_place() -> None:
    time = FakeTime(now=0.0)
    limiter = Limiter(60, time.clock)
    await limiter.turn(ENDLESS)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(limiter.turn(ENDLESS))
        group.create_task(limiter.turn(ENDLESS))
        await asyncio.sleep(0)
        first.cancel()

    assert time.now == pytest.approx(1.0, abs=1.0)


async def test_a_pause_reaches_those_who_already_wait() -> None:
    """A 429 that one worker receives also delays a worker that already sleeps."""
    time = FakeTime(now=0.0)
    limiter = Limiter(60, time.clock)
    await limiter.turn(ENDLESS)

    def told_to_wait() -> None:
        time.on_sleep = None
        limiter.pause(30.0)

    time.on_sleep = told_to_wait
    await limiter.turn(ENDLESS)

    assert time.now == TURN + 30.0


async def test_a_long_block_is_reported_and_takes_no_turn() -> None:
    time = FakeTime(now=0.0)
    limiter = Limiter(None, time.clock)
    limiter.pause(7200.0)

    assert await limiter.turn(120.0) == 7200.0
    assert time.sleeps == []
    time.now = 7200.0
    assert await limiter.turn(120.0) == 0.0


async def test_our_own_ceiling_is_waited_for_however_long_it_takes() -> None:
    """Only a limit of the source counts as a block."""
    time = FakeTime(now=0.0)
    limiter = Limiter(0.1, time.clock)
    await limiter.turn(120.0)

    assert await limiter.turn(120.0) == 0.0
    assert time.now == pytest.approx(600.0 + 10 * LATE_SEC)


async def test_a_worker_that_is_cancelled_leaves_the_queue() -> None:
    time = FakeTime(now=0.0)
    limiter = Limiter(60, time.clock)
    await limiter.turn(ENDLESS)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(limiter.turn(ENDLESS))
        await asyncio.sleep(0)
        waiting.cancel()

    assert await limiter.turn(ENDLESS) == 0.0


@pytest.mark.parametrize("ceiling", [0, -1, float("inf"), float("nan")])
def test_a_ceiling_that_is_none_is_a_mistake_in_the_settings(ceiling: float) -> None:
    with pytest.raises(ConfigError, match="CONNECTOR_REQUESTS_PER_MINUTE"):
        Limiter(ceiling)
