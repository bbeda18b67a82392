"""CheckpointStore in SQLite: one file, one writing process, every commit durable against power loss."""

from pathlib import Path

from connector.domain.history import Minute, PastCycle
from connector.domain.ledger_model import Checkpoint, Summary
from connector.ledger.asset_rows import SqliteAssetRows
from connector.ledger.index_rows import SqliteIndexRows
from connector.ledger.summaries import LedgerSummaries


class SqliteCheckpointStore(SqliteAssetRows, SqliteIndexRows):
    """Implements CheckpointStore; see `ports.py` for the contract."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        super().__init__(path, read_only=read_only)
        self._summaries = LedgerSummaries(path, read_only=True)

    async def summary(self, index_id: str, max_attempts: int) -> Summary:
        return await self._summaries.summary(index_id, max_attempts)

    async def problems(self, index_id: str, limit: int) -> list[Checkpoint]:
        return await self._summaries.problems(index_id, limit)

    async def cycles(self, index_id: str, limit: int) -> list[PastCycle]:
        return await self._summaries.cycles(index_id, limit)

    async def minutes(self, index_id: str, since: int) -> list[Minute]:
        return await self._summaries.minutes(index_id, since)

    async def close(self) -> None:
        await self._summaries.close()
        await super().close()
