"""The lease of the process that owns a PostgreSQL ledger. Its clock is that of the database."""

import asyncio
import os
import socket
from contextlib import AsyncExitStack
from pathlib import Path

import psycopg
import pytest

from connector.domain.errors import LedgerUnavailable
from connector.domain.ledger_place import LedgerPlace
from connector.ledger.ledger_opening import open_heartbeat, open_queue, open_store, owned, owner_of
from connector.ledger.ownership import LockHeld
from connector.ledger.postgres.lease import Lease
from tests.waiting import wait_until

PATIENCE_SEC = 20
_VALID = "select name from leases where expires_at > clock_timestamp()"
_WAITING = "select pid from pg_locks where locktype = 'advisory' and not granted"


@pytest.fixture
def there(tmp_path: Path, postgres_ledger: str) -> LedgerPlace:
    return LedgerPlace(tmp_path, postgres_ledger)


def change(place: LedgerPlace, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(place.url or "", autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def expire(place: LedgerPlace) -> None:
    """As if the first owner had been paused for the length of its lease. It may renew it if nobody takes it now."""
    change(place, "update leases set expires_at = clock_timestamp() where epoch = 1")


async def taken_over(stack: AsyncExitStack, place: LedgerPlace, command: str) -> Lease:
    """The old owner may renew its lease in between."""
    while True:
        expire(place)
        if lease := await _tried(stack, place, command):
            return lease


async def taken(stack: AsyncExitStack, place: LedgerPlace, command: str) -> Lease:
    lease = await stack.enter_async_context(owned(place, command, 0))
    assert lease
    return lease


async def test_the_second_one_is_told_who_owns_it(there: LedgerPlace) -> None:
    async with owned(there, "run", 0):
        assert await owner_of(there) == "run"
        mine = rf"it belongs to `connector run`, process {os.getpid()} on {socket.gethostname()}\. Wait until it ends"
        with pytest.raises(LockHeld, match=mine):
            async with owned(there, "sync", 0):
                pass


async def test_it_is_given_back_at_the_end_of_the_block(there: LedgerPlace) -> None:
    assert await owner_of(there) is None
    with pytest.raises(RuntimeError, match="in the block"):
        async with owned(there, "run", 0):
            raise RuntimeError("in the block")
    assert await owner_of(there) is None
    assert change(there, "select * from replicas") == []

    async with owned(there, "sync", 0):
        assert await owner_of(there) == "sync"


async def test_one_that_waits_takes_over_when_the_lease_ends(there: LedgerPlace) -> None:
    async def wait() -> str | None:
        async with owned(there, "sync", PATIENCE_SEC):
            return await owner_of(there)

    async with owned(there, "run", 0), asyncio.TaskGroup() as group:
        waiting = group.create_task(wait())
        while not waiting.done():
            # Not on the event loop, where it would wait for the transaction of the one that takes over.
            await asyncio.to_thread(expire, there)
            await asyncio.sleep(0.05)
    assert waiting.result() == "sync"


async def test_a_lease_is_renewed_while_its_block_lasts(there: LedgerPlace) -> None:
    async with owned(there, "run", 0), asyncio.timeout(PATIENCE_SEC):
        expire(there)
        await asyncio.to_thread(wait_until, lambda: bool(change(there, _VALID)), PATIENCE_SEC, "it is renewed")


async def test_what_was_taken_over_cannot_be_written_any_more(there: LedgerPlace) -> None:
    """The store, the queue and the heartbeat of the old owner refuse; the new owner's write."""
    async with AsyncExitStack() as stack:
        old = await taken(stack, there, "run")
        ledger = await stack.enter_async_context(open_store(there, lease=old))
        queue = await stack.enter_async_context(open_queue(there, lease=old))
        heartbeat = await stack.enter_async_context(open_heartbeat(there, lease=old))
        await ledger.open("i", "a", ["c"])
        new = await taken_over(stack, there, "sync")
        assert new.epoch == old.epoch + 1

        for late in (ledger.open("i", "b", ["c"]), queue.take(), heartbeat.write({})):
            with pytest.raises(LedgerUnavailable, match=r"this process lost the ledger to `connector sync`, process"):
                await late
        assert old.lost.is_set()
        assert await ledger.ids("i") == {"a"}, "what is there can still be read"
        after = await stack.enter_async_context(open_store(there, lease=new))
        await after.open("i", "c", ["c"])


async def test_an_owner_that_only_waits_notices_its_loss(there: LedgerPlace) -> None:
    async with AsyncExitStack() as stack:
        old = await taken(stack, there, "run")
        await taken_over(stack, there, "sync")
        async with asyncio.timeout(PATIENCE_SEC):
            await old.lost.wait()


async def test_a_take_over_waits_for_the_transaction_of_the_old_owner(there: LedgerPlace) -> None:
    """So that nothing is written by it afterwards."""
    async with AsyncExitStack() as stack:
        old = await taken(stack, there, "run")
        ledger = await stack.enter_async_context(open_store(there, lease=old))
        reached, go_on = asyncio.Event(), asyncio.Event()

        async def take() -> None:
            async with AsyncExitStack() as later:
                await taken_over(later, there, "sync")

        async def slow(db: object) -> None:
            await db.execute("insert into claims values ('i', 'x', 1)")  # type: ignore[attr-defined]
            reached.set()
            await go_on.wait()

        async with asyncio.TaskGroup() as group:
            group.create_task(ledger._run("write", slow))
            await reached.wait()
            taking = group.create_task(take())
            await asyncio.to_thread(wait_until, lambda: bool(change(there, _WAITING)), PATIENCE_SEC, "it waits")
            assert not taking.done()
            go_on.set()
        assert await ledger.claims("i") == {"x": 1}


async def test_only_one_of_many_gets_it(there: LedgerPlace) -> None:
    tried, all_tried = list[bool](), asyncio.Event()

    async def compete() -> None:
        try:
            async with owned(there, "run", 0):
                await end(True)
        except LockHeld:
            await end(False)

    async def end(won: bool) -> None:
        tried.append(won)
        if len(tried) == 6:
            all_tried.set()
        await all_tried.wait()

    async with asyncio.TaskGroup() as group:
        for _ in range(6):
            group.create_task(compete())
    assert tried.count(True) == 1


async def _tried(stack: AsyncExitStack, place: LedgerPlace, command: str) -> Lease | None:
    try:
        return await taken(stack, place, command)
    except LockHeld:
        return None
