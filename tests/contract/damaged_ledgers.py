"""A ledger with data in every table, ways to damage a cell, and the message that reading it gives."""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from connector.domain.errors import LedgerUnavailable
from connector.domain.ledger_model import IndexState
from connector.domain.report import CycleReport
from connector.ledger.command_queue import CommandQueue
from connector.ledger.heartbeat import Heartbeat
from connector.ledger.sqlite.sqlite_file import SqliteFile
from connector.ledger.sqlite.sqlite_store import SqliteCheckpointStore
from tests.builders import applied, attempt, row

Read = Callable[[SqliteCheckpointStore], Awaitable[Any]]

NEWER = "was written by a newer release. Use that release or a newer one"
DAMAGED = "Restore the ledger from a backup, or move it away"


async def filled_ledger(path: Path) -> Path:
    """Data in every table."""
    async with SqliteCheckpointStore(path) as ledger, CommandQueue(SqliteFile(path)) as queue:
        rows = [row(name, applied(), attempt=attempt(reason="broken", code="x")) for name in ("a", "b")]
        await ledger.adopt("i", rows, IndexState(1.0, 2.0, pending=frozenset({"p"})))
        await ledger.adopt("j", [row("a", applied())], IndexState(1.0, 2.0))
        await ledger.save_report("i", asdict(CycleReport("i")))
        await ledger.save_claim("i", "instance", 1)
        await ledger.open("i", "gone", ["c"])
        await ledger.forget("i", "gone", 9.0)
        await queue.place("sync", {"indexes": []})
        await queue.place("forget", {"index_id": "i"})
    async with Heartbeat(SqliteFile(path)) as heartbeat:
        await heartbeat.write({"state": "running", "pid": 1, "indexes": {}})
    return path


def damage(path: Path, update: str, *values: Any, **names: str) -> None:
    """`names` replace placeholders in the statement."""
    for word, name in names.items():
        update = update.replace(word, name)
    with closing(sqlite3.connect(path)) as db, db:
        assert db.execute(update, values).rowcount > 0


async def refused(path: Path, read: Read) -> str:
    async with SqliteCheckpointStore(path) as ledger:
        with pytest.raises(LedgerUnavailable) as error:
            await read(ledger)
    return str(error.value)
