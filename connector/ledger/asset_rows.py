"""Reads and writes the rows of assets."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from functools import partial
from itertools import islice
from types import MappingProxyType

import msgspec

from connector.domain import attempts
from connector.domain.ledger_model import Applied, Attempt, Checkpoint, Retrieved
from connector.domain.priority import Priority
from connector.domain.source_model import IndexedAsset
from connector.ledger import cells
from connector.ledger.database import Database, InvalidText, LedgerTables
from connector.ledger.rows import LedgerRow
from connector.ports import Wanted

_DELETES_KEPT_SEC = 30 * 86_400.0
_NAMES_AT_ONCE = 500
_ONE = "where index_id = ? and indexed_asset_id = ?"
_NUMBERED = "where index_id = ?2 and indexed_asset_id = ?3"
_SELECT = f"select {cells.ROW_COLUMNS} from checkpoints"  # noqa: S608  only constants are inserted
_UNFINISHED = "(opened or attempts is not null) and priority is null"
_NO_ATTEMPT = ", ".join(f"{name} = null" for name in cells.ATTEMPT)
_ATTEMPT = ", ".join(f"{name} = ?" for name in cells.ATTEMPT)
_NOT_APPLIED = ", ".join(f"{name} = null" for name in cells.APPLIED)
_APPLIED = ", ".join(f"{name} = ?" for name in cells.APPLIED)


class AssetRows(LedgerTables):
    """Implements Checkpoints; see `ports.py` for the contract."""

    async def load(
        self, index_id: str, known: Mapping[str, IndexedAsset] = MappingProxyType({})
    ) -> dict[str, Checkpoint]:
        return await self._all("where index_id = ?", index_id, known)

    async def rows(self, index_id: str, indexed_asset_ids: Collection[str]) -> dict[str, Checkpoint]:
        async def work(db: Database) -> dict[str, Checkpoint]:
            found = dict[str, Checkpoint]()
            for names in _in_parts(indexed_asset_ids):
                query = f"{_SELECT} where index_id = ? and indexed_asset_id in ({', '.join('?' * len(names))})"
                found |= _rows(index_id, await db.execute(query, (index_id, *names)))
            return found

        return await self._run("read", work)

    async def ids(self, index_id: str) -> set[str]:
        async def work(db: Database) -> set[str]:
            query = "select indexed_asset_id from checkpoints where index_id = ?"
            return {name for (name,) in await db.execute(query, (index_id,))}

        return await self._run("read", work)

    async def retrieved(self, index_id: str) -> dict[str, Retrieved]:
        closed = "index_id = ? and revision is not null and not opened and attempts is null and absent_since is null"

        async def work(db: Database) -> dict[str, Retrieved]:
            query = f"select indexed_asset_id, shallow_at, deep_at from checkpoints where {closed}"  # noqa: S608  literals
            with suppress(InvalidText, msgspec.ValidationError):
                times = msgspec.convert(list(await db.valid(query, (index_id,))), list[tuple[str, float, float]])
                return {name: Retrieved(shallow_at, deep_at) for name, shallow_at, deep_at in times}
            rows = _rows(index_id, await db.execute(f"{_SELECT} where {closed}", (index_id,)))  # names the damaged row
            return {
                name: Retrieved(it.applied.shallow_at, it.applied.deep_at) for name, it in rows.items() if it.applied
            }

        return await self._run("read", work)

    async def unfinished(self, index_id: str) -> dict[str, Checkpoint]:
        return await self._all(f"indexed by unfinished where index_id = ? and {_UNFINISHED}", index_id)

    async def planned(self, index_id: str) -> dict[str, Checkpoint]:
        return await self._all("indexed by planned where index_id = ? and priority is not null", index_id)

    async def _all(
        self, which: str, index_id: str, known: Mapping[str, IndexedAsset] = MappingProxyType({})
    ) -> dict[str, Checkpoint]:
        """In several transactions, so that other calls do not wait for all rows of a large index."""
        most, after, found = self._transactions.dialect.rows_at_once, None, dict[str, Checkpoint]()
        while True:
            rows = await self._run("read", partial(_some_rows, which, index_id, after, most, known))
            found |= rows
            if len(rows) < most:
                return found
            after = next(reversed(rows))

    async def plan(self, index_id: str, assets: Iterable[IndexedAsset], priority: Priority) -> None:
        query = (
            "insert into checkpoints (index_id, indexed_asset_id, priority, listed) values (?, ?, ?, ?)"
            " on conflict (index_id, indexed_asset_id) do update set listed = excluded.listed, priority = case"
            " when checkpoints.priority < excluded.priority then checkpoints.priority else excluded.priority end"
        )
        rows = [(index_id, it.indexed_asset_id, int(priority), cells.of_listed(it)) for it in assets]
        await self._run("write", lambda db: db.executemany(query, rows))

    async def note(self, index_id: str, asset: IndexedAsset) -> None:
        listed = (cells.of_listed(asset),)
        await self._run("write", lambda db: _change(db, index_id, asset.indexed_asset_id, "listed = ?", listed))

    async def attempt(self, index_id: str, indexed_asset_id: str, fingerprint: str, now: float) -> Attempt:
        async def work(db: Database) -> Attempt:
            row = await _row(db, index_id, indexed_asset_id)
            return await _count_attempt(db, index_id, indexed_asset_id, row, fingerprint, now)

        return await self._run("write", work)

    async def begin(
        self, index_id: str, indexed_asset_id: str, now: float, wanted: Wanted
    ) -> tuple[Checkpoint | None, Attempt | None]:
        async def work(db: Database) -> tuple[Checkpoint | None, Attempt | None]:
            row = await _row(db, index_id, indexed_asset_id)
            fingerprint = wanted(row)
            if fingerprint is None:
                return row, None
            return row, await _count_attempt(db, index_id, indexed_asset_id, row, fingerprint, now)

        return await self._run("write", work)

    async def open(self, index_id: str, indexed_asset_id: str, collections: Collection[str]) -> None:
        await self._run("write", lambda db: _open(db, index_id, [indexed_asset_id], collections))

    async def reopen(self, index_id: str, indexed_asset_ids: Collection[str], collection: str) -> None:
        await self._run("write", lambda db: _open(db, index_id, indexed_asset_ids, [collection]))

    async def record(self, index_id: str, indexed_asset_id: str, applied: Applied) -> None:
        changes = f"opened = false, collections = ?, {_APPLIED}, {_NO_ATTEMPT}"
        values = (json.dumps([applied.collection]), *cells.of_applied(applied))
        await self._run("write", lambda db: _change(db, index_id, indexed_asset_id, changes, values))

    async def fail(
        self, index_id: str, indexed_asset_id: str, attempt: Attempt, *, again: Priority | None = None
    ) -> None:
        changes, values = _ATTEMPT, cells.of_attempt(attempt)
        if again is not None:
            changes = f"{_ATTEMPT}, priority = case when priority <= ? then priority else ? end"
            values = (*values, int(again), int(again))
        await self._run("write", lambda db: _change(db, index_id, indexed_asset_id, changes, values))

    async def reset_attempts(self, index_id: str, indexed_asset_id: str) -> None:
        query = f"update checkpoints set {_NO_ATTEMPT} {_ONE}"  # noqa: S608  only constants are inserted
        await self._run("write", lambda db: db.execute(query, (index_id, indexed_asset_id)))

    async def unplan(self, index_id: str, indexed_asset_id: str) -> None:
        query = f"update checkpoints set priority = null {_ONE}"  # noqa: S608  literals of this module
        await self._run("write", lambda db: db.execute(query, (index_id, indexed_asset_id)))

    async def settle(self, index_id: str, rows: Collection[Checkpoint]) -> None:
        query = f"update checkpoints set priority = null {_ONE} and listed = ? and fingerprint = ? and not opened"  # noqa: S608  the same
        values = [
            (index_id, row.indexed_asset_id, cells.of_listed(row.listed), row.applied.fingerprint)
            for row in rows
            if row.listed and row.applied
        ]
        await self._run("write", lambda db: db.executemany(query, values))

    async def empty(self, index_id: str, indexed_asset_id: str) -> None:
        query = f"update checkpoints set {_NOT_APPLIED}, opened = false, collections = '[]' {_ONE}"  # noqa: S608  the same
        await self._run("write", lambda db: db.execute(query, (index_id, indexed_asset_id)))

    async def note_absence(self, index_id: str, indexed_asset_ids: Collection[str], now: float) -> None:
        earlier = "case when absent_since <= ?1 then absent_since else ?1 end"
        query = f"update checkpoints set absent_since = {earlier} {_NUMBERED}"  # noqa: S608  the same
        rows = [(now, index_id, name) for name in indexed_asset_ids]
        await self._run("write", lambda db: db.executemany(query, rows))

    async def clear_absence(self, index_id: str, indexed_asset_ids: Collection[str]) -> None:
        query = f"update checkpoints set absent_since = null {_ONE}"  # noqa: S608  the same
        rows = [(index_id, name) for name in indexed_asset_ids]
        await self._run("write", lambda db: db.executemany(query, rows))

    async def forget(self, index_id: str, indexed_asset_id: str, now: float, *, counts: bool = True) -> None:
        async def work(db: Database) -> None:
            key = (index_id, indexed_asset_id)
            gone = list(await db.execute(f"delete from checkpoints {_ONE} returning collections", key))  # noqa: S608  the same
            at = LedgerRow("checkpoints", key)
            if counts and any(at.names("collections", collections) for (collections,) in gone):
                await db.execute("insert into deletes values (?, ?, ?)", (index_id, now, indexed_asset_id))
            await db.execute("delete from deletes where at < ?", (now - _DELETES_KEPT_SEC,))
            await db.execute("update deletes set at = ?1 where at > ?1", (now,))

        await self._run("write", work)

    async def deletes_since(self, index_id: str, since: float) -> int:
        async def work(db: Database) -> int:
            query = "select at from deletes where index_id = ? and at > ?"
            times = [at for (at,) in await db.execute(query, (index_id, since))]
            if not all(isinstance(at, float) for at in times):
                LedgerRow("deletes", (index_id,)).damaged("at", "a value that is not a time")
            return len(times)

        return await self._run("read", work)


async def put_missing(db: Database, index_id: str, rows: Iterable[Checkpoint]) -> None:
    """Insert rows; leave existing ones as they are."""
    query = f"{cells.INSERT_ROW} on conflict do nothing"
    await db.executemany(query, (cells.of_row(index_id, row) for row in rows))


async def _some_rows(
    which: str, index_id: str, after: str | None, most: int, known: Mapping[str, IndexedAsset], db: Database
) -> dict[str, Checkpoint]:
    """At most so many rows that follow this id, ordered by id. None starts with the first row."""
    beyond, values = ("", (index_id,)) if after is None else ("and indexed_asset_id > ?", (index_id, after))
    query = f"{_SELECT} {which} {beyond} order by indexed_asset_id limit {most}"
    with suppress(InvalidText), closing(await db.valid(query, values)) as valid:
        rows = (cells.valid_row(index_id, it, known) for it in valid)
        return {row.indexed_asset_id: row for row in rows}
    return _rows(index_id, await db.execute(query, values))


def _in_parts(names: Collection[str]) -> Iterator[list[str]]:
    """A statement has a limited number of parameters."""
    rest = iter(names)
    while part := list(islice(rest, _NAMES_AT_ONCE)):
        yield part


def _rows(index_id: str, found: Iterable[tuple[object, ...]]) -> dict[str, Checkpoint]:
    rows = (cells.row(index_id, it) for it in found)
    return {row.indexed_asset_id: row for row in rows}


async def _row(db: Database, index_id: str, name: str) -> Checkpoint | None:
    """The row, which no other transaction changes until this one ends."""
    found = (await db.execute(f"{_SELECT} {_ONE} {db.dialect.for_update}", (index_id, name))).fetchone()
    return cells.row(index_id, found) if found else None


async def _count_attempt(
    db: Database, index_id: str, name: str, row: Checkpoint | None, fingerprint: str, now: float
) -> Attempt:
    attempt = attempts.counted(row.attempt if row else None, fingerprint, now)
    await _change(db, index_id, name, f"{_ATTEMPT}, priority = null", cells.of_attempt(attempt))
    return attempt


async def _change(db: Database, index_id: str, name: str, changes: str, values: Collection[object]) -> None:
    """Change the row; create it if it is missing."""
    query = f"update checkpoints set {changes} {_ONE}"  # noqa: S608  only constants are inserted
    if not (await db.execute(query, (*values, index_id, name))).rowcount:
        created = "insert into checkpoints (index_id, indexed_asset_id) values (?, ?) on conflict do nothing"
        await db.execute(created, (index_id, name))
        await db.execute(query, (*values, index_id, name))


async def _open(db: Database, index_id: str, names: Iterable[str], collections: Collection[str]) -> None:
    for name in names:
        row = await _row(db, index_id, name)
        held = json.dumps(sorted({*(row.collections if row else ()), *collections}))
        await _change(db, index_id, name, "opened = true, collections = ?", (held,))
