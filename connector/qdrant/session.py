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
from connector.qdrant.connection import Connection, Transport
from connector.qdrant.failures import CollectionMissing, translated

T = TypeVar("T")

# Its own records quote arguments; retries of requests are logged from our events.
stamina.instrumentation.set_on_retry_hooks(())

ATTEMPTS = 4
RETRY_SEC = 30
FIRST_BACKOFF_SEC, LONGEST_BACKOFF_SEC = 0.3, 5
LONGEST_RATE_LIMIT_SEC = 20
PAGE_LIMIT = 1000
GRPC_TRIAL_SEC = 30


async def _no_grpc() -> None:
    return None


class Session:
    """One connection shared by all operations. Safe for concurrent use on one event loop.

    While the connection uses REST, a request starts a trial of gRPC in the background, at most one per
    `GRPC_TRIAL_SEC`. After a success, new requests use gRPC; those in flight finish over REST.

    `page_limit` is the number of points that one request lists; it is reduced if Qdrant rejects it.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        connect_grpc: Callable[[], Awaitable[Connection | None]] = _no_grpc,
        monotonic: Callable[[], float] = time.monotonic,
        observe: Observer = lambda _: None,
    ) -> None:
        self._connect, self._connect_grpc, self._monotonic = connect, connect_grpc, monotonic
        self.observe = observe
        self._connecting = asyncio.Lock()
        self._connection: Connection | None = None
        self._trial: asyncio.Task[None] | None = None
        self._tried_at = 0.0
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
        try:
            return await self.once(operation, subject, request, refused=refused)
        except ConnectorError as error:
            if not _pause(error):
                raise
            failed = error
        try:
            async for attempt in _RETRYING.with_name(operation, (subject,), {}):
                with attempt:
                    if attempt.num == 1:
                        raise failed
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
        began_at = self._monotonic()
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
            duration_sec = self._monotonic() - began_at
            missing = isinstance(error, CollectionMissing)
            self.observe(SinkRequestEnded(operation, subject, duration_sec, code, cause, attempt, missing))

    async def close(self) -> None:
        """Drop the connection; if requests are in flight, the last of them closes it."""
        connection, self._connection = self._connection, None
        if self._trial:
            self._trial.cancel()
            await asyncio.wait([self._trial])
            self._trial = None
        if connection and not connection.users:
            await connection.close()

    @asynccontextmanager
    async def _leased(self) -> AsyncIterator[Connection]:
        async with self._connecting:
            if not self._connection:
                self._connection = await self._connect()
                self._tried_at = self._monotonic()
            connection = self._connection
        self._try_grpc(connection)
        async with self._used(connection):
            yield connection

    @asynccontextmanager
    async def _used(self, connection: Connection) -> AsyncIterator[Connection]:
        """Keep the connection open; the last user closes it if it was replaced or dropped."""
        connection.users += 1
        try:
            yield connection
        finally:
            connection.users -= 1
            if not connection.users and connection is not self._connection:
                await connection.close()

    def _try_grpc(self, connection: Connection) -> None:
        due = self._monotonic() - self._tried_at >= GRPC_TRIAL_SEC
        if connection.transport is Transport.REST and due and (self._trial is None or self._trial.done()):
            self._tried_at = self._monotonic()
            self._trial = asyncio.create_task(self._replace_rest(connection))  # noqa: TID251  outlives the request; close() ends it

    async def _replace_rest(self, rest: Connection) -> None:
        async with self._used(rest):
            better = await self._connect_grpc()
            if better and self._connection is rest:
                self._connection = better
            elif better:
                await better.close()


def _pause(error: Exception) -> bool | float:
    """For stamina: False means do not retry, a number is the wait in seconds, True selects its own back-off.

    A 429 without a retry time means that the request exceeds Qdrant's limiter, so waiting would not help.
    """
    if isinstance(error, RateLimited):
        wait = error.retry_after
        return wait if wait is not None and wait <= LONGEST_RATE_LIMIT_SEC else False
    return isinstance(error, Unavailable)


_RETRYING = stamina.retry_context(
    on=_pause,
    attempts=ATTEMPTS,
    timeout=RETRY_SEC,
    wait_initial=FIRST_BACKOFF_SEC,
    wait_max=LONGEST_BACKOFF_SEC,
)
"""Used only after a first attempt has failed, which spares all others its overhead."""
