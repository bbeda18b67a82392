"""Sessions for PgQueuer, which converts values in its own way: no text is escaped, and flags are booleans."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from pgqueuer import PsycopgDriver
from pgqueuer.ports.driver import NotifyCallback
from psycopg import AsyncConnection, sql

from connector.ledger.postgres.address import PostgresAddress


class QueueSessions(PsycopgDriver):
    """One session listens, the other one asks: a session that waits for a notification keeps all others waiting."""

    def __init__(self, asking: AsyncConnection, listening: AsyncConnection) -> None:
        super().__init__(asking)
        self._ears, self._listens = PsycopgDriver(listening), asyncio.Event()

    async def notify(self, channel: str, payload: str) -> None:
        """Wait until a listener was added: PgQueuer probes it even before, and takes silence for a lost session."""
        await self._listens.wait()
        await super().notify(channel, payload)

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        await self._ears.add_listener(channel, callback)
        self._listens.set()

    async def remove_listener(self, channel: str, callback: NotifyCallback) -> None:
        await self._ears.remove_listener(channel, callback)

    async def __aenter__(self) -> Self:
        await self._ears.__aenter__()
        return await super().__aenter__()

    async def __aexit__(self, *error: object) -> None:
        await super().__aexit__(*error)
        await self._ears.__aexit__(*error)


@asynccontextmanager
async def queue_sessions(address: PostgresAddress) -> AsyncIterator[QueueSessions]:
    """Raises psycopg.Error."""
    async with await _connect(address) as asking, await _connect(address) as listening:
        yield QueueSessions(asking, listening)


async def _connect(address: PostgresAddress) -> AsyncConnection:
    session: AsyncConnection = await AsyncConnection.connect(autocommit=True, **address.parameters)
    try:
        await session.execute(sql.SQL("set search_path to {}").format(sql.Identifier(address.schema)))
        await session.execute("set lock_timeout to '10s'")
        await session.execute("set statement_timeout to '60s'")
    except BaseException:
        await session.close()
        raise
    return session
