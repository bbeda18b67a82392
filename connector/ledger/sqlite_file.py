"""The ledger file, and transactions on it in a worker thread, because SQLite calls block.

Changes that wait while an earlier one is being committed share the next commit: a commit waits for the disk, and takes
as long for many changes as for one. Each still returns only after its commit.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from connector.domain.errors import LedgerUnavailable
from connector.ledger import schema
from connector.ledger.rows import decoded

T = TypeVar("T")

BUSY_TIMEOUT_SEC = 10


@dataclass(slots=True, eq=False)
class _Change:
    """A read or a change that waits for its transaction, and then its result."""

    operation: str
    work: Callable[[sqlite3.Connection], Any]
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
    """One connection to the ledger's file. Every commit is durable against power loss."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Read-only on a missing file behaves as an empty ledger and creates nothing."""
        self._path, self._read_only = path, read_only
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._connection: sqlite3.Connection | None = None
        self._waiting: deque[_Change] = deque()

    async def __aenter__(self) -> Self:
        """Open the file. Raises LedgerUnavailable if it cannot be used."""
        try:
            await self.ping()
        except BaseException:
            self._thread.shutdown()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def ping(self) -> None:
        """Raises LedgerUnavailable if the file cannot be read."""
        await self._run("read", lambda db: db.execute("select count(*) from indexes").fetchone())

    async def close(self) -> None:
        if self._connection:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()

    async def _run(self, operation: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in a transaction. It may run twice, so it must be safe to repeat.

        Errors of SQLite become LedgerUnavailable.
        """
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
            self._connection = _connect(self._path, read_only=self._read_only)
        with self._connection:
            for change in changes:
                change.result = change.work(self._connection)

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


def _deliver(run: asyncio.Future[list[_Change]]) -> None:
    for change in run.result():
        change.deliver()


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    connection = _reading(path) if read_only else sqlite3.connect(path, timeout=BUSY_TIMEOUT_SEC)
    connection.text_factory = decoded
    try:
        schema.refuse_newer(connection, path)
        if not read_only:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = full")
        elif schema.is_older(connection):
            connection = _copied(connection)
        schema.prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _reading(path: Path) -> sqlite3.Connection:
    """Open read-only. Copy a ledger that no process has open: SQLite would create -wal and -shm files beside it."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    if path.with_name(f"{path.name}-wal").exists():
        return sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_SEC)
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
