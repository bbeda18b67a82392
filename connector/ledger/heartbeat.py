"""The daemon's heartbeat in the ledger file: its current state, which `status` shows."""

import json
from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

from connector.ledger.rows import LedgerRow
from connector.ledger.sqlite_file import SqliteFile


class _LiveIndex(TypedDict):
    doing: str
    planned: int
    done: int
    error: dict[str, str] | None
    next_poll_at: NotRequired[str | None]
    next_cycle_at: NotRequired[str | None]


class _Live(TypedDict):
    """The keys that `status` reads; a daemon of another release may write more."""

    state: str
    pid: int
    indexes: dict[str, _LiveIndex]


class Heartbeat(SqliteFile):
    """Written by the daemon only."""

    async def write(self, live: Mapping[str, Any]) -> None:
        """Replace the last heartbeat. Success also proves that the ledger is writable."""
        query = "insert or replace into daemon (id, live) values (1, ?)"
        await self._run("write", lambda db: db.execute(query, (json.dumps(live),)))

    async def read(self) -> dict[str, Any] | None:
        """The last heartbeat; None if there was none."""
        row = await self._run("read", lambda db: db.execute("select live from daemon").fetchone())
        return LedgerRow("daemon", (1,)).document_like("live", row[0], _Live) if row else None
