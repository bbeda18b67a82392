"""Counts of an index, and its history."""

from dataclasses import fields
from typing import Any

from connector.domain.history import Minute, PastCycle
from connector.domain.ledger_model import Checkpoint, Summary
from connector.domain.priority import Priority
from connector.ledger import cells
from connector.ledger.database import Database, LedgerTables
from connector.ledger.rows import LedgerRow

_SUMS = ("assets", "applied", "points", "opened", "fresh", "command", "refresh", "backlog")
_TOTALS = f"select {', '.join(f'cast(sum({name}) as bigint)' for name in _SUMS)} from totals where index_id = ?"  # noqa: S608  literals of this module
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
    " order by indexed_asset_id limit ?2 offset ?3"
)
_ABSENT = "checkpoints indexed by absent where index_id = ?1 and absent_since is not null"
_ABSENT_ROWS = f"select {cells.ROW_COLUMNS} from {_ABSENT} order by indexed_asset_id limit ?2 offset ?3"  # noqa: S608  the same


class LedgerSummaries(LedgerTables):
    """Reads only. Raises LedgerUnavailable, also for a damaged row that it comes across."""

    async def summary(self, index_id: str, max_attempts: int) -> Summary:
        async def work(db: Database) -> Summary:
            found = (await db.execute(_TOTALS, (index_id,))).fetchone()
            assets, applied, points, untried, *backlog = [it or 0 for it in found]
            tried = (await db.execute(_TRIED, (max_attempts, index_id))).fetchone()
            quarantined, interrupted, deferred, failed = tried
            (pending,) = (await db.execute(f"select count(*) from {_ABSENT}", (index_id,))).fetchone()  # noqa: S608  the same
            return Summary(
                assets=assets,
                applied=applied,
                points=points,
                opened=untried + interrupted,
                deferred=deferred,
                failed=failed,
                quarantined=quarantined,
                pending=pending,
                backlog={priority: count for priority, count in zip(Priority, backlog, strict=True) if count},
            )

        return await self._run("read", work)

    async def cycles(self, index_id: str, limit: int) -> list[PastCycle]:
        async def work(db: Database) -> list[PastCycle]:
            query = "select id, kind, ended_at, report from cycles where index_id = ? order by id desc limit ?"
            return [_cycle(*row) for row in await db.execute(query, (index_id, limit))]

        return await self._run("read", work)

    async def minutes(self, index_id: str, since: int) -> list[Minute]:
        query = (
            "select minute, assets, points, lags, lag_sum, lag_max from minutes"
            " where index_id = ? and minute >= ? order by minute"
        )

        async def work(db: Database) -> list[Minute]:
            return [_minute(index_id, row) for row in await db.execute(query, (index_id, since))]

        return await self._run("read", work)

    async def problems(self, index_id: str, limit: int, offset: int = 0) -> list[Checkpoint]:
        return await self._rows(_PROBLEMS, index_id, limit, offset)

    async def absent(self, index_id: str, limit: int, offset: int = 0) -> list[Checkpoint]:
        return await self._rows(_ABSENT_ROWS, index_id, limit, offset)

    async def _rows(self, query: str, *values: str | int) -> list[Checkpoint]:
        index_id = str(values[0])

        async def work(db: Database) -> list[Checkpoint]:
            return [cells.row(index_id, it) for it in await db.execute(query, values)]

        return await self._run("read", work)


def _cycle(number: int, kind: object, ended_at: float, report: object) -> PastCycle:
    at = LedgerRow("cycles", (number,))
    return PastCycle(at.text("kind", kind), ended_at, at.document("report", report))


def _minute(index_id: str, row: tuple[Any, ...]) -> Minute:
    at = LedgerRow("minutes", (index_id, row[0]))
    return at.typed("minute", dict(zip(_MINUTE, row, strict=True)), Minute)
