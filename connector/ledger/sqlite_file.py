"""The ledger file: its schema, and transactions in a worker thread, because SQLite calls block."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Self, TypeVar

from connector.domain.errors import LedgerUnavailable
from connector.ledger.rows import decoded

T = TypeVar("T")

SCHEMA_VERSION = 1
BUSY_TIMEOUT_SEC = 10
_SCHEMA = """
create table checkpoints (
    index_id text not null,
    indexed_asset_id text not null,
    opened integer not null default 0,
    collections text not null default '[]',
    applied text,
    attempt text,
    primary key (index_id, indexed_asset_id)
) without rowid;
create index unfinished on checkpoints (index_id) where opened or attempt is not null;
create table deletes (index_id text not null, at real not null, indexed_asset_id text not null);
create index deletes_by_index on deletes (index_id, at);
create table indexes (index_id text primary key, state text, report text) without rowid;
create table instances (
    index_id text not null,
    collection text not null,
    instance_id text not null,
    primary key (index_id, collection)
) without rowid;
create table orders (
    id integer primary key autoincrement,
    kind text not null,
    arguments text not null,
    state text not null default 'placed',
    progress text,
    result text
);
create table daemon (id integer primary key check (id = 1), live text not null);
"""
# No new schema version: earlier releases ignore this table and can still use the file.
_OWNERSHIP = """
begin immediate;
create table if not exists identity (id integer primary key check (id = 1), ledger_id text not null);
insert or ignore into identity values (1, lower(hex(randomblob(16))));
create table if not exists claims (
    index_id text not null,
    instance_id text not null,
    epoch integer not null,
    primary key (index_id, instance_id)
) without rowid;
commit;
"""


class SqliteFile:
    """One connection to the ledger's file. Every commit is durable against power loss."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Read-only on a missing file behaves as an empty ledger and creates nothing."""
        self._path, self._read_only = path, read_only
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._connection: sqlite3.Connection | None = None

    async def __aenter__(self) -> Self:
        """Open the file. Raises LedgerUnavailable if it cannot be used."""
        try:
            await self.ping()
        except BaseException:
            self._thread.shutdown()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def ping(self) -> None:
        """Raises LedgerUnavailable if the file cannot be read."""
        await self._run("read", lambda db: db.execute("select count(*) from indexes").fetchone())

    async def close(self) -> None:
        if self._connection:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()

    async def _run(self, operation: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run one transaction. SQLite errors become LedgerUnavailable here and nowhere else."""

        def transaction() -> T:
            try:
                if self._connection is None:
                    self._connection = _connect(self._path, read_only=self._read_only)
                with self._connection:
                    return work(self._connection)
            except (sqlite3.Error, OSError) as error:
                advice = "Check that its directory exists, is writable and has free space, or restore the file"
                raise LedgerUnavailable(f"{operation} ledger", str(self._path), str(error), advice) from error

        return await asyncio.get_running_loop().run_in_executor(self._thread, transaction)


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    connection = _reading(path) if read_only else sqlite3.connect(path, timeout=BUSY_TIMEOUT_SEC)
    connection.text_factory = decoded
    try:
        _check_schema(connection, path)
        if not read_only:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = full")
            if not connection.execute("select 1 from sqlite_master where name = 'claims'").fetchone():
                connection.executescript(_OWNERSHIP)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("pragma user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        cause = f"it has schema version {version}, but this release supports only {SCHEMA_VERSION}"
        raise LedgerUnavailable("open ledger", str(path), cause, "Use the release that wrote it or a newer one")
    if version == 0:
        connection.executescript(f"begin; {_SCHEMA} pragma user_version = {SCHEMA_VERSION}; commit;")


def _reading(path: Path) -> sqlite3.Connection:
    """Open read-only. Copy a ledger that no process has open: SQLite would create -wal and -shm files beside it."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    if path.with_name(f"{path.name}-wal").exists():
        return sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_SEC)
    if any(it.is_file() for it in path.parents):
        raise NotADirectoryError(f"not a directory: {path.parent}")
    copy = sqlite3.connect(":memory:")
    if path.exists():
        with closing(sqlite3.connect(f"{address}&immutable=1", uri=True)) as ledger:
            ledger.backup(copy)
    return copy
