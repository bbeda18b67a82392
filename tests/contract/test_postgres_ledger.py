"""What is special about the ledger in PostgreSQL: first start, versions, totals, durability, grouped commits."""

import asyncio
import os
import sys
from asyncio import subprocess
from pathlib import Path

import psycopg
import pytest

from connector.domain.errors import LedgerUnavailable
from connector.domain.history import Minute
from connector.domain.ledger_place import LedgerPlace
from connector.domain.priority import Priority
from connector.ledger.ledger_opening import open_store, schema_versions
from tests.builders import applied, asset
from tests.waiting import wait_until

PATIENCE_SEC = 8
_WAITING = "select pid from pg_locks where not granted"
START = """
import asyncio, sys
from pathlib import Path
from connector.domain.ledger_place import LedgerPlace
from connector.ledger.ledger_opening import open_store

async def main():
    print(flush=True)
    sys.stdin.readline()
    async with open_store(LedgerPlace(Path("data"), sys.argv[1])) as ledger:
        await ledger.open("i", sys.argv[2], ["c"])

asyncio.run(main())
"""


@pytest.fixture
def there(tmp_path: Path, postgres_ledger: str) -> LedgerPlace:
    return LedgerPlace(tmp_path, postgres_ledger)


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


async def test_several_processes_may_start_at_once(there: LedgerPlace) -> None:
    assert there.url
    processes = [
        await subprocess.create_subprocess_exec(
            sys.executable, "-c", START, there.url, str(number), stdin=-1, stdout=-1, stderr=-1, env=os.environ
        )
        for number in range(4)
    ]
    for it in processes:
        assert it.stdout
        await it.stdout.readline()
    async with asyncio.TaskGroup() as group:
        ends = [group.create_task(it.communicate(b"\n")) for it in processes]

    assert [end.result()[1] for end in ends] == [b""] * 4
    async with open_store(there) as ledger:
        assert await ledger.ids("i") == {"0", "1", "2", "3"}
        assert (await ledger.summary("i", 3)).assets == 4
    assert query(there.url, "select count(*) from identity") == [(1,)]


async def test_a_newer_schema_is_refused_with_both_versions(there: LedgerPlace) -> None:
    assert await schema_versions(there) == (0, 1)
    async with open_store(there):
        assert await schema_versions(there) == (1, 1)
    query(there.url or "", "update ledger_version set version = 7")

    for read_only in (False, True):
        with pytest.raises(LedgerUnavailable, match="schema version 7, but this release supports only 1"):
            async with open_store(there, read_only=read_only):
                pass


async def test_a_reader_creates_nothing(there: LedgerPlace) -> None:
    async with open_store(there, read_only=True) as ledger:
        assert await ledger.known() == []
        await ledger.ping()
    assert await schema_versions(there) == (0, 1)

    async with open_store(there) as ledger, open_store(there, read_only=True) as reader:
        with pytest.raises(LedgerUnavailable, match="read-only transaction"):
            await reader.open("i", "a", ["c"])


async def test_totals_are_exact_while_many_write(there: LedgerPlace) -> None:
    """Several processes, as several pools; the sums are folded meanwhile."""
    async with open_store(there) as one, open_store(there) as two, open_store(there) as three:

        async def work(number: int) -> None:
            ledger, name = (one, two, three)[number % 3], f"{number // 2}"
            await ledger.plan("i", [asset(name)], Priority(number % 4))
            await ledger.attempt("i", name, "print", 1.0)
            await ledger.open("i", name, ["c"])
            await ledger.record("i", name, applied(points=number % 2 + 1))
            if number % 20 == 0:
                await ledger.add_minute("i", Minute(number, 1, 1, 0, 0.0, 0.0))
            if number % 7 == 0:
                await ledger.forget("i", name, 1.0)

        async with asyncio.TaskGroup() as group:
            for number in range(120):
                group.create_task(work(number))
        rows, summary = await one.load("i"), await two.summary("i", 3)

    assert summary.assets == len(rows)
    assert summary.applied == sum(it.applied is not None and not it.opened for it in rows.values())
    assert summary.points == sum(it.applied.points for it in rows.values() if it.applied)
    assert sum(summary.backlog.values()) == sum(it.priority is not None for it in rows.values())
    deltas = query(there.url or "", "select count(*) from totals")[0][0]
    assert isinstance(deltas, int)
    assert deltas < 300, "they were folded"


async def test_every_commit_waits_for_the_disk(there: LedgerPlace) -> None:
    """Whatever the database or the user has as its default."""
    assert there.url
    with psycopg.connect(there.url, autocommit=True) as other:
        other.execute("alter role postgres set synchronous_commit = off")
        try:
            async with open_store(there) as ledger:
                shown = await ledger._run("write", _synchronous)
        finally:
            other.execute("alter role postgres reset synchronous_commit")

    assert shown == "on"


async def _synchronous(db: object) -> str:
    found = await db.execute("select current_setting('synchronous_commit')")  # type: ignore[attr-defined]
    return str(found.fetchone()[0])


async def test_changes_that_wait_share_a_transaction(there: LedgerPlace) -> None:
    async with open_store(there) as ledger, asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(ledger.open("i", f"asset {number}", ["c"]))

    transactions = query(there.url or "", "select distinct xmin::text from checkpoints")
    assert len(transactions) <= 2  # the first one, and all that waited for it


@pytest.mark.parametrize("place", [0, 3, 7])
async def test_a_change_that_fails_leaves_the_others_alone(there: LedgerPlace, place: int) -> None:
    async with open_store(there) as ledger:
        await ledger.open("i", "damaged", ["c"])
        query(there.url or "", "update checkpoints set collections = 'no list'")
        names = [f"asset {number}" for number in range(7)]
        names.insert(place, "damaged")
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_outcome(ledger.open("i", name, ["c"]))) for name in names]
        opened = await ledger.ids("i")

    assert [it.result() is not None for it in tasks] == [number == place for number in range(8)]
    assert opened == set(names)


async def _outcome(change: object) -> LedgerUnavailable | None:
    try:
        await change  # type: ignore[misc]
    except LedgerUnavailable as error:
        return error
    return None


async def test_a_change_that_is_cancelled_disturbs_no_other(there: LedgerPlace) -> None:
    """The first one carries out those that wait with it; they are not lost with it."""
    url = there.url or ""
    async with open_store(there) as ledger:
        await ledger.open("i", "0", ["c"])
        with psycopg.connect(url) as other:
            other.execute("lock table checkpoints")
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(ledger.open("i", str(number), ["c"])) for number in range(9)]
                await asyncio.to_thread(wait_until, lambda: bool(query(url, _WAITING)), PATIENCE_SEC, "one waits")
                for cancelled in (0, 5):
                    tasks[cancelled].cancel()
                other.rollback()

        assert await ledger.ids("i") >= {str(number) for number in range(9)} - {"5"}
