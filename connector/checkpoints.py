"""The ledger in SQLite: one file, one process that writes, every commit durable against power loss."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from connector.model import Applied, Attempt, Checkpoint, IndexState
from connector.sqlite_file import SqliteFile

_COLUMNS = "indexed_asset_id, opened, collections, applied, attempt"
_DELETES_KEPT_SEC = 30 * 86_400.0


class SqliteCheckpointStore(SqliteFile):
    """A CheckpointStore."""

    async def load(self, index_id: str) -> dict[str, Checkpoint]:
        query = f"select {_COLUMNS} from checkpoints where index_id = ?"  # noqa: S608  a literal of this module
        return await self._run("read", lambda db: {row[0]: _checkpoint(*row) for row in db.execute(query, (index_id,))})

    async def rows(self, index_id: str, indexed_asset_ids: Collection[str]) -> dict[str, Checkpoint]:
        query = f"select {_COLUMNS} from checkpoints where index_id = ? and indexed_asset_id = ?"  # noqa: S608  the same

        def work(db: sqlite3.Connection) -> dict[str, Checkpoint]:
            found = (db.execute(query, (index_id, name)).fetchone() for name in indexed_asset_ids)
            return {row[0]: _checkpoint(*row) for row in found if row}

        return await self._run("read", work)

    async def unfinished(self, index_id: str) -> dict[str, Checkpoint]:
        query = (
            f"select {_COLUMNS} from checkpoints"  # noqa: S608  the same
            " where index_id = ? and (opened or attempt is not null)"
        )
        return await self._run("read", lambda db: {row[0]: _checkpoint(*row) for row in db.execute(query, (index_id,))})

    async def attempt(self, index_id: str, indexed_asset_id: str, fingerprint: str, now: float) -> Attempt:
        def work(db: sqlite3.Connection) -> Attempt:
            query = "select attempt from checkpoints where index_id = ? and indexed_asset_id = ?"
            row = db.execute(query, (index_id, indexed_asset_id)).fetchone()
            before = Attempt(**json.loads(row[0])) if row and row[0] else None
            same = before if before and before.fingerprint == fingerprint else None
            attempt = Attempt(fingerprint, same.attempts + 1 if same else 1, min(same.since, now) if same else now)
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
            _set_index(db, index_id, "state", _state_facts(state))

        await self._run("write", work)

    async def pardon(self, index_id: str, indexed_asset_id: str) -> None:
        query = "update checkpoints set attempt = null where index_id = ? and indexed_asset_id = ?"
        await self._run("write", lambda db: db.execute(query, (index_id, indexed_asset_id)))

    async def empty(self, index_id: str, indexed_asset_id: str) -> None:
        query = (
            "update checkpoints set applied = null, opened = 0, collections = '[]'"
            " where index_id = ? and indexed_asset_id = ?"
        )
        await self._run("write", lambda db: db.execute(query, (index_id, indexed_asset_id)))

    async def drop_index(self, index_id: str) -> None:
        def work(db: sqlite3.Connection) -> None:
            for table in ("checkpoints", "deletes", "indexes", "instances"):
                db.execute(f"delete from {table} where index_id = ?", (index_id,))  # noqa: S608  literals of this line

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
            db.execute("update deletes set at = ? where at > ?", (now, now))

        await self._run("write", work)

    async def deletes_since(self, index_id: str, since: float) -> int:
        query = "select count(*) from deletes where index_id = ? and at > ?"
        return await self._run("read", lambda db: int(db.execute(query, (index_id, since)).fetchone()[0]))

    async def state(self, index_id: str) -> IndexState | None:
        query = "select state from indexes where index_id = ?"
        row = await self._run("read", lambda db: db.execute(query, (index_id,)).fetchone())
        return _state(row[0]) if row and row[0] else None

    async def save_state(self, index_id: str, state: IndexState) -> None:
        await self._run("write", lambda db: _set_index(db, index_id, "state", _state_facts(state)))

    async def save_report(self, index_id: str, report: Mapping[str, Any]) -> None:
        await self._run("write", lambda db: _set_index(db, index_id, "report", report))

    async def known(self) -> list[str]:
        query = "select index_id from indexes where state is not null order by index_id"
        return await self._run("read", lambda db: [index_id for (index_id,) in db.execute(query)])

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


def _state(text: str) -> IndexState:
    facts = json.loads(text)
    return IndexState(**{**facts, "pending": frozenset(facts["pending"])})


def _state_facts(state: IndexState) -> dict[str, Any]:
    return {**asdict(state), "pending": sorted(state.pending)}


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
