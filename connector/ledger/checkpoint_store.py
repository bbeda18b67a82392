"""CheckpointStore in SQLite: one file, one writing process, every commit durable against power loss."""

import json
import socket
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from connector.domain.ledger_model import Applied, Attempt, Checkpoint, Identity, IndexState
from connector.ledger.rows import LedgerRow
from connector.ledger.sqlite_file import SqliteFile
from connector.ports import StateChange

_COLUMNS = "indexed_asset_id, opened, collections, applied, attempt"
_DELETES_KEPT_SEC = 30 * 86_400.0


class SqliteCheckpointStore(SqliteFile):
    """Implements CheckpointStore; see `ports.py` for the contract."""

    async def load(self, index_id: str) -> dict[str, Checkpoint]:
        query = f"select {_COLUMNS} from checkpoints where index_id = ?"  # noqa: S608  a literal of this module
        return await self._run("read", lambda db: _checkpoints(index_id, db.execute(query, (index_id,))))

    async def rows(self, index_id: str, indexed_asset_ids: Collection[str]) -> dict[str, Checkpoint]:
        query = f"select {_COLUMNS} from checkpoints where index_id = ? and indexed_asset_id = ?"  # noqa: S608  the same

        def work(db: sqlite3.Connection) -> dict[str, Checkpoint]:
            found = (db.execute(query, (index_id, name)).fetchone() for name in indexed_asset_ids)
            return _checkpoints(index_id, (row for row in found if row))

        return await self._run("read", work)

    async def unfinished(self, index_id: str) -> dict[str, Checkpoint]:
        query = (
            f"select {_COLUMNS} from checkpoints"  # noqa: S608  the same
            " where index_id = ? and (opened or attempt is not null)"
        )
        return await self._run("read", lambda db: _checkpoints(index_id, db.execute(query, (index_id,))))

    async def attempt(self, index_id: str, indexed_asset_id: str, fingerprint: str, now: float) -> Attempt:
        def work(db: sqlite3.Connection) -> Attempt:
            query = "select attempt from checkpoints where index_id = ? and indexed_asset_id = ?"
            row = db.execute(query, (index_id, indexed_asset_id)).fetchone()
            at = _row_of(index_id, indexed_asset_id)
            before = at.facts("attempt", row[0], Attempt) if row and row[0] is not None else None
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

    async def adopt(self, index_id: str, rows: Collection[Checkpoint], first: IndexState) -> None:
        def work(db: sqlite3.Connection) -> None:
            _put(db, index_id, rows)
            if _state(db, index_id) is None:
                _set_index(db, index_id, "state", _state_facts(first))

        await self._run("write", work)

    async def reset_attempts(self, index_id: str, indexed_asset_id: str) -> None:
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
            for table in ("checkpoints", "deletes", "indexes", "instances", "claims"):
                db.execute(f"delete from {table} where index_id = ?", (index_id,))  # noqa: S608  literals of this line

        await self._run("write", work)

    async def forget(self, index_id: str, indexed_asset_id: str, now: float, *, counts: bool = True) -> None:
        def work(db: sqlite3.Connection) -> None:
            key = (index_id, indexed_asset_id)
            gone = db.execute(
                "delete from checkpoints where index_id = ? and indexed_asset_id = ? returning collections", key
            ).fetchall()
            at = _row_of(index_id, indexed_asset_id)
            if counts and any(at.names("collections", collections) for (collections,) in gone):
                db.execute("insert into deletes values (?, ?, ?)", (index_id, now, indexed_asset_id))
            db.execute("delete from deletes where at < ?", (now - _DELETES_KEPT_SEC,))
            db.execute("update deletes set at = ? where at > ?", (now, now))

        await self._run("write", work)

    async def deletes_since(self, index_id: str, since: float) -> int:
        query = "select typeof(at) from deletes where index_id = ? and at > ?"

        def work(db: sqlite3.Connection) -> int:
            kinds = [kind for (kind,) in db.execute(query, (index_id, since))]
            if set(kinds) - {"real"}:
                LedgerRow("deletes", (index_id,)).damaged("at", "a value that is not a time")
            return len(kinds)

        return await self._run("read", work)

    async def state(self, index_id: str) -> IndexState | None:
        return await self._run("read", lambda db: _state(db, index_id))

    async def update_state(self, index_id: str, change: StateChange) -> IndexState | None:
        def work(db: sqlite3.Connection) -> IndexState | None:
            before = _state(db, index_id)
            after = before and change(before)
            if after and after != before:
                _set_index(db, index_id, "state", _state_facts(after))
            return after

        return await self._run("write", work)

    async def save_report(self, index_id: str, report: Mapping[str, Any]) -> None:
        await self._run("write", lambda db: _set_index(db, index_id, "report", report))

    async def known(self) -> list[str]:
        query = "select index_id from indexes where state is not null order by index_id"
        return await self._run("read", lambda db: [_index_id(cell) for (cell,) in db.execute(query)])

    async def reports(self) -> dict[str, dict[str, Any]]:
        query = "select index_id, report from indexes order by index_id"
        return await self._run("read", lambda db: dict(_report(*row) for row in db.execute(query)))

    async def identity(self) -> Identity:
        """The id is empty if an earlier release wrote the ledger and it is open read-only."""

        def work(db: sqlite3.Connection) -> str:
            row = db.execute("select ledger_id from identity").fetchone() if _knows_owners(db) else None
            return LedgerRow("identity", (1,)).text("ledger_id", row[0]) if row else ""

        return Identity(await self._run("read", work), f"{self._path.absolute()} on {socket.gethostname()}")

    async def claims(self, index_id: str) -> dict[str, int]:
        query = "select instance_id, epoch from claims where index_id = ?"

        def work(db: sqlite3.Connection) -> dict[str, int]:
            rows = db.execute(query, (index_id,)) if _knows_owners(db) else ()
            return dict(_claim(index_id, *row) for row in rows)

        return await self._run("read", work)

    async def save_claim(self, index_id: str, instance_id: str, epoch: int) -> None:
        query = "insert or replace into claims values (?, ?, ?)"
        await self._run("write", lambda db: db.execute(query, (index_id, instance_id, epoch)))


def _knows_owners(db: sqlite3.Connection) -> bool:
    """False for a ledger of an earlier release that is open read-only."""
    return db.execute("select 1 from sqlite_master where name = 'claims'").fetchone() is not None


def _claim(index_id: str, instance_id: object, epoch: object) -> tuple[str, int]:
    row = LedgerRow("claims", (index_id, instance_id))
    if not isinstance(epoch, int):
        row.damaged("epoch", "not an integer")
    return row.text("instance_id", instance_id), epoch


def _row_of(index_id: str, indexed_asset_id: str) -> LedgerRow:
    return LedgerRow("checkpoints", (index_id, indexed_asset_id))


def _index_row(index_id: object) -> LedgerRow:
    return LedgerRow("indexes", (index_id,))


def _index_id(cell: object) -> str:
    return _index_row(cell).text("index_id", cell)


def _report(cell: object, report: object) -> tuple[str, dict[str, Any]]:
    index_id = _index_id(cell)
    return index_id, {} if report is None else _index_row(index_id).document("report", report)


def _state(db: sqlite3.Connection, index_id: str) -> IndexState | None:
    row = db.execute("select state from indexes where index_id = ?", (index_id,)).fetchone()
    return _index_row(index_id).facts("state", row[0], IndexState) if row and row[0] is not None else None


def _state_facts(state: IndexState) -> dict[str, Any]:
    return {**asdict(state), "pending": sorted(state.pending)}


def _checkpoints(index_id: str, rows: Iterable[Sequence[Any]]) -> dict[str, Checkpoint]:
    return {row[0]: _checkpoint(_row_of(index_id, row[0]), *row) for row in rows}


def _checkpoint(
    at: LedgerRow, name: object, opened: object, collections: object, applied: object, attempt: object
) -> Checkpoint:
    return Checkpoint(
        indexed_asset_id=at.text("indexed_asset_id", name),
        applied=None if applied is None else at.facts("applied", applied, Applied),
        opened=at.flag("opened", opened),
        collections=at.names("collections", collections),
        attempt=None if attempt is None else at.facts("attempt", attempt, Attempt),
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
        known = _row_of(index_id, name).names("collections", row[0]) if row else ()
        held = sorted({*known, *collections})
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
