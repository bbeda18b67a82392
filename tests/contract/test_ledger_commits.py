"""Changes that wait together share a commit; one that fails does not affect the others."""

import asyncio
import sqlite3
from collections.abc import Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from connector.domain.errors import LedgerUnavailable
from connector.ledger.sqlite.sqlite_store import SqliteCheckpointStore
from tests.builders import applied

_WAL_HEADER, _FRAME_HEADER = 32, 24


def commits(path: Path) -> int:
    """Commits in the write-ahead log: frames that state the size of the database after a commit."""
    log = path.with_name(f"{path.name}-wal").read_bytes()
    frame = _FRAME_HEADER + int.from_bytes(log[8:12], "big")
    starts = range(_WAL_HEADER, len(log) - frame + 1, frame)
    return sum(log[start + 4 : start + 8] != b"\0\0\0\0" for start in starts)


async def at_once(path: Path, changes: list[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Start the changes while another connection keeps the ledger locked; then unlock it and wait for them."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_outcome(it)) for it in changes]
            await asyncio.sleep(0)
            other.execute("commit")
    return [task.result() for task in tasks]


async def _outcome(change: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await change
    except LedgerUnavailable as error:
        return error


async def test_changes_that_wait_share_a_commit(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    async with SqliteCheckpointStore(path) as ledger:
        before = commits(path)
        await at_once(path, [ledger.open("i", f"asset {number}", ["c"]) for number in range(50)])
        assert commits(path) - before <= 2  # the first one, and all that waited for it
        assert len(await ledger.load("i")) == 50


async def test_a_change_sees_those_before_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    async with SqliteCheckpointStore(path) as ledger:
        changes = [
            ledger.attempt("i", "a", "print", 1.0),
            ledger.attempt("i", "a", "print", 2.0),
            ledger.rows("i", ["a"]),
            ledger.record("i", "a", applied()),
            ledger.rows("i", ["a"]),
        ]
        _, second, tried, _, done = await at_once(path, changes)
        assert second.attempts == tried["a"].attempt.attempts == 2
        assert done["a"].attempt is None


@pytest.mark.parametrize("place", [0, 3, 7])
async def test_a_change_that_fails_leaves_the_others_alone(tmp_path: Path, place: int) -> None:
    path = tmp_path / "ledger.sqlite3"
    async with SqliteCheckpointStore(path) as ledger:
        await ledger.open("i", "damaged", ["c"])
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("update checkpoints set collections = 'no list'")
        changes = [ledger.open("i", f"asset {number}", ["c"]) for number in range(7)]
        changes.insert(place, ledger.open("i", "damaged", ["c"]))
        results = await at_once(path, changes)
        assert [it is not None for it in results] == [number == place for number in range(8)]
        assert isinstance(results[place], LedgerUnavailable)
        with closing(sqlite3.connect(path)) as other:
            opened = other.execute("select count(*) from checkpoints where opened and collections = '[\"c\"]'")
            assert opened.fetchone() == (7,)


async def test_the_result_of_a_cancelled_change_disturbs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    async with SqliteCheckpointStore(path) as ledger:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("begin immediate")
            async with asyncio.TaskGroup() as group:
                group.create_task(ledger.open("i", "first", ["c"]))
                cancelled = group.create_task(ledger.open("i", "second", ["c"]))
                group.create_task(ledger.open("i", "third", ["c"]))
                await asyncio.sleep(0)
                cancelled.cancel()
                other.execute("commit")
        assert {"first", "third"} <= (await ledger.load("i")).keys()
