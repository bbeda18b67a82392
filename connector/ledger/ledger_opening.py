"""Opens the ledger where it is, and tells which process owns it. The only place that knows both databases."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from connector.domain.errors import ConfigError, LedgerUnavailable
from connector.domain.ledger_place import LedgerPlace
from connector.ledger.checkpoint_store import SqlCheckpointStore
from connector.ledger.command_queue import CommandQueue
from connector.ledger.copying import TableAccess
from connector.ledger.database import BUSY_TIMEOUT_SEC, Transactions
from connector.ledger.heartbeat import Heartbeat
from connector.ledger.ownership import LockHeld
from connector.ledger.sqlite import sqlite_schema
from connector.ledger.sqlite.lock import hold_lock, owning_command
from connector.ledger.sqlite.sqlite_file import SqliteFile
from connector.ledger.sqlite.sqlite_tables import sqlite_tables

if TYPE_CHECKING:  # they need psycopg, which is an extra
    from connector.ledger.postgres.address import PostgresAddress
    from connector.ledger.postgres.lease import Lease

_TAKEOVER_RETRY_SEC = 0.5
_EXTRA = "pip install 'twelvelabs-qdrant-connector[postgres]'"

log = structlog.get_logger(__name__)


def make_directory(path: Path) -> None:
    """The data directory. Raises LedgerUnavailable."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        advice = "Make it writable for this user, or set CONNECTOR_DATA_DIR"
        raise LedgerUnavailable("create data directory", str(path), str(error), advice) from error


def open_store(
    place: LedgerPlace,
    *,
    read_only: bool = False,
    busy_sec: float = BUSY_TIMEOUT_SEC,
    lease: "Lease | None" = None,
) -> SqlCheckpointStore:
    """The CheckpointStore. An async context manager, like all that is opened here.

    `busy_sec`: how long to wait for a locked ledger. `lease`: what `owned` gave. Raises ConfigError if a PostgreSQL
    ledger cannot be opened because of how the connector was installed.
    """
    first = open_transactions(place, read_only=read_only, busy_sec=busy_sec, lease=lease)
    if place.url is not None:
        return SqlCheckpointStore(first, counts=first, lists=first)
    # Over connections of their own: they wait for no write, and no write for them.
    counts, lists = (open_transactions(place, read_only=True, busy_sec=busy_sec) for _ in range(2))
    return SqlCheckpointStore(first, counts=counts, lists=lists)


def open_queue(place: LedgerPlace, *, lease: "Lease | None" = None) -> CommandQueue:
    return CommandQueue(open_transactions(place, lease=lease))


def open_heartbeat(
    place: LedgerPlace,
    *,
    read_only: bool = False,
    busy_sec: float = BUSY_TIMEOUT_SEC,
    lease: "Lease | None" = None,
) -> Heartbeat:
    transactions = open_transactions(place, read_only=read_only, busy_sec=busy_sec, lease=lease)
    if place.url is None:
        return Heartbeat(transactions)
    from connector.ledger.postgres.shared_heartbeat import SharedHeartbeat  # noqa: PLC0415  an extra

    return SharedHeartbeat(transactions)


def open_transactions(
    place: LedgerPlace, *, read_only: bool = False, busy_sec: float = BUSY_TIMEOUT_SEC, lease: "Lease | None" = None
) -> Transactions:
    if place.url is None:
        return SqliteFile(place.file, read_only=read_only, busy_sec=busy_sec)
    address = postgres_address(place)
    from connector.ledger.postgres.postgres_database import PostgresDatabase  # noqa: PLC0415  an extra

    return PostgresDatabase(address, read_only=read_only, busy_sec=busy_sec, lease=lease)


@asynccontextmanager
async def owned(place: LedgerPlace, command: str, takeover_sec: float) -> "AsyncIterator[Lease | None]":
    """Own the ledger inside the block. Yields the lease of a PostgreSQL ledger, which its writes need.

    `takeover_sec`: seconds to wait for another owner to end. Raises LockHeld or LedgerUnavailable.
    """
    async with AsyncExitStack() as stack:
        yield await _taken(stack, place, command, takeover_sec)


async def _taken(stack: AsyncExitStack, place: LedgerPlace, command: str, takeover_sec: float) -> "Lease | None":
    """`owner_of()` takes the lock of a file briefly, so fail only if a real owner is recorded."""
    deadline, told = time.monotonic() + max(takeover_sec, _TAKEOVER_RETRY_SEC), False
    while True:
        try:
            return await _take(stack, place, command)
        except LockHeld as error:
            known = await owner_of(place) is not None
            if (known and not takeover_sec) or time.monotonic() >= deadline:
                raise
            if not told:
                log.warning("ledger.lock_refused", reason=str(error), waits_sec=takeover_sec)
            told = True
            await asyncio.sleep(_TAKEOVER_RETRY_SEC)


async def _take(stack: AsyncExitStack, place: LedgerPlace, command: str) -> "Lease | None":
    if place.url is None:
        stack.enter_context(hold_lock(place.lock, command))
        return None
    address = postgres_address(place)
    from connector.ledger.postgres.lease import hold_lease  # noqa: PLC0415  an extra

    return await stack.enter_async_context(hold_lease(address, command))


async def owner_of(place: LedgerPlace) -> str | None:
    """The command of the process that owns the ledger: None without an owner, empty if it is not known.

    Raises LedgerUnavailable if PostgreSQL does not tell.
    """
    if place.url is None:
        return owning_command(place.lock)
    address = postgres_address(place)
    from connector.ledger.postgres.lease import owning_command_of  # noqa: PLC0415  an extra

    return await owning_command_of(address)


async def schema_versions(place: LedgerPlace) -> tuple[int, int]:
    """Of the ledger, 0 if there is none, and of this release. Raises LedgerUnavailable."""
    if place.url is None:
        return sqlite_schema.version_of(place.file), sqlite_schema.VERSION
    address = postgres_address(place)
    from connector.ledger.postgres.inspection import versions  # noqa: PLC0415  an extra

    return await versions(address)


@asynccontextmanager
async def open_tables(place: LedgerPlace, *, read_only: bool) -> AsyncIterator[TableAccess]:
    """The tables for a copy, within one transaction."""
    if place.url is None:
        async with sqlite_tables(place.file, read_only=read_only) as tables:
            yield tables
        return
    address = postgres_address(place)
    from connector.ledger.postgres.postgres_tables import postgres_tables  # noqa: PLC0415  an extra

    async with postgres_tables(address, read_only=read_only) as tables:
        yield tables


async def inspected(place: LedgerPlace) -> str:
    """What a PostgreSQL database is, for people. Raises ConfigError if the connector cannot use it."""
    address = postgres_address(place)
    from connector.ledger.postgres.inspection import inspect  # noqa: PLC0415  an extra

    return str(await inspect(address))


def postgres_address(place: LedgerPlace) -> "PostgresAddress":
    """Raises ConfigError if PostgreSQL support is not installed, or the URL has an unknown option."""
    try:
        from connector.ledger.postgres.address import PostgresAddress  # noqa: PLC0415  an extra
    except ImportError as error:
        cause = f"support for PostgreSQL is not installed ({error})"
        raise ConfigError("open ledger", str(place), cause, f"Install it: {_EXTRA}") from error
    return PostgresAddress.of(place.url or "", place.part)
