"""The daemon's heartbeat in the ledger: its current state, which `status` shows."""

import json
from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

from connector.ledger.database import Database, LedgerTables
from connector.ledger.rows import LedgerRow


class _LiveIndex(TypedDict):
    doing: str
    planned: int
    done: int
    error: dict[str, str] | None
    in_hand: NotRequired[list[str]]
    next_poll_at: NotRequired[str | None]
    next_cycle_at: NotRequired[str | None]


class _Live(TypedDict):
    """The keys that `status` reads; a daemon of another release may write more."""

    state: str
    pid: int
    indexes: dict[str, _LiveIndex]


class Heartbeat(LedgerTables):
    """Written by the daemon only."""

    async def write(self, live: Mapping[str, Any]) -> None:
        """Replace the last heartbeat. Success also proves that the ledger is writable, and still has its name."""

        async def work(db: Database) -> None:
            self._transactions.check_place()
            query = "insert into daemon (id, live) values (1, ?) on conflict (id) do update set live = excluded.live"
            await db.execute(query, (json.dumps(live),))

        await self._run("write", work)

    async def read(self) -> dict[str, Any] | None:
        """The last heartbeat; None if there was none."""

        async def work(db: Database) -> dict[str, Any] | None:
            row = (await db.execute("select live from daemon")).fetchone()
            return LedgerRow("daemon", (1,)).document_like("live", row[0], _Live) if row else None

        return await self._run("read", work)
