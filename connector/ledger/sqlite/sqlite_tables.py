"""The tables of a ledger in an SQLite file, for a copy."""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

from connector.domain.errors import LedgerUnavailable
from connector.ledger.copying import ROWS_AT_ONCE
from connector.ledger.database import BUSY_TIMEOUT_SEC, Row
from connector.ledger.sqlite.sqlite_file import connect_file


class SqliteTables:
    """Implements TableAccess. Its calls block: a copy has nothing else to do."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path, self._connection = path, connection

    @property
    def place(self) -> str:
        return str(self._path)

    async def rows(self, table: str, columns: Sequence[str]) -> AsyncIterator[list[Row]]:
        with _translated("read", self._path):
            found = self._connection.execute(f"select {', '.join(columns)} from {table}")  # noqa: S608  names of our tables
            while rows := found.fetchmany(ROWS_AT_ONCE):
                yield rows

    async def write(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        marks = ", ".join("?" * len(columns))
        with _translated("write", self._path):
            self._connection.executemany(
                f"insert into {table} ({', '.join(columns)}) values ({marks})",  # noqa: S608  names of our tables
                rows,
            )

    async def clear_identity(self) -> None:
        with _translated("write", self._path):
            self._connection.execute("delete from identity")

    async def commit(self) -> None:
        with _translated("write", self._path):
            self._connection.commit()


@asynccontextmanager
async def sqlite_tables(path: Path, *, read_only: bool) -> AsyncIterator[SqliteTables]:
    """Rolls back what is not committed. Raises LedgerUnavailable."""
    with _translated("open", path):
        connection = connect_file(path, BUSY_TIMEOUT_SEC, read_only=read_only)
    with closing(connection):
        yield SqliteTables(path, connection)


@contextmanager
def _translated(operation: str, path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeError) as error:
        advice = "Check that its directory exists, is writable and has free space"
        raise LedgerUnavailable(f"{operation} ledger", str(path), str(error), advice) from error
