"""The CheckpointStore port in memory, with crashes before or after any of its writes."""

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from connector.domain.asset_state import AssetPage, AssetQuery
from connector.domain.history import KEPT_CYCLES, Minute, PastCycle, shortened
from connector.domain.ledger_model import Applied, Attempt, Checkpoint, Identity, IndexState, Retrieved, Summary
from connector.domain.priority import Priority
from connector.domain.source_model import IndexedAsset
from connector.ports import StateChange, Wanted
from tests.fakes.ledger_index import FakeLedgerIndex
from tests.fakes.sink import Crashed

T = TypeVar("T")

DELETES_KEPT_SEC = 30 * 86_400.0


class FakeCheckpointStore:
    """Keeps everything across crashes, like a file.

    `writes` counts the writes that were carried out, `loads` how often all rows of an index were read.
    """

    def __init__(self) -> None:
        self.writes = self.loads = 0
        self._identity = Identity(uuid.uuid4().hex, "a ledger in memory")
        self._indexes: dict[str, FakeLedgerIndex] = {}
        self._crash_in: int | None = None
        self._crash_after = False

    def crash_at(self, write: int, *, after: bool = False) -> None:
        """The write-th write from now, counted from 1, raises Crashed instead of happening, or right after it."""
        self._crash_in, self._crash_after = write, after

    def disarm(self) -> None:
        """Cancel a planned crash."""
        self._crash_in = None

    def held(self, index_id: str) -> dict[str, Checkpoint]:
        """The same as `load`, without a task switch."""
        return dict(self._of(index_id).rows)

    def put(self, index_id: str, row: Checkpoint) -> None:
        """As if somebody had changed the file."""
        self._of(index_id).rows[row.indexed_asset_id] = row

    def remove(self, index_id: str, indexed_asset_id: str) -> None:
        """The same, for a row that is lost."""
        del self._of(index_id).rows[indexed_asset_id]

    async def load(
        self, index_id: str, known: Mapping[str, IndexedAsset] = MappingProxyType({})
    ) -> dict[str, Checkpoint]:
        del known
        self.loads += 1
        return await _read(lambda: self.held(index_id))

    async def rows(self, index_id: str, indexed_asset_ids: Collection[str]) -> dict[str, Checkpoint]:
        held = await _read(lambda: self.held(index_id))
        return {name: held[name] for name in indexed_asset_ids if name in held}

    async def retrieved(self, index_id: str) -> dict[str, Retrieved]:
        held = await _read(lambda: self.held(index_id))
        return {
            name: Retrieved(row.applied.shallow_at, row.applied.deep_at)
            for name, row in held.items()
            if row.applied and not (row.opened or row.attempt or row.absent_since is not None)
        }

    async def unfinished(self, index_id: str) -> dict[str, Checkpoint]:
        held = await _read(lambda: self.held(index_id))
        return {name: row for name, row in held.items() if (row.opened or row.attempt) and row.priority is None}

    async def planned(self, index_id: str) -> dict[str, Checkpoint]:
        held = await _read(lambda: self.held(index_id))
        return {name: row for name, row in held.items() if row.priority is not None}

    async def ids(self, index_id: str) -> set[str]:
        return set(await _read(lambda: self.held(index_id)))

    async def plan(self, index_id: str, assets: Collection[IndexedAsset], priority: Priority) -> None:
        def work() -> None:
            index = self._of(index_id)
            for asset in assets:
                before = index.rows.get(asset.indexed_asset_id, Checkpoint(asset.indexed_asset_id)).priority
                best = priority if before is None else min(before, priority)
                index.change(asset.indexed_asset_id, listed=asset, priority=best)

        await self._write(work)

    async def note(self, index_id: str, asset: IndexedAsset) -> None:
        await self._write(lambda: self._of(index_id).change(asset.indexed_asset_id, listed=asset))

    async def unplan(self, index_id: str, indexed_asset_id: str) -> None:
        await self._write(lambda: self._of(index_id).change_known(indexed_asset_id, priority=None))

    async def settle(self, index_id: str, rows: Collection[Checkpoint]) -> None:
        def change() -> None:
            for row in rows:
                known = self._of(index_id).rows.get(row.indexed_asset_id)
                if known and (known.listed, known.applied, known.opened) == (row.listed, row.applied, False):
                    self._of(index_id).change_known(row.indexed_asset_id, priority=None)

        await self._write(change)

    async def ping(self) -> None:
        await asyncio.sleep(0)

    async def attempt(self, index_id: str, indexed_asset_id: str, fingerprint: str, now: float) -> Attempt:
        return await self._write(lambda: self._of(index_id).count(indexed_asset_id, fingerprint, now))

    async def begin(
        self, index_id: str, indexed_asset_id: str, now: float, wanted: Wanted
    ) -> tuple[Checkpoint | None, Attempt | None]:
        def work() -> tuple[Checkpoint | None, Attempt | None]:
            index, row = self._of(index_id), self._of(index_id).rows.get(indexed_asset_id)
            return row, index.count(indexed_asset_id, tried, now) if (tried := wanted(row)) else None

        return await self._write(work)

    async def open(self, index_id: str, indexed_asset_id: str, collections: Collection[str]) -> None:
        await self._write(lambda: self._of(index_id).open(indexed_asset_id, collections))

    async def record(self, index_id: str, indexed_asset_id: str, applied: Applied) -> None:
        closed: dict[str, Any] = {"opened": False, "collections": frozenset({applied.collection}), "attempt": None}
        await self._write(lambda: self._of(index_id).change(indexed_asset_id, applied=applied, **closed))

    async def fail(
        self, index_id: str, indexed_asset_id: str, attempt: Attempt, *, again: Priority | None = None
    ) -> None:
        def work() -> None:
            index = self._of(index_id)
            before = index.rows.get(indexed_asset_id, Checkpoint(indexed_asset_id)).priority
            best = min((it for it in (before, again) if it is not None), default=None)
            index.change(indexed_asset_id, attempt=attempt, priority=best)

        await self._write(work)

    async def reopen(self, index_id: str, indexed_asset_ids: Collection[str], collection: str) -> None:
        def work() -> None:
            for name in indexed_asset_ids:
                self._of(index_id).open(name, {collection})

        await self._write(work)

    async def adopt(self, index_id: str, rows: Collection[Checkpoint], first: IndexState) -> None:
        def work() -> None:
            index = self._of(index_id)
            index.rows = {row.indexed_asset_id: row for row in rows} | index.rows
            index.state = index.state or first

        await self._write(work)

    async def reset_attempts(self, index_id: str, indexed_asset_id: str) -> None:
        await self._write(lambda: self._of(index_id).change_known(indexed_asset_id, attempt=None))

    async def empty(self, index_id: str, indexed_asset_id: str) -> None:
        nothing: dict[str, Any] = {"applied": None, "opened": False, "collections": frozenset()}
        await self._write(lambda: self._of(index_id).change_known(indexed_asset_id, **nothing))

    async def drop_index(self, index_id: str) -> None:
        await self._write(lambda: self._indexes.pop(index_id, None))

    async def known(self) -> list[str]:
        return await _read(lambda: sorted(name for name, index in self._indexes.items() if index.state))

    async def note_absence(self, index_id: str, indexed_asset_ids: Collection[str], now: float) -> None:
        def work() -> None:
            index = self._of(index_id)
            for name in index.rows.keys() & set(indexed_asset_ids):
                since = index.rows[name].absent_since
                index.change(name, absent_since=now if since is None else min(since, now))

        await self._write(work)

    async def clear_absence(self, index_id: str, indexed_asset_ids: Collection[str]) -> None:
        def work() -> None:
            for name in indexed_asset_ids:
                self._of(index_id).change_known(name, absent_since=None)

        await self._write(work)

    async def absent(self, index_id: str, limit: int, offset: int = 0) -> list[Checkpoint]:
        rows = await _read(lambda: sorted(self.held(index_id).items()))
        return [row for _, row in rows if row.absent_since is not None][offset : offset + limit]

    async def forget(self, index_id: str, indexed_asset_id: str, now: float, *, counts: bool = True) -> None:
        def work() -> None:
            index = self._of(index_id)
            gone = index.rows.pop(indexed_asset_id, None)
            carried_out = [now] if counts and gone and gone.collections else []
            index.deletes = [min(at, now) for at in [*index.deletes, *carried_out] if at >= now - DELETES_KEPT_SEC]

        await self._write(work)

    async def deletes_since(self, index_id: str, since: float) -> int:
        return await _read(lambda: sum(at > since for at in self._of(index_id).deletes))

    async def state(self, index_id: str) -> IndexState | None:
        return await _read(lambda: self._of(index_id).state)

    async def update_state(self, index_id: str, change: StateChange) -> IndexState | None:
        before = self._of(index_id).state
        after = before and change(before)
        if after != before:
            await self._write(lambda: setattr(self._of(index_id), "state", after))
        return after

    async def summary(self, index_id: str, max_attempts: int) -> Summary:
        rows = (await _read(lambda: self.held(index_id))).values()
        tried = [(row, row.attempt) for row in rows if row.attempt and row.priority is None]
        left = [(row, attempt) for row, attempt in tried if attempt.attempts < max_attempts]
        return Summary(
            assets=len(rows),
            applied=sum(1 for row in rows if row.applied and not row.opened),
            points=sum(row.applied.points for row in rows if row.applied),
            opened=sum(1 for row in rows if row.opened and not row.attempt) + sum(1 for _, it in left if not it.reason),
            deferred=sum(1 for _, it in left if it.reason and not it.attempts),
            failed=sum(1 for _, it in left if it.reason and it.attempts),
            quarantined=len(tried) - len(left),
            pending=sum(1 for row in rows if row.absent_since is not None),
            backlog=dict(Counter(row.priority for row in rows if row.priority is not None)),
        )

    async def problems(self, index_id: str, limit: int, offset: int = 0) -> list[Checkpoint]:
        return [row for _, row in sorted((await self.unfinished(index_id)).items())][offset : offset + limit]

    async def assets(
        self, index_id: str, query: AssetQuery, limit: int, *, after: str = "", before: str | None = None
    ) -> AssetPage:
        return await _read(lambda: self._of(index_id).page(query, limit, after, before))

    async def save_report(
        self, index_id: str, report: Mapping[str, Any], *, kind: str = "sync", ended_at: float = 0.0
    ) -> None:
        stored = json.loads(json.dumps(report))

        def work() -> None:
            index = self._of(index_id)
            index.report = stored
            index.cycles = [PastCycle(kind, ended_at, shortened(stored)), *index.cycles][:KEPT_CYCLES]

        await self._write(work)

    async def cycles(self, index_id: str, limit: int) -> list[PastCycle]:
        return await _read(lambda: self._of(index_id).cycles[:limit])

    async def add_minute(self, index_id: str, minute: Minute) -> None:
        await self._write(lambda: self._of(index_id).add_minute(minute))

    async def minutes(self, index_id: str, since: int) -> list[Minute]:
        return await _read(lambda: [it for at, it in sorted(self._of(index_id).minutes.items()) if at >= since])

    async def reports(self) -> dict[str, dict[str, Any]]:
        return await _read(lambda: {name: dict(it.report) for name, it in sorted(self._indexes.items()) if it.known})

    async def identity(self) -> Identity:
        return await _read(lambda: self._identity)

    async def claims(self, index_id: str) -> dict[str, int]:
        return await _read(lambda: dict(self._of(index_id).claims))

    async def save_claim(self, index_id: str, instance_id: str, epoch: int) -> None:
        await self._write(lambda: self._of(index_id).claims.update({instance_id: epoch}))

    async def close(self) -> None:
        """Nothing to close."""

    def _of(self, index_id: str) -> FakeLedgerIndex:
        return self._indexes.setdefault(index_id, FakeLedgerIndex())

    async def _write(self, work: Callable[[], T]) -> T:
        await asyncio.sleep(0)
        self._crash_in = None if self._crash_in is None else self._crash_in - 1
        if self._crash_in == 0 and not self._crash_after:
            self._crash_in = None
            raise Crashed
        result = work()
        self.writes += 1
        if self._crash_in == 0:
            self._crash_in = None
            raise Crashed
        return result


async def _read(work: Callable[[], T]) -> T:
    await asyncio.sleep(0)
    return work()
