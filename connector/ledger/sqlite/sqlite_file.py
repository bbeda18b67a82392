"""The ledger file, and transactions on it in a worker thread, because SQLite calls block.

Changes that wait while an earlier one is being committed share the next commit: a commit waits for the disk, and takes
as long for many changes as for one. Each still returns only after its commit.
"""

import asyncio
import os
import socket
import sqlite3
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from os.path import samestat
from pathlib import Path
from typing import Any, Self, TypeVar

from connector.domain.errors import LedgerUnavailable
from connector.ledger.database import BUSY_TIMEOUT_SEC, Database, Work
from connector.ledger.rows import decoded
from connector.ledger.sqlite import sqlite_schema
from connector.ledger.sqlite.sqlite_connection import SqliteConnection, driven

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Change:
    """A read or a change that waits for its transaction, and then its result."""

    operation: str
    work: Work[Any]
    done: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def deliver(self) -> None:
        if self.done.cancelled():
            return
        if self.error:
            self.done.set_exception(self.error)
        else:
            self.done.set_result(self.result)


class SqliteFile:
    """Implements Transactions with one connection to the ledger's file."""

    dialect = SqliteConnection.dialect

    def __init__(self, path: Path, *, read_only: bool = False, busy_sec: float = BUSY_TIMEOUT_SEC) -> None:
        """Read-only on a missing file behaves as an empty ledger and creates nothing.

        `busy_sec`: how long to wait while another process has locked the file.
        """
        self._path, self._read_only, self._busy_sec = path, read_only, busy_sec
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._connection: SqliteConnection | None = None
        self._opened: os.stat_result | None = None
        self._waiting: deque[_Change] = deque()

    async def __aenter__(self) -> Self:
        """Open the file. Raises LedgerUnavailable if it cannot be used."""
        try:
            await self.run("read", _count_indexes)
        except BaseException:
            self._thread.shutdown()
            raise
        self._opened = None if self._read_only else self._path.stat()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def place(self) -> str:
        return f"{self._path.absolute()} on {socket.gethostname()}"

    def check_place(self) -> None:
        """SQLite goes on writing to the file that it opened, even if nobody will find it again."""
        if not self._is_in_place():
            why = "the ledger file was removed or replaced while the connector runs"
            raise LedgerUnavailable("write ledger", str(self._path), why, "Restart the connector")

    def _is_in_place(self) -> bool:
        try:
            return self._opened is None or samestat(self._path.stat(), self._opened)
        except FileNotFoundError:
            return False

    async def close(self) -> None:
        if self._connection:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.connection.close)
        self._thread.shutdown()

    async def run(self, operation: str, work: Work[T]) -> T:
        loop = asyncio.get_running_loop()
        change = _Change(operation, work, loop.create_future())
        self._waiting.append(change)
        if len(self._waiting) == 1:
            loop.run_in_executor(self._thread, self._carry_out).add_done_callback(_deliver)
        result: T = await change.done
        return result

    def _carry_out(self) -> list[_Change]:
        """In the thread: run what waits as one transaction; if anything fails, each as its own."""
        group = []
        while self._waiting:  # check each time: a change that is added to an empty queue starts another run
            group.append(self._waiting.popleft())
        wanted = [it for it in group if not it.done.cancelled()]
        try:
            self._transaction(wanted)
        except Exception:  # noqa: BLE001  each is repeated alone, and tells its own error
            for change in wanted:
                self._alone(change)
        return wanted

    def _transaction(self, changes: Sequence[_Change]) -> None:
        if self._connection is None:
            connection = connect_file(self._path, self._busy_sec, read_only=self._read_only)
            self._connection = SqliteConnection(connection)
        with self._connection.connection:
            for change in changes:
                change.result = driven(change.work(self._connection))

    def _alone(self, change: _Change) -> None:
        """SQLite errors become LedgerUnavailable here and nowhere else."""
        try:
            self._transaction([change])
        except (sqlite3.Error, OSError) as error:
            advice = "Check that its directory exists, is writable and has free space, or restore the file"
            change.error = LedgerUnavailable(f"{change.operation} ledger", str(self._path), str(error), advice)
            change.error.__cause__ = error
        except BaseException as error:  # noqa: BLE001  raised where the change was asked for
            change.error = error


async def _count_indexes(db: Database) -> object:
    return (await db.execute("select count(*) from indexes")).fetchone()


def _deliver(run: asyncio.Future[list[_Change]]) -> None:
    for change in run.result():
        change.deliver()


def connect_file(path: Path, busy_sec: float, *, read_only: bool) -> sqlite3.Connection:
    connection = _reading(path, busy_sec) if read_only else sqlite3.connect(path, timeout=busy_sec)
    connection.text_factory = decoded
    try:
        sqlite_schema.refuse_newer(connection, path)
        if not read_only:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = full")
        elif sqlite_schema.is_older(connection):
            connection = _copied(connection)
        sqlite_schema.prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _reading(path: Path, busy_sec: float) -> sqlite3.Connection:
    """Open read-only. Copy a ledger that no process has open: SQLite would create -wal and -shm files beside it."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    if path.with_name(f"{path.name}-wal").exists():
        return sqlite3.connect(address, uri=True, timeout=busy_sec)
    if any(it.is_file() for it in path.parents):
        raise NotADirectoryError(f"not a directory: {path.parent}")
    if not path.exists():
        return sqlite3.connect(":memory:")
    return _copied(sqlite3.connect(f"{address}&immutable=1", uri=True))


def _copied(connection: sqlite3.Connection) -> sqlite3.Connection:
    """A copy in memory, which a reader may migrate. Closes the original."""
    copy = sqlite3.connect(":memory:")
    copy.text_factory = decoded
    with closing(connection):
        connection.backup(copy)
    return copy
