"""Reads and writes the rows of assets in SQLite."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from types import MappingProxyType

import msgspec

from connector.domain.ledger_model import Applied, Attempt, Checkpoint, Retrieved
from connector.domain.priority import Priority
from connector.domain.source_model import IndexedAsset
from connector.ledger import cells
from connector.ledger.rows import LedgerRow
from connector.ledger.sqlite_file import SqliteFile

_DELETES_KEPT_SEC = 30 * 86_400.0
_ROWS_AT_ONCE = 5000
_ONE = "where index_id = ? and indexed_asset_id = ?"
_SELECT = f"select {cells.ROW_COLUMNS} from checkpoints"  # noqa: S608  only constants are inserted
_UNFINISHED = "(opened or attempts is not null) and priority is null"
_NO_ATTEMPT = ", ".join(f"{name} = null" for name in cells.ATTEMPT)
_ATTEMPT = ", ".join(f"{name} = ?" for name in cells.ATTEMPT)
_NOT_APPLIED = ", ".join(f"{name} = null" for name in cells.APPLIED)
_APPLIED = ", ".join(f"{name} = ?" for name in cells.APPLIED)


class SqliteAssetRows(SqliteFile):
    """Implements Checkpoints; see `ports.py` for the contract."""

    async def load(
        self, index_id: str, known: Mapping[str, IndexedAsset] = MappingProxyType({})
    ) -> dict[str, Checkpoint]:
        """In several transactions, so that other calls do not wait for all rows of a large index."""
        found = rows = await self._run("read", partial(_some_rows, index_id, None, known))
        while len(rows) == _ROWS_AT_ONCE:
            rows = await self._run("read", partial(_some_rows, index_id, next(reversed(rows)), known))
            found |= rows
        return found

    async def rows(self, index_id: str, indexed_asset_ids: Collection[str]) -> dict[str, Checkpoint]:
        def work(db: sqlite3.Connection) -> dict[str, Checkpoint]:
            found = (db.execute(f"{_SELECT} {_ONE}", (index_id, name)).fetchone() for name in indexed_asset_ids)
            return _rows(index_id, (row for row in found if row))

        return await self._run("read", work)

    async def ids(self, index_id: str) -> set[str]:
        query = "select indexed_asset_id from checkpoints where index_id = ?"
        return await self._run("read", lambda db: {name for (name,) in db.execute(query, (index_id,))})

    async def retrieved(self, index_id: str) -> dict[str, Retrieved]:
        closed = "index_id = ? and revision is not null and opened = 0 and attempts is null"

        def work(db: sqlite3.Connection) -> dict[str, Retrieved]:
            query = f"select indexed_asset_id, shallow_at, deep_at from checkpoints where {closed}"  # noqa: S608  literals
            with suppress(sqlite3.OperationalError, msgspec.ValidationError), _strict_text(db):
                times = msgspec.convert(db.execute(query, (index_id,)).fetchall(), list[tuple[str, float, float]])
                return {name: Retrieved(shallow_at, deep_at) for name, shallow_at, deep_at in times}
            rows = _rows(index_id, db.execute(f"{_SELECT} where {closed}", (index_id,)))  # names the damaged row
            return {
                name: Retrieved(it.applied.shallow_at, it.applied.deep_at) for name, it in rows.items() if it.applied
            }

        return await self._run("read", work)

    async def unfinished(self, index_id: str) -> dict[str, Checkpoint]:
        query = f"{_SELECT} indexed by unfinished where index_id = ? and {_UNFINISHED}"
        return await self._run("read", lambda db: _rows(index_id, db.execute(query, (index_id,))))

    async def planned(self, index_id: str) -> dict[str, Checkpoint]:
        query = f"{_SELECT} indexed by planned where index_id = ? and priority is not null"
        return await self._run("read", lambda db: _rows(index_id, db.execute(query, (index_id,))))

    async def plan(self, index_id: str, assets: Iterable[IndexedAsset], priority: Priority) -> None:
        query = (
            "insert into checkpoints (index_id, indexed_asset_id, priority, listed) values (?, ?, ?, ?)"
            " on conflict do update set listed = excluded.listed,"
            " priority = min(excluded.priority, coalesce(priority, excluded.priority))"
        )
        rows = [(index_id, it.indexed_asset_id, priority, cells.of_listed(it)) for it in assets]
        await self._run("write", lambda db: db.executemany(query, rows))

    async def note(self, index_id: str, asset: IndexedAsset) -> None:
        listed = (cells.of_listed(asset),)
        await self._run("write", lambda db: _change(db, index_id, asset.indexed_asset_id, "listed = ?", listed))

    async def attempt(self, index_id: str, indexed_asset_id: str, fingerprint: str, now: float) -> Attempt:
        def work(db: sqlite3.Connection) -> Attempt:
            row = _row(db, index_id, indexed_asset_id)
            before = row.attempt if row else None
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
        changes = f"opened = 0, collections = ?, {_APPLIED}, {_NO_ATTEMPT}"
        values = (json.dumps([applied.collection]), *cells.of_applied(applied))
        await self._run("write", lambda db: _change(db, index_id, indexed_asset_id, changes, values))

    async def fail(
        self, index_id: str, indexed_asset_id: str, attempt: Attempt, *, again: Priority | None = None
    ) -> None:
        changes, values = _ATTEMPT, cells.of_attempt(attempt)
        if again is not None:
            changes, values = f"{_ATTEMPT}, priority = min(?, coalesce(priority, 9))", (*values, again)
        await self._run("write", lambda db: _change(db, index_id, indexed_asset_id, changes, values))

    async def reset_attempts(self, index_id: str, indexed_asset_id: str) -> None:
        query = f"update checkpoints set {_NO_ATTEMPT} {_ONE}"  # noqa: S608  only constants are inserted
        await self._run("write", lambda db: db.execute(query, (index_id, indexed_asset_id)))

    async def unplan(self, index_id: str, indexed_asset_id: str) -> None:
        query = f"update checkpoints set priority = null {_ONE}"  # noqa: S608  literals of this module
        await self._run("write", lambda db: db.execute(query, (index_id, indexed_asset_id)))

    async def empty(self, index_id: str, indexed_asset_id: str) -> None:
        query = f"update checkpoints set {_NOT_APPLIED}, opened = 0, collections = '[]' {_ONE}"  # noqa: S608  the same
        await self._run("write", lambda db: db.execute(query, (index_id, indexed_asset_id)))

    async def forget(self, index_id: str, indexed_asset_id: str, now: float, *, counts: bool = True) -> None:
        def work(db: sqlite3.Connection) -> None:
            key = (index_id, indexed_asset_id)
            gone = db.execute(f"delete from checkpoints {_ONE} returning collections", key).fetchall()  # noqa: S608  the same
            at = LedgerRow("checkpoints", key)
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


def put_missing(db: sqlite3.Connection, index_id: str, rows: Iterable[Checkpoint]) -> None:
    """Insert rows; leave existing ones as they are."""
    query = cells.INSERT_ROW.replace("insert into", "insert or ignore into")
    db.executemany(query, (cells.of_row(index_id, row) for row in rows))


def _some_rows(
    index_id: str, after: str | None, known: Mapping[str, IndexedAsset], db: sqlite3.Connection
) -> dict[str, Checkpoint]:
    """The rows of the index that follow this id, ordered by id. None starts with the first row."""
    beyond, values = ("", (index_id,)) if after is None else ("and indexed_asset_id > ?", (index_id, after))
    query = f"{_SELECT} where index_id = ? {beyond} order by indexed_asset_id limit {_ROWS_AT_ONCE}"
    with suppress(sqlite3.OperationalError), _strict_text(db):
        rows = (cells.valid_row(index_id, it, known) for it in db.execute(query, values))
        return {row.indexed_asset_id: row for row in rows}
    return _rows(index_id, db.execute(query, values))


@contextmanager
def _strict_text(db: sqlite3.Connection) -> Iterator[None]:
    """Invalid UTF-8 raises OperationalError meanwhile, without the row. Much faster for many rows."""
    before, db.text_factory = db.text_factory, str
    try:
        yield
    finally:
        db.text_factory = before


def _rows(index_id: str, found: Iterable[tuple[object, ...]]) -> dict[str, Checkpoint]:
    rows = (cells.row(index_id, it) for it in found)
    return {row.indexed_asset_id: row for row in rows}


def _row(db: sqlite3.Connection, index_id: str, name: str) -> Checkpoint | None:
    found = db.execute(f"{_SELECT} {_ONE}", (index_id, name)).fetchone()
    return cells.row(index_id, found) if found else None


def _set_attempt(db: sqlite3.Connection, index_id: str, name: str, attempt: Attempt) -> None:
    _change(db, index_id, name, f"{_ATTEMPT}, priority = null", cells.of_attempt(attempt))


def _change(db: sqlite3.Connection, index_id: str, name: str, changes: str, values: Collection[object]) -> None:
    """Change the row; create it if it is missing."""
    db.execute("insert or ignore into checkpoints (index_id, indexed_asset_id) values (?, ?)", (index_id, name))
    db.execute(f"update checkpoints set {changes} {_ONE}", (*values, index_id, name))  # noqa: S608  only constants are inserted


def _open(db: sqlite3.Connection, index_id: str, names: Iterable[str], collections: Collection[str]) -> None:
    for name in names:
        row = _row(db, index_id, name)
        held = json.dumps(sorted({*(row.collections if row else ()), *collections}))
        _change(db, index_id, name, "opened = 1, collections = ?", (held,))
