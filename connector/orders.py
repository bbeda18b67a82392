"""Orders: what a command gives to the daemon that owns the ledger; and the daemon's sign of life. Both are in it."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from connector.sqlite_file import SqliteFile


class OrderState(StrEnum):
    PLACED = "placed"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    ABANDONED = "abandoned"


ENDED = frozenset({OrderState.DONE, OrderState.REFUSED, OrderState.ABANDONED})


@dataclass(frozen=True, slots=True)
class Order:
    """`kind` is the command's name; arguments, progress and result are JSON values of that command."""

    order_id: int
    kind: str
    arguments: Mapping[str, Any]
    state: OrderState
    progress: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)


class OrderBook(SqliteFile):
    """Both sides of the counter. The side that does not own the ledger writes nothing else."""

    async def place(self, kind: str, arguments: Mapping[str, Any]) -> int:
        """Its id."""
        query = "insert into orders (kind, arguments) values (?, ?) returning id"
        return await self._run("write", lambda db: int(db.execute(query, (kind, json.dumps(arguments))).fetchone()[0]))

    async def take(self) -> Order | None:
        """The oldest one that nobody has taken."""

        def work(db: sqlite3.Connection) -> Order | None:
            row = db.execute("select id from orders where state = 'placed' order by id limit 1").fetchone()
            if row is None:
                return None
            db.execute("update orders set state = 'running' where id = ?", row)
            return _order(db, row[0])

        return await self._run("write", work)

    async def progress(self, order_id: int, progress: Mapping[str, Any]) -> None:
        query = "update orders set progress = ? where id = ?"
        await self._run("write", lambda db: db.execute(query, (json.dumps(progress), order_id)))

    async def finish(self, order_id: int, state: OrderState, result: Mapping[str, Any]) -> None:
        query = "update orders set state = ?, result = ? where id = ?"
        await self._run("write", lambda db: db.execute(query, (state.value, json.dumps(result), order_id)))

    async def look(self, order_id: int) -> Order:
        return await self._run("read", lambda db: _order(db, order_id))

    async def abandon_all(self) -> None:
        """Nobody may be waiting any more for what a daemon that is gone left over; old ones are cleared away."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("update orders set state = 'abandoned' where state in ('placed', 'running')")
            db.execute("delete from orders where id <= (select max(id) from orders) - 100")

        await self._run("write", work)

    async def show_live(self, live: Mapping[str, Any]) -> None:
        """The daemon's state as `status` shows it; the write proves that the ledger can be written."""
        query = "insert or replace into daemon (id, live) values (1, ?)"
        await self._run("write", lambda db: db.execute(query, (json.dumps(live),)))

    async def live(self) -> dict[str, Any] | None:
        """What the last daemon showed last."""
        row = await self._run("read", lambda db: db.execute("select live from daemon").fetchone())
        return json.loads(row[0]) if row else None


def _order(db: sqlite3.Connection, order_id: int) -> Order:
    query = "select id, kind, arguments, state, progress, result from orders where id = ?"
    number, kind, arguments, state, progress, result = db.execute(query, (order_id,)).fetchone()
    return Order(
        number,
        kind,
        json.loads(arguments),
        OrderState(state),
        json.loads(progress or "{}"),
        json.loads(result or "{}"),
    )
