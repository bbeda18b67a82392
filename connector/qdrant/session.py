"""Requests to Qdrant: connects on first use, translates errors, retries, reconnects after an outage."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import stamina

from connector.domain.errors import ConnectorError, RateLimited, SinkMismatch, Unavailable
from connector.domain.events import SinkRequestEnded
from connector.ports import Observer
from connector.qdrant.connection import Connection
from connector.qdrant.failures import translated

T = TypeVar("T")

ATTEMPTS = 4
RETRY_SEC = 30
FIRST_BACKOFF_SEC, LONGEST_BACKOFF_SEC = 0.3, 5
LONGEST_RATE_LIMIT_SEC = 20
PAGE_LIMIT = 1000


class Session:
    """One connection shared by all operations. Safe for concurrent use on one event loop.

    `page_limit` is the number of points that one request lists; it is reduced if Qdrant rejects it.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], observe: Observer = lambda _: None) -> None:
        self._connect, self._observe = connect, observe
        self._connecting = asyncio.Lock()
        self._connection: Connection | None = None
        self.page_limit = PAGE_LIMIT

    async def call(
        self,
        operation: str,
        subject: str,
        request: Callable[[Connection], Awaitable[T]],
        *,
        refused: type[ConnectorError] = SinkMismatch,
    ) -> T:
        """Send an idempotent request; retry transient failures a limited number of times.

        A request that times out may have been executed, so it must be safe to repeat.
        """
        retrying = stamina.retry_context(
            on=_pause,
            attempts=ATTEMPTS,
            timeout=RETRY_SEC,
            wait_initial=FIRST_BACKOFF_SEC,
            wait_max=LONGEST_BACKOFF_SEC,
        )
        try:
            async for attempt in retrying.with_name(operation, (subject,), {}):
                with attempt:
                    return await self.once(operation, subject, request, refused=refused, attempt=attempt.num)
        except Unavailable:
            await self.close()
            raise
        raise AssertionError("unreachable: a retry loop ends with a result or an error")

    async def once(
        self,
        operation: str,
        subject: str,
        request: Callable[[Connection], Awaitable[T]],
        *,
        refused: type[ConnectorError] = SinkMismatch,
        attempt: int = 1,
    ) -> T:
        began_at = time.monotonic()
        error: ConnectorError | None = None
        try:
            async with self._leased() as connection:
                with translated(operation, subject, refused):
                    return await request(connection)
        except ConnectorError as raised:
            error = raised
            raise
        finally:
            code, cause = (error.code, error.cause) if error else (None, "")
            duration_sec = time.monotonic() - began_at
            self._observe(SinkRequestEnded(operation, subject, duration_sec, code, cause, attempt))

    async def close(self) -> None:
        """Drop the connection; if requests are in flight, the last of them closes it."""
        connection, self._connection = self._connection, None
        if connection and not connection.users:
            await connection.close()

    @asynccontextmanager
    async def _leased(self) -> AsyncIterator[Connection]:
        async with self._connecting:
            connection = self._connection = self._connection or await self._connect()
        connection.users += 1
        try:
            yield connection
        finally:
            connection.users -= 1
            if not connection.users and connection is not self._connection:
                await connection.close()


def _pause(error: Exception) -> bool | float:
    """For stamina: False means do not retry, a number is the wait in seconds, True selects its own back-off.

    A 429 without a retry time means that the request exceeds Qdrant's limiter, so waiting would not help.
    """
    if isinstance(error, RateLimited):
        wait = error.retry_after
        return wait if wait is not None and wait <= LONGEST_RATE_LIMIT_SEC else False
    return isinstance(error, Unavailable)
