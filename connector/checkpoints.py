"""The ledger in SQLite: one file, one process that writes, every commit durable against power loss."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self, TypeVar

from connector.errors import LedgerUnavailable
from connector.model import Applied, Attempt, Checkpoint, IndexState

T = TypeVar("T")

SCHEMA_VERSION = 1
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
create table deletes (index_id text not null, at real not null, indexed_asset_id text not null);
create index deletes_by_index on deletes (index_id, at);
create table indexes (index_id text primary key, state text, report text) without rowid;
create table instances (
    index_id text not null,
    collection text not null,
    instance_id text not null,
    primary key (index_id, collection)
) without rowid;
"""
_DELETES_KEPT_SEC = 30 * 86_400.0


class SqliteCheckpointStore:
    """A CheckpointStore. SQLite's calls block, so they run one after the other in a thread of their own."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """A read-only store of a file that does not exist is empty, and creates nothing."""
        self._path, self._read_only = path, read_only
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._connection: sqlite3.Connection | None = None

    async def __aenter__(self) -> Self:
        """Raises LedgerUnavailable when the file cannot be used."""
        try:
            await self.reports()
        except BaseException:
            self._thread.shutdown()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._connection:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()

    async def load(self, index_id: str) -> dict[str, Checkpoint]:
        query = "select indexed_asset_id, opened, collections, applied, attempt from checkpoints where index_id = ?"
        return await self._run("read", lambda db: {row[0]: _checkpoint(*row) for row in db.execute(query, (index_id,))})

    async def attempt(self, index_id: str, indexed_asset_id: str, fingerprint: str, now: float) -> Attempt:
        def work(db: sqlite3.Connection) -> Attempt:
            query = "select attempt from checkpoints where index_id = ? and indexed_asset_id = ?"
            row = db.execute(query, (index_id, indexed_asset_id)).fetchone()
            before = Attempt(**json.loads(row[0])) if row and row[0] else None
            same = before if before and before.fingerprint == fingerprint else None
            attempt = Attempt(fingerprint, same.attempts + 1 if same else 1, same.since if same else now)
            _set_attempt(db, index_id, indexed_asset_id, attempt)
            return attempt

        return await self._run("write", work)

    async def open(self, index_id: str, indexed_asset_id: str, collections: Collection[str]) -> None:
        await self._run("write", lambda db: _open(db, index_id, [indexed_asset_id], collections))

    async def reopen(self, index_id: str, indexed_asset_ids: Collection[str], collection: str) -> None:
        await self._run("write", lambda db: _open(db, index_id, indexed_asset_ids, [collection]))

    async def record(self, index_id: str, indexed_asset_id: str, applied: Applied) -> None:
        row = Checkpoint(indexed_asset_id, applied=applied, collections=frozenset({applied.collection}))
        await self._run("write", lambda db: _put(db, index_id, [row]))

    async def fail(self, index_id: str, indexed_asset_id: str, attempt: Attempt) -> None:
        await self._run("write", lambda db: _set_attempt(db, index_id, indexed_asset_id, attempt))

    async def adopt(self, index_id: str, rows: Collection[Checkpoint], state: IndexState) -> None:
        def work(db: sqlite3.Connection) -> None:
            _put(db, index_id, rows)
            _set_index(db, index_id, "state", asdict(state))

        await self._run("write", work)

    async def forget(self, index_id: str, indexed_asset_id: str, now: float) -> None:
        def work(db: sqlite3.Connection) -> None:
            key = (index_id, indexed_asset_id)
            gone = db.execute(
                "delete from checkpoints where index_id = ? and indexed_asset_id = ? returning collections", key
            ).fetchall()
            if any(json.loads(collections) for (collections,) in gone):
                db.execute("insert into deletes values (?, ?, ?)", (index_id, now, indexed_asset_id))
            db.execute("delete from deletes where at < ?", (now - _DELETES_KEPT_SEC,))

        await self._run("write", work)

    async def deletes_since(self, index_id: str, since: float) -> int:
        query = "select count(*) from deletes where index_id = ? and at > ?"
        return await self._run("read", lambda db: int(db.execute(query, (index_id, since)).fetchone()[0]))

    async def state(self, index_id: str) -> IndexState | None:
        query = "select state from indexes where index_id = ?"
        row = await self._run("read", lambda db: db.execute(query, (index_id,)).fetchone())
        return IndexState(**json.loads(row[0])) if row and row[0] else None

    async def save_state(self, index_id: str, state: IndexState) -> None:
        await self._run("write", lambda db: _set_index(db, index_id, "state", asdict(state)))

    async def save_report(self, index_id: str, report: Mapping[str, Any]) -> None:
        await self._run("write", lambda db: _set_index(db, index_id, "report", report))

    async def reports(self) -> dict[str, dict[str, Any]]:
        query = "select index_id, report from indexes order by index_id"
        return await self._run(
            "read", lambda db: {row[0]: json.loads(row[1]) if row[1] else {} for row in db.execute(query)}
        )

    async def instance(self, index_id: str, collection: str) -> str | None:
        query = "select instance_id from instances where index_id = ? and collection = ?"
        row = await self._run("read", lambda db: db.execute(query, (index_id, collection)).fetchone())
        return row[0] if row else None

    async def save_instance(self, index_id: str, collection: str, instance_id: str) -> None:
        query = "insert or replace into instances values (?, ?, ?)"
        await self._run("write", lambda db: db.execute(query, (index_id, collection, instance_id)))

    async def _run(self, operation: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """One transaction in the ledger's thread. The one place where SQLite's errors become ours."""

        def transaction() -> T:
            try:
                if self._connection is None:
                    self._connection = _connect(self._path, read_only=self._read_only)
                with self._connection:
                    return work(self._connection)
            except (sqlite3.Error, OSError) as error:
                advice = "Check that its directory exists, can be written to and has space, or restore the file"
                raise LedgerUnavailable(f"{operation} ledger", str(self._path), str(error), advice) from error

        return await asyncio.get_running_loop().run_in_executor(self._thread, transaction)


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    connection = _reading(path) if read_only else sqlite3.connect(path, timeout=5)
    try:
        _check_schema(connection, path)
        if not read_only:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = full")
    except BaseException:
        connection.close()
        raise
    return connection


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("pragma user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        cause = f"it has schema {version}, this release of the connector knows {SCHEMA_VERSION}"
        raise LedgerUnavailable("open ledger", str(path), cause, "Use the release that wrote it, or a newer one")
    if version == 0:
        connection.executescript(f"begin; {_SCHEMA} pragma user_version = {SCHEMA_VERSION}; commit;")


def _reading(path: Path) -> sqlite3.Connection:
    """A ledger that nobody has open is copied: read in place, SQLite would leave files of its own beside it."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    if path.with_name(f"{path.name}-wal").exists():
        return sqlite3.connect(address, uri=True, timeout=5)
    copy = sqlite3.connect(":memory:")
    if path.exists():
        with closing(sqlite3.connect(f"{address}&immutable=1", uri=True)) as ledger:
            ledger.backup(copy)
    return copy


def _checkpoint(name: str, opened: int, collections: str, applied: str | None, attempt: str | None) -> Checkpoint:
    return Checkpoint(
        indexed_asset_id=name,
        applied=Applied(**json.loads(applied)) if applied else None,
        opened=bool(opened),
        collections=frozenset(json.loads(collections)),
        attempt=Attempt(**json.loads(attempt)) if attempt else None,
    )


def _put(db: sqlite3.Connection, index_id: str, rows: Iterable[Checkpoint]) -> None:
    db.executemany(
        "insert or replace into checkpoints values (?, ?, ?, ?, ?, ?)",
        (
            (
                index_id,
                row.indexed_asset_id,
                row.opened,
                json.dumps(sorted(row.collections)),
                json.dumps(asdict(row.applied)) if row.applied else None,
                json.dumps(asdict(row.attempt)) if row.attempt else None,
            )
            for row in rows
        ),
    )


def _set_attempt(db: sqlite3.Connection, index_id: str, name: str, attempt: Attempt) -> None:
    db.execute(
        "insert into checkpoints (index_id, indexed_asset_id, attempt) values (?, ?, ?)"
        " on conflict do update set attempt = excluded.attempt",
        (index_id, name, json.dumps(asdict(attempt))),
    )


def _open(db: sqlite3.Connection, index_id: str, names: Iterable[str], collections: Collection[str]) -> None:
    for name in names:
        key = (index_id, name)
        query = "select collections from checkpoints where index_id = ? and indexed_asset_id = ?"
        row = db.execute(query, key).fetchone()
        held = sorted({*(json.loads(row[0]) if row else ()), *collections})
        db.execute(
            "insert into checkpoints (index_id, indexed_asset_id, opened, collections) values (?, ?, 1, ?)"
            " on conflict do update set opened = 1, collections = excluded.collections",
            (*key, json.dumps(held)),
        )


def _set_index(db: sqlite3.Connection, index_id: str, column: str, value: Mapping[str, Any]) -> None:
    db.execute(
        f"insert into indexes (index_id, {column}) values (?, ?)"  # noqa: S608  the column is a literal of this module
        f" on conflict do update set {column} = excluded.{column}",
        (index_id, json.dumps(value)),
    )
