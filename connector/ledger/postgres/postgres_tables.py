"""The tables of a ledger in PostgreSQL, for a copy."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import psycopg

from connector.domain.errors import LedgerUnavailable
from connector.ledger.copying import ROWS_AT_ONCE
from connector.ledger.database import BUSY_TIMEOUT_SEC, Row
from connector.ledger.postgres import postgres_migration, postgres_schema
from connector.ledger.postgres.address import PostgresAddress
from connector.ledger.postgres.postgres_errors import translated
from connector.ledger.postgres.postgres_session import Session, connect

_FLAG = "opened"
_NUMBERED = ("orders", "cycles")
_NEXT_NUMBER = "select setval(pg_get_serial_sequence($1, 'id'), (select coalesce(max(id), 0) + 1 from {}), false)"


class PostgresTables:
    """Implements TableAccess."""

    def __init__(self, address: PostgresAddress, session: Session) -> None:
        self._address, self._session = address, session

    @property
    def place(self) -> str:
        return self._address.shown

    async def rows(self, table: str, columns: Sequence[str]) -> AsyncIterator[list[Row]]:
        await self._session.execute(f"declare copied cursor for select {', '.join(columns)} from {table}".encode())  # noqa: S608  names of our tables
        while rows := await (await self._session.execute(f"fetch {ROWS_AT_ONCE} from copied".encode())).fetchall():
            yield [_with_flags(columns, row, int) for row in rows]
        await self._session.execute(b"close copied")

    async def write(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        statement = f"copy {table} ({', '.join(columns)}) from stdin".encode()
        async with self._session.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                await copy.write_row(_with_flags(columns, row, bool))

    async def clear_identity(self) -> None:
        await self._session.execute(b"delete from identity")

    async def commit(self) -> None:
        for table in _NUMBERED:
            await self._session.execute(_NEXT_NUMBER.format(table).encode(), (table,))
        await self._session.execute(b"commit")


def _with_flags(columns: Sequence[str], row: Row, kind: type[int]) -> Row:
    """The row with its flags as bool for PostgreSQL, or as int, which SQLite has."""
    if _FLAG not in columns:
        return row
    place = columns.index(_FLAG)
    return (*row[:place], kind(row[place]), *row[place + 1 :])


@asynccontextmanager
async def postgres_tables(address: PostgresAddress, *, read_only: bool) -> AsyncIterator[PostgresTables]:
    """Within one transaction, which is rolled back if it is not committed. Raises LedgerUnavailable."""
    operation = "read" if read_only else "write"
    try:
        async with await connect(address, busy_sec=BUSY_TIMEOUT_SEC, read_only=read_only) as session:
            version = await postgres_migration.version_of(session, address.schema)
            if version != postgres_schema.VERSION:
                cause = f"schema {address.schema} has no ledger" if not version else f"it has schema version {version}"
                raise LedgerUnavailable(f"{operation} ledger", address.shown, cause, "See `connector ledger migrate`")
            await session.execute(b"begin isolation level repeatable read")
            # A copy may take minutes, and one end waits for the other one.
            await session.execute(b"set local statement_timeout = 0")
            await session.execute(b"set local idle_in_transaction_session_timeout = 0")
            try:
                yield PostgresTables(address, session)
            finally:
                await session.rollback()
    except psycopg.Error as error:
        raise translated(error, operation, address.shown) from error
