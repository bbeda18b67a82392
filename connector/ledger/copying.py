"""Copies a ledger from one database to another, in one transaction of the target, and compares both afterwards."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from connector.domain.errors import LedgerUnavailable
from connector.ledger import cells
from connector.ledger.database import Row

ROWS_AT_ONCE = 1000
_HASH_BITS = 256
TABLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "identity": ("id", "ledger_id"),
        "checkpoints": ("index_id", *cells.ROW_NAMES),
        "indexes": ("index_id", *cells.STATE, "report"),
        "deletes": ("index_id", "at", "indexed_asset_id"),
        "claims": ("index_id", "instance_id", "epoch"),
        "orders": ("id", "kind", "arguments", "state", "progress", "result"),
        "cycles": ("id", "index_id", "kind", "ended_at", "report"),
        "minutes": ("index_id", "minute", "assets", "points", "lags", "lag_sum", "lag_max"),
    }
)
"""What a ledger is. Its totals are kept by triggers; a heartbeat and a lease belong to a process."""

Progress = Callable[[str, int], None]
"""Is told the table and how many of its rows were written so far."""


class TableAccess(Protocol):
    """The tables of one ledger, within one transaction, which ends with `commit` or is rolled back."""

    @property
    def place(self) -> str: ...

    def rows(self, table: str, columns: Sequence[str]) -> AsyncIterator[list[Row]]:
        """All rows, a part at a time. Numbers are int or float as their column says; flags are 0 and 1."""

    async def write(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None: ...

    async def clear_identity(self) -> None:
        """Remove the identity that the new ledger was created with."""

    async def commit(self) -> None: ...


@dataclass(frozen=True, slots=True)
class TableContent:
    """Equal if the rows are equal, whatever their order."""

    rows: int
    digest: str


async def copy_ledger(
    source: TableAccess, target: TableAccess, progress: Progress = lambda _table, _rows: None
) -> dict[str, TableContent]:
    """Copy all tables and return what they contain. Raises LedgerUnavailable, also if the target is not empty."""
    await _refuse_used(target)
    await target.clear_identity()
    copied = {}
    for table, columns in TABLES.items():
        content = _Content()
        async for rows in source.rows(table, columns):
            await target.write(table, columns, rows)
            content.add(rows)
            progress(table, content.rows)
        copied[table] = content.value
        written = await content_of(target, table)
        if written != copied[table]:
            cause = f"table {table} has {written.rows} rows after the copy of {content.rows}, or others"
            raise LedgerUnavailable("copy ledger to", target.place, cause, "Report this as a defect of the connector")
    await target.commit()
    return copied


async def content_of(access: TableAccess, table: str) -> TableContent:
    content = _Content()
    async for rows in access.rows(table, TABLES[table]):
        content.add(rows)
    return content.value


def digest_of(contents: Mapping[str, TableContent]) -> str:
    """Of a whole ledger."""
    listed = [[table, content.rows, content.digest] for table, content in sorted(contents.items())]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


async def _refuse_used(target: TableAccess) -> None:
    for table in TABLES.keys() - {"identity"}:
        if (await content_of(target, table)).rows:
            advice = "Copy to an empty ledger: another file, database or schema"
            raise LedgerUnavailable("copy ledger to", target.place, f"its table {table} is not empty", advice)


class _Content:
    """The sum of the hashes of the rows: databases may order ids differently."""

    def __init__(self) -> None:
        self.rows = self._sum = 0

    def add(self, rows: Sequence[Row]) -> None:
        for row in rows:
            text = json.dumps(row).encode()
            self._sum += int.from_bytes(hashlib.sha256(text).digest(), "big")
        self._sum %= 1 << _HASH_BITS
        self.rows += len(rows)

    @property
    def value(self) -> TableContent:
        return TableContent(self.rows, f"{self._sum:064x}")
