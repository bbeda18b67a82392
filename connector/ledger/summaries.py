"""Counts of an index, over a connection of its own: they wait for no write, and no write for them."""

import sqlite3
from dataclasses import fields
from typing import Any

from connector.domain.history import Minute, PastCycle
from connector.domain.ledger_model import Checkpoint, Summary
from connector.domain.priority import Priority
from connector.ledger import cells
from connector.ledger.rows import LedgerRow
from connector.ledger.sqlite_file import SqliteFile

_TOTALS = "select assets, applied, points, opened, fresh, command, refresh, backlog from totals where index_id = ?"
_MINUTE = tuple(field.name for field in fields(Minute))
_UNFINISHED = "checkpoints indexed by unfinished where index_id = ?{n} and (opened or attempts is not null)"
_TRIED = f"""
select
    count(attempts >= ?1 or null), count(attempts < ?1 and reason is null or null),
    count(attempts < ?1 and reason is not null and attempts = 0 or null),
    count(attempts < ?1 and reason is not null and attempts > 0 or null)
from {_UNFINISHED.format(n=2)} and priority is null
"""  # noqa: S608  literals of this module
_PROBLEMS = (
    f"select {cells.ROW_COLUMNS} from {_UNFINISHED.format(n=1)} and priority is null"  # noqa: S608  the same
    " order by indexed_asset_id limit ?2"
)


class LedgerSummaries(SqliteFile):
    """Reads only. Raises LedgerUnavailable, also for a damaged row that it comes across."""

    async def summary(self, index_id: str, max_attempts: int) -> Summary:
        def work(db: sqlite3.Connection) -> Summary:
            found = db.execute(_TOTALS, (index_id,)).fetchone()
            assets, applied, points, untried, *backlog = found or [0] * 8
            quarantined, interrupted, deferred, failed = db.execute(_TRIED, (max_attempts, index_id)).fetchone()
            return Summary(
                assets=assets,
                applied=applied,
                points=points,
                opened=untried + interrupted,
                deferred=deferred,
                failed=failed,
                quarantined=quarantined,
                backlog={priority: count for priority, count in zip(Priority, backlog, strict=True) if count},
            )

        return await self._run("read", work)

    async def cycles(self, index_id: str, limit: int) -> list[PastCycle]:
        query = "select id, kind, ended_at, report from cycles where index_id = ? order by id desc limit ?"
        return await self._run("read", lambda db: [_cycle(*row) for row in db.execute(query, (index_id, limit))])

    async def minutes(self, index_id: str, since: int) -> list[Minute]:
        query = (
            "select minute, assets, points, lags, lag_sum, lag_max from minutes"
            " where index_id = ? and minute >= ? order by minute"
        )
        return await self._run(
            "read", lambda db: [_minute(index_id, row) for row in db.execute(query, (index_id, since))]
        )

    async def problems(self, index_id: str, limit: int) -> list[Checkpoint]:
        return await self._run(
            "read", lambda db: [cells.row(index_id, it) for it in db.execute(_PROBLEMS, (index_id, limit))]
        )


def _cycle(number: int, kind: object, ended_at: float, report: object) -> PastCycle:
    at = LedgerRow("cycles", (number,))
    return PastCycle(at.text("kind", kind), ended_at, at.document("report", report))


def _minute(index_id: str, row: tuple[Any, ...]) -> Minute:
    at = LedgerRow("minutes", (index_id, row[0]))
    return at.typed("minute", dict(zip(_MINUTE, row, strict=True)), Minute)
