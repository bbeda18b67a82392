"""What the ledger knows of each index, in SQLite: its state, reports, history and claims."""

import json
import socket
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import astuple
from typing import Any

from connector.domain.history import KEPT_CYCLES, KEPT_MINUTES, Minute, shortened
from connector.domain.ledger_model import Checkpoint, Identity, IndexState
from connector.ledger import cells
from connector.ledger.asset_rows import put_missing
from connector.ledger.rows import LedgerRow
from connector.ledger.sqlite_file import SqliteFile
from connector.ports import StateChange

_OF_INDEX = ("checkpoints", "deletes", "indexes", "claims", "cycles", "minutes", "totals")


class SqliteIndexRows(SqliteFile):
    """Implements IndexStates and Claims; see `ports.py` for the contract."""

    async def state(self, index_id: str) -> IndexState | None:
        return await self._run("read", lambda db: _state(db, index_id))

    async def adopt(self, index_id: str, rows: Collection[Checkpoint], first: IndexState) -> None:
        def work(db: sqlite3.Connection) -> None:
            put_missing(db, index_id, rows)
            if _state(db, index_id) is None:
                cells.write_state(db, index_id, first)

        await self._run("write", work)

    async def update_state(self, index_id: str, change: StateChange) -> IndexState | None:
        def work(db: sqlite3.Connection) -> IndexState | None:
            before = _state(db, index_id)
            after = before and change(before)
            if after and after != before:
                cells.write_state(db, index_id, after)
            return after

        return await self._run("write", work)

    async def save_report(
        self, index_id: str, report: Mapping[str, Any], *, kind: str = "sync", ended_at: float = 0.0
    ) -> None:
        def work(db: sqlite3.Connection) -> None:
            text = json.dumps(report)
            db.execute(
                "insert into indexes (index_id, report) values (?, ?)"
                " on conflict do update set report = excluded.report",
                (index_id, text),
            )
            cycle = (index_id, kind, ended_at, json.dumps(shortened(report)))
            db.execute("insert into cycles (index_id, kind, ended_at, report) values (?, ?, ?, ?)", cycle)
            db.execute(
                "delete from cycles where index_id = ?1 and id <= ("
                "select id from cycles where index_id = ?1 order by id desc limit 1 offset ?2)",
                (index_id, KEPT_CYCLES),
            )

        await self._run("write", work)

    async def add_minute(self, index_id: str, minute: Minute) -> None:
        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "insert into minutes values (?, ?, ?, ?, ?, ?, ?) on conflict do update set"
                " assets = assets + excluded.assets, points = points + excluded.points, lags = lags + excluded.lags,"
                " lag_sum = lag_sum + excluded.lag_sum, lag_max = max(lag_max, excluded.lag_max)",
                (index_id, *astuple(minute)),
            )
            db.execute(
                "delete from minutes where index_id = ? and minute <= ?", (index_id, minute.minute - KEPT_MINUTES)
            )

        await self._run("write", work)

    async def known(self) -> list[str]:
        query = "select index_id from indexes where first_cycle_at is not null order by index_id"
        return await self._run("read", lambda db: [_index_id(cell) for (cell,) in db.execute(query)])

    async def reports(self) -> dict[str, dict[str, Any]]:
        query = "select index_id, report from indexes order by index_id"
        return await self._run("read", lambda db: dict(_report(*row) for row in db.execute(query)))

    async def drop_index(self, index_id: str) -> None:
        def work(db: sqlite3.Connection) -> None:
            for table in _OF_INDEX:
                db.execute(f"delete from {table} where index_id = ?", (index_id,))  # noqa: S608  literals of this module

        await self._run("write", work)

    async def identity(self) -> Identity:
        def work(db: sqlite3.Connection) -> str:
            row = db.execute("select ledger_id from identity").fetchone()
            return LedgerRow("identity", (1,)).text("ledger_id", row[0]) if row else ""

        return Identity(await self._run("read", work), f"{self._path.absolute()} on {socket.gethostname()}")

    async def claims(self, index_id: str) -> dict[str, int]:
        query = "select instance_id, epoch from claims where index_id = ?"
        return await self._run(
            "read", lambda db: dict(_claim(index_id, *row) for row in db.execute(query, (index_id,)))
        )

    async def save_claim(self, index_id: str, instance_id: str, epoch: int) -> None:
        query = "insert or replace into claims values (?, ?, ?)"
        await self._run("write", lambda db: db.execute(query, (index_id, instance_id, epoch)))


def _state(db: sqlite3.Connection, index_id: str) -> IndexState | None:
    query = f"select {cells.STATE_COLUMNS} from indexes where index_id = ? and first_cycle_at is not null"  # noqa: S608  only constants are inserted
    row = db.execute(query, (index_id,)).fetchone()
    return cells.state(index_id, row) if row else None


def _index_id(cell: object) -> str:
    return LedgerRow("indexes", (cell,)).text("index_id", cell)


def _report(cell: object, report: object) -> tuple[str, dict[str, Any]]:
    index_id = _index_id(cell)
    return index_id, {} if report is None else LedgerRow("indexes", (index_id,)).document("report", report)


def _claim(index_id: str, instance_id: object, epoch: object) -> tuple[str, int]:
    row = LedgerRow("claims", (index_id, instance_id))
    if not isinstance(epoch, int):
        row.damaged("epoch", "not an integer")
    return row.text("instance_id", instance_id), epoch
