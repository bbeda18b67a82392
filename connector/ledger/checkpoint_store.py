"""CheckpointStore as statements; see `ports.py` for the contract."""

from connector.domain.asset_state import AssetPage, AssetQuery
from connector.domain.history import Minute, PastCycle
from connector.domain.ledger_model import Checkpoint, Summary
from connector.ledger.asset_listing import LedgerListing
from connector.ledger.asset_rows import AssetRows
from connector.ledger.database import Transactions
from connector.ledger.index_rows import IndexRows
from connector.ledger.summaries import LedgerSummaries


class SqlCheckpointStore(AssetRows, IndexRows):
    """Implements CheckpointStore. Counts and lists of assets are read beside the writes."""

    def __init__(self, transactions: Transactions, counts: Transactions, lists: Transactions) -> None:
        super().__init__(transactions)
        self._summaries, self._listing = LedgerSummaries(counts), LedgerListing(lists)

    async def summary(self, index_id: str, max_attempts: int) -> Summary:
        return await self._summaries.summary(index_id, max_attempts)

    async def problems(self, index_id: str, limit: int, offset: int = 0) -> list[Checkpoint]:
        return await self._summaries.problems(index_id, limit, offset)

    async def assets(
        self, index_id: str, query: AssetQuery, limit: int, *, after: str = "", before: str | None = None
    ) -> AssetPage:
        return await self._listing.assets(index_id, query, limit, after=after, before=before)

    async def absent(self, index_id: str, limit: int, offset: int = 0) -> list[Checkpoint]:
        return await self._summaries.absent(index_id, limit, offset)

    async def cycles(self, index_id: str, limit: int) -> list[PastCycle]:
        return await self._summaries.cycles(index_id, limit)

    async def minutes(self, index_id: str, since: int) -> list[Minute]:
        return await self._summaries.minutes(index_id, since)

    async def close(self) -> None:
        await self._summaries.close()
        await self._listing.close()
        await super().close()
