"""Sessions of PostgreSQL, and the ledger's statements on them."""

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import count
from typing import Any

from psycopg import AsyncConnection, AsyncRawCursor, sql
from psycopg.abc import Buffer
from psycopg.adapt import Loader

from connector.ledger.database import Dialect, Row
from connector.ledger.postgres import escaped_text
from connector.ledger.postgres.address import PostgresAddress

_PARAMETER = re.compile(r"\?(\d*)")
_HINT = re.compile(r" indexed by \w+")
_STATEMENT_SEC, _ABANDONED_SEC = 60, 10

Session = AsyncConnection[Row]


class FlagLoader(Loader):
    """Flags are 0 and 1, as in SQLite, in results of the ledger only: other users of a session expect booleans."""

    def load(self, data: Buffer) -> int:
        return int(bytes(data) == b"t")


class Rows:
    """The result of a statement; implements Found."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[Row], rowcount: int) -> None:
        self._rows, self.rowcount = iter(rows), rowcount

    def __iter__(self) -> Iterator[Row]:
        return self._rows

    def fetchone(self) -> Row | None:
        return next(self._rows, None)


class PostgresConnection:
    """Implements Database."""

    dialect = Dialect(
        rows_at_once=1000,  # they are converted on the event loop
        for_update="for update",
        name_contains="(strpos(lower(indexed_asset_id), ?) > 0 or strpos(lower(listed_filename(listed)), ?) > 0)",
    )

    def __init__(self, session: Session) -> None:
        self._session = session

    async def execute(self, query: str, values: Sequence[object] = (), /) -> Rows:
        cursor = self._session.cursor()
        cursor.adapters.register_loader("bool", FlagLoader)
        await cursor.execute(translated_query(query), values)
        return Rows(await cursor.fetchall() if cursor.description else [], cursor.rowcount)

    async def executemany(self, query: str, rows: Iterable[Sequence[object]], /) -> None:
        async with self._session.cursor() as cursor:
            await cursor.executemany(translated_query(query), rows)

    async def valid(self, query: str, values: Sequence[object] = ()) -> Generator[Row, None, None]:
        """PostgreSQL stores no text that is not valid."""
        found = await self.execute(query, values)
        return (row for row in found)


@lru_cache(maxsize=256)
def translated_query(query: str) -> bytes:
    """With the parameters of PostgreSQL, `$1`, and without hints."""
    numbers = count(1)
    return _PARAMETER.sub(lambda found: f"${found[1] or next(numbers)}", _HINT.sub("", query)).encode()


async def connect(address: PostgresAddress, *, busy_sec: float, read_only: bool = False) -> Session:
    """A session without an open transaction. Raises psycopg.Error."""
    limit = min(int(address.parameters["connect_timeout"]), max(2, round(busy_sec)))
    parameters = {**address.parameters, "connect_timeout": limit}
    session: Session = await AsyncConnection.connect(autocommit=True, cursor_factory=AsyncRawCursor, **parameters)
    try:
        await configure(session, address, busy_sec=busy_sec, read_only=read_only)
    except BaseException:
        await session.close()
        raise
    return session


async def configure(session: Session, address: PostgresAddress, *, busy_sec: float, read_only: bool) -> None:
    """What each session has, whatever the server's defaults are. One statement: one way to the server and back."""
    settings: dict[str, Any] = {
        "search_path": f'"{address.schema}"',
        "synchronous_commit": "on",
        "default_transaction_isolation": "read committed",
        "lock_timeout": f"{round(busy_sec * 1000)}ms",
        "statement_timeout": f"{_STATEMENT_SEC}s",
        "idle_in_transaction_session_timeout": f"{_ABANDONED_SEC}s",
        "extra_float_digits": "1",
        "standard_conforming_strings": "on",
    }
    if read_only:
        settings["default_transaction_read_only"] = "on"
    names = sql.SQL(", ").join(
        sql.SQL("set_config({}, {}, false)").format(sql.Literal(name), sql.Literal(value))
        for name, value in settings.items()
    )
    await session.execute(sql.SQL("select {}").format(names))
    escaped_text.register(session)
