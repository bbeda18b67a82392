"""Several limiters over one row of a real PostgreSQL: together they keep the limit, and learn from each other."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from itertools import combinations
from pathlib import Path

import pytest

from connector.cluster.limit_row import LimitRow
from connector.cluster.shared_limiter import SharedLimiter
from connector.domain.errors import LedgerUnavailable
from connector.domain.ledger_place import LedgerPlace
from connector.domain.priority import Priority
from connector.ledger.ledger_opening import open_transactions
from connector.twelvelabs.rate_headers import Quota
from tests.cluster.fencing import Outside
from tests.postgres_server import PostgresServer

PER_MINUTE, COUNT = 1200, 3
ENDLESS = 1e9


class Limiters:
    """Limiters of the cluster, each with a session of its own."""

    def __init__(self, url: str) -> None:
        self._url, self._stack = url, AsyncExitStack()

    async def new(self, requests_per_minute: float | None = None, key: str = "key") -> SharedLimiter:
        made = open_transactions(LedgerPlace(Path("unused"), self._url), busy_sec=1)
        transactions = await self._stack.enter_async_context(made)
        return SharedLimiter(LimitRow(transactions, key), requests_per_minute)

    async def close(self) -> None:
        await self._stack.aclose()


@pytest.fixture
async def limiters(made_ledger: str) -> AsyncIterator[Limiters]:
    made = Limiters(made_ledger)
    yield made
    await made.close()


async def test_together_they_take_one_turn_per_interval(limiters: Limiters) -> None:
    """The turns are the database's, so a slow machine only spreads them more."""
    made = [await limiters.new(PER_MINUTE) for _ in range(COUNT)]
    interval = 60.1 / PER_MINUTE

    async def take(limiter: SharedLimiter) -> list[float]:
        taken = []
        for _ in range(8):
            assert await limiter.turn(ENDLESS) == 0.0
            taken.append(time.monotonic())
        return taken

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(take(limiter)) for limiter in made]
    taken = sorted(at for task in tasks for at in task.result())

    for (first, began_at), (last, ended_at) in combinations(enumerate(taken), 2):
        assert ended_at - began_at >= (last - first - COUNT) * interval, "each may hold one turn, and no more"


async def test_a_turn_that_comes_late_brings_none_of_the_missed_ones(limiters: Limiters, outside: Outside) -> None:
    """With several replicas, turns that are made up for would come beside those that others have reserved."""
    limiter = await limiters.new(PER_MINUTE)
    await limiter.turn(ENDLESS)
    outside.execute("update rate_limits set tat = extract(epoch from clock_timestamp()) - 0.09")
    began = outside.value("select extract(epoch from clock_timestamp())::double precision")
    await limiter.turn(ENDLESS)

    assert outside.value("select tat from rate_limits") >= began + 60.1 / PER_MINUTE


async def test_other_keys_are_not_limited_together(limiters: Limiters) -> None:
    one, other = await limiters.new(1), await limiters.new(1, "another key")

    assert await one.turn(ENDLESS) == 0.0
    async with asyncio.timeout(10):
        assert await other.turn(ENDLESS) == 0.0


async def test_a_pause_of_one_replica_is_one_of_all(limiters: Limiters) -> None:
    """Also if no limit of our own is set."""
    refused, other, limited = await limiters.new(), await limiters.new(), await limiters.new(60)
    refused.pause(100.0)
    await refused.exchange()
    await other.exchange()

    assert 95.0 < other.blocked() <= 100.0
    assert await other.turn(1.0) > 95.0
    assert await limited.turn(1.0) > 95.0


async def test_a_low_quota_paces_all_replicas(limiters: Limiters) -> None:
    one, other = await limiters.new(), await limiters.new()
    one.learn(Quota(remaining=2, reset_after=60, limit=100))
    await one.exchange()
    await other.exchange()

    assert not await _is_served(other), "the next turn is half a minute away"
    one.learn(Quota(remaining=100, reset_after=60, limit=100))
    await one.exchange()
    await other.exchange()
    assert await other.turn(ENDLESS) == 0.0


async def test_fresh_work_gets_the_turn_that_others_wait_for(limiters: Limiters) -> None:
    limiter = await limiters.new(120)
    await limiter.turn(ENDLESS)
    served = list[str]()

    async def take(name: str, priority: Priority) -> None:
        await limiter.turn(ENDLESS, lambda: priority)
        served.append(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(take("backlog", Priority.BACKLOG))
        await asyncio.sleep(0)
        group.create_task(take("fresh", Priority.FRESH))

    assert served == ["fresh", "backlog"]


async def test_a_turn_that_was_given_back_is_used_by_the_next_one(limiters: Limiters) -> None:
    limiter = await limiters.new(2)
    await limiter.reserve(ENDLESS, lambda: Priority.FRESH)
    limiter.release()

    async with asyncio.timeout(20):
        assert await limiter.turn(ENDLESS) == 0.0


async def test_requests_that_took_no_turn_count(limiters: Limiters) -> None:
    one, other = await limiters.new(6), await limiters.new(6)
    one.charge()
    await one.exchange()

    assert not await _is_served(other), "the probe had the turn"


async def test_without_postgresql_no_request_is_sent(limiters: Limiters, outside: Outside) -> None:
    limiter = await limiters.new(60)
    outside.execute("drop table rate_limits")

    with pytest.raises(LedgerUnavailable):
        await limiter.turn(ENDLESS)


async def test_a_turn_is_not_given_twice_after_a_crash_of_postgresql(
    new_postgres: Callable[..., PostgresServer], tmp_path: Path
) -> None:
    """Whoever had it before the crash uses it, although it is in the future."""
    server = new_postgres()
    interval, turns = 100.0, 5
    async with open_transactions(LedgerPlace(tmp_path, server.url), busy_sec=10) as transactions:
        row = LimitRow(transactions, "key")
        waits = [(await row.reserve(interval))[0] for _ in range(turns)]
        server.stop(signal.SIGQUIT)
        server.start()
        next_wait, _ = await row.reserve(interval)

    assert waits[-1] > interval * (turns - 2)
    assert next_wait > interval * (turns - 1)


async def _is_served(limiter: SharedLimiter) -> bool:
    """At once."""
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(limiter.turn(ENDLESS))
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        waiting.cancel()
    return bool(done)
