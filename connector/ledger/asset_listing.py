"""Pages of assets by state. A page looks at a bounded number of rows."""

from collections.abc import Mapping
from types import MappingProxyType

from connector.domain.asset_state import AssetPage, AssetQuery, AssetState, ascii_lower
from connector.ledger import cells
from connector.ledger.database import Database, LedgerTables

MOST_SCANNED = 10_000
_PLANNED = "indexed by planned where index_id = ? and priority is not null"
_UNFINISHED = "indexed by unfinished where index_id = ? and (opened or attempts is not null) and priority is null"
_ABSENT = "indexed by absent where index_id = ? and absent_since is not null"
_ALL = "where index_id = ?"
_SETTLED = "not opened and attempts is null and priority is null"

# State -> the rows to look at, by an index that holds little else; and what is true of the ones that are meant.
_WHERE: Mapping[AssetState | None, tuple[str, str]] = MappingProxyType(
    {
        None: (_ALL, "true"),
        AssetState.APPLIED: (_ALL, f"{_SETTLED} and absent_since is null and revision is not null"),
        AssetState.IDLE: (_ALL, f"{_SETTLED} and absent_since is null and revision is null"),
        AssetState.BACKLOG: (_PLANNED, "true"),
        AssetState.OPENED: (_UNFINISHED, "attempts is null or (attempts < ? and reason is null)"),
        AssetState.DEFERRED: (_UNFINISHED, "attempts = 0 and attempts < ? and reason is not null"),
        AssetState.FAILED: (_UNFINISHED, "attempts > 0 and attempts < ? and reason is not null"),
        AssetState.QUARANTINED: (_UNFINISHED, "attempts >= ?"),
        AssetState.PENDING: (_ABSENT, _SETTLED),
    }
)


class LedgerListing(LedgerTables):
    """Reads only. Raises LedgerUnavailable, also for a damaged row that it comes across."""

    async def assets(
        self, index_id: str, query: AssetQuery, limit: int, *, after: str = "", before: str | None = None
    ) -> AssetPage:
        rows, wanted = _WHERE[query.state]
        beyond, order = (">", "asc") if before is None else ("<", "desc")
        scanned = f"checkpoints {rows} and indexed_asset_id {beyond} ? order by indexed_asset_id {order}"
        named = f" and {self._transactions.dialect.name_contains}" if query.text else ""
        found = (
            f"select {cells.ROW_COLUMNS} from (select * from {scanned} limit ?) as scanned"  # noqa: S608  literals of this module
            f" where ({wanted}){named} limit ?"
        )
        place = (index_id, after if before is None else before)
        conditions = [query.max_attempts] * wanted.count("?") + [ascii_lower(query.text)] * named.count("?")

        async def work(db: Database) -> AssetPage:
            rows = await db.execute(found, (*place, MOST_SCANNED, *conditions, limit + 1))
            page = [cells.row(index_id, it) for it in rows]
            if len(page) > limit:
                more: str | None = page[limit - 1].indexed_asset_id
            else:
                bound = f"select indexed_asset_id from {scanned} limit 1 offset ?"  # noqa: S608  the same
                (more,) = (await db.execute(bound, (*place, MOST_SCANNED - 1))).fetchone() or (None,)
            kept = page[:limit] if before is None else page[:limit][::-1]
            return AssetPage(tuple(kept), more)

        return await self._run("read", work)
