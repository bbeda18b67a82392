"""What the ledger knows of each index: its state, reports, history and claims."""

import json
from collections.abc import Collection, Mapping
from dataclasses import astuple
from typing import Any

from connector.domain.history import KEPT_CYCLES, KEPT_MINUTES, Minute, shortened
from connector.domain.ledger_model import Checkpoint, Identity, IndexState
from connector.ledger import cells
from connector.ledger.asset_rows import put_missing
from connector.ledger.database import Database, LedgerTables
from connector.ledger.rows import LedgerRow
from connector.ports import StateChange

_OF_INDEX = ("checkpoints", "deletes", "indexes", "claims", "cycles", "minutes")
_ADD_MINUTE = """
insert into minutes values (?, ?, ?, ?, ?, ?, ?) on conflict (index_id, minute) do update set
    assets = minutes.assets + excluded.assets,
    points = minutes.points + excluded.points,
    lags = minutes.lags + excluded.lags,
    lag_sum = minutes.lag_sum + excluded.lag_sum,
    lag_max = case when minutes.lag_max > excluded.lag_max then minutes.lag_max else excluded.lag_max end
"""


class IndexRows(LedgerTables):
    """Implements IndexStates and Claims; see `ports.py` for the contract."""

    async def state(self, index_id: str) -> IndexState | None:
        return await self._run("read", lambda db: _state(db, index_id))

    async def adopt(self, index_id: str, rows: Collection[Checkpoint], first: IndexState) -> None:
        async def work(db: Database) -> None:
            await put_missing(db, index_id, rows)
            if await _state(db, index_id) is None:
                await cells.write_state(db, index_id, first)

        await self._run("write", work)

    async def update_state(self, index_id: str, change: StateChange) -> IndexState | None:
        async def work(db: Database) -> IndexState | None:
            before = await _state(db, index_id, db.dialect.for_update)
            after = before and change(before)
            if after and after != before:
                await cells.write_state(db, index_id, after)
            return after

        return await self._run("write", work)

    async def save_report(
        self, index_id: str, report: Mapping[str, Any], *, kind: str = "sync", ended_at: float = 0.0
    ) -> None:
        async def work(db: Database) -> None:
            text = json.dumps(report)
            await db.execute(
                "insert into indexes (index_id, report) values (?, ?)"
                " on conflict (index_id) do update set report = excluded.report",
                (index_id, text),
            )
            cycle = (index_id, kind, ended_at, json.dumps(shortened(report)))
            await db.execute("insert into cycles (index_id, kind, ended_at, report) values (?, ?, ?, ?)", cycle)
            await db.execute(
                "delete from cycles where index_id = ?1 and id <= ("
                "select id from cycles where index_id = ?1 order by id desc limit 1 offset ?2)",
                (index_id, KEPT_CYCLES),
            )

        await self._run("write", work)

    async def add_minute(self, index_id: str, minute: Minute) -> None:
        async def work(db: Database) -> None:
            await db.execute(_ADD_MINUTE, (index_id, *astuple(minute)))
            old = minute.minute - KEPT_MINUTES
            await db.execute("delete from minutes where index_id = ? and minute <= ?", (index_id, old))

        await self._run("write", work)

    async def known(self) -> list[str]:
        async def work(db: Database) -> list[str]:
            query = "select index_id from indexes where first_cycle_at is not null order by index_id"
            return [_index_id(cell) for (cell,) in await db.execute(query)]

        return await self._run("read", work)

    async def reports(self) -> dict[str, dict[str, Any]]:
        async def work(db: Database) -> dict[str, dict[str, Any]]:
            query = "select index_id, report from indexes order by index_id"
            return dict(_report(*row) for row in await db.execute(query))

        return await self._run("read", work)

    async def drop_index(self, index_id: str) -> None:
        async def work(db: Database) -> None:
            for table in _OF_INDEX:
                await db.execute(f"delete from {table} where index_id = ?", (index_id,))  # noqa: S608  literals of this module

        await self._run("write", work)

    async def identity(self) -> Identity:
        async def work(db: Database) -> str:
            row = (await db.execute("select ledger_id from identity")).fetchone()
            return LedgerRow("identity", (1,)).text("ledger_id", row[0]) if row else ""

        return Identity(await self._run("read", work), self._transactions.place)

    async def claims(self, index_id: str) -> dict[str, int]:
        async def work(db: Database) -> dict[str, int]:
            query = "select instance_id, epoch from claims where index_id = ?"
            return dict(_claim(index_id, *row) for row in await db.execute(query, (index_id,)))

        return await self._run("read", work)

    async def save_claim(self, index_id: str, instance_id: str, epoch: int) -> None:
        query = (
            "insert into claims values (?, ?, ?)"
            " on conflict (index_id, instance_id) do update set epoch = excluded.epoch"
        )
        await self._run("write", lambda db: db.execute(query, (index_id, instance_id, epoch)))


async def _state(db: Database, index_id: str, locking: str = "") -> IndexState | None:
    query = f"select {cells.STATE_COLUMNS} from indexes where index_id = ? and first_cycle_at is not null {locking}"  # noqa: S608  only constants are inserted
    row = (await db.execute(query, (index_id,))).fetchone()
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
