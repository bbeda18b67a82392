"""Carries out the ledger's statements on a connection of SQLite."""

import sqlite3
from collections.abc import Coroutine, Generator, Iterable, Sequence
from typing import Any, TypeVar

from connector.ledger.database import Dialect, Found, InvalidText, Row

T = TypeVar("T")

_DIALECT = Dialect(
    rows_at_once=5000,
    for_update="",
    name_contains=(
        "(instr(lower(indexed_asset_id), ?)"
        " or instr(lower(case when json_valid(listed) then json_extract(listed, '$.filename') else '' end), ?))"
    ),
)


class SqliteConnection:
    """Implements Database. Never suspends, so that `driven` can run work in the thread of the connection."""

    dialect = _DIALECT

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    async def execute(self, query: str, values: Sequence[Any] = (), /) -> Found:
        return self.connection.execute(query, values)

    async def executemany(self, query: str, rows: Iterable[Sequence[Any]], /) -> None:
        self.connection.executemany(query, rows)

    async def valid(self, query: str, values: Sequence[Any] = ()) -> Generator[Row, None, None]:
        return self._strict(query, values)

    def _strict(self, query: str, values: Sequence[Any]) -> Generator[Row, None, None]:
        """Invalid UTF-8 raises OperationalError meanwhile, without the row."""
        before, self.connection.text_factory = self.connection.text_factory, str
        try:
            yield from self.connection.execute(query, values)
        except sqlite3.OperationalError as error:
            raise InvalidText(str(error)) from error
        finally:
            self.connection.text_factory = before


def driven(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never suspends."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError("work on the ledger awaits something else than its database")
