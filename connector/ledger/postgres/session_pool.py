"""A pool of sessions of PostgreSQL."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from connector.domain.errors import LedgerUnavailable
from connector.ledger.postgres.address import PostgresAddress
from connector.ledger.postgres.postgres_errors import translated
from connector.ledger.postgres.postgres_session import Session, configure, connect

_MOST_SESSIONS = 4

# Errors are raised to who waits for a session: the log would repeat them for each attempt to connect.
logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)


class NoSession(LedgerUnavailable):
    """PostgreSQL cannot be reached, or all sessions are busy."""


class SessionPool:
    """Opens sessions when they are needed, and replaces lost ones."""

    def __init__(self, address: PostgresAddress, *, busy_sec: float, read_only: bool) -> None:
        """`busy_sec`: how long to wait for a session."""
        self._address, self._busy_sec, self._read_only = address, busy_sec, read_only
        self._pool: AsyncConnectionPool[Session] | None = None

    async def open(self) -> None:
        self._pool = AsyncConnectionPool(
            connection_class=psycopg.AsyncConnection,
            kwargs={**self._address.parameters, "autocommit": True, "cursor_factory": psycopg.AsyncRawCursor},
            configure=self._configure,
            min_size=0,
            max_size=_MOST_SESSIONS,
            timeout=self._busy_sec,
            open=False,
        )
        await self._pool.open()

    async def close(self) -> None:
        if self._pool:
            await self._pool.close()

    @asynccontextmanager
    async def session(self, operation: str) -> AsyncIterator[Session]:
        """A session for this block only. Raises NoSession."""
        assert self._pool, "it is open"  # noqa: S101  a defect of the caller
        try:
            session = await self._pool.getconn()
        except PoolTimeout as error:
            reason = await self._reason(operation, error)
            raise NoSession(reason.operation, reason.subject, reason.cause, reason.advice) from error
        try:
            yield session
        except psycopg.errors.ReadOnlySqlTransaction:
            await session.close()  # it would stay read-only when the database is not any more
            raise
        finally:
            await self._pool.putconn(session)

    async def replace_lost(self) -> None:
        """A restart of PostgreSQL ends all sessions."""
        if self._pool:
            await self._pool.check()

    async def _configure(self, session: Session) -> None:
        await configure(session, self._address, busy_sec=self._busy_sec, read_only=self._read_only)

    async def _reason(self, operation: str, error: PoolTimeout) -> LedgerUnavailable:
        """The pool does not tell why it cannot connect."""
        try:
            async with await connect(self._address, busy_sec=self._busy_sec, read_only=self._read_only):
                return translated(error, operation, self._address.shown)
        except psycopg.Error as reason:
            return translated(reason, operation, self._address.shown)
