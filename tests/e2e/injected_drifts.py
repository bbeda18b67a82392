"""Drifts of many kinds, each in an asset of its own, put into Qdrant, the ledger's file and the source.

The order and the places come from a seeded generator. What must be found is written down beside what is done.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from qdrant_client import QdrantClient, models

from connector.simulator import Simulator
from tests.e2e.convergence import NEWER, OLDER
from tests.e2e.oracle import point_id, stored

Found = set[tuple[str, str]]
"""Asset id and kind."""


@dataclass(slots=True)
class Injector:
    """`points` are those of Qdrant by asset, before the first drift."""

    client: QdrantClient
    simulator: Simulator
    index_id: str
    ledger: Path
    random: Random
    points: dict[str, list[models.Record]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key, point in stored(self.client, NEWER, self.index_id).items():
            record = models.Record(id=key, payload=point["payload"], vector=point["vectors"])
            self.points.setdefault(point["payload"]["indexed_asset_id"], []).append(record)

    def inject(self, count: int) -> Found:
        """Give each of so many assets one drift, all kinds equally often. Return what a verify must find."""
        assets = self.random.sample(sorted(self.points), count)
        drifts = list(self.drifts())
        expected = Found()
        with closing(sqlite3.connect(self.ledger)) as db, db:
            for number, asset in enumerate(assets):
                expected |= drifts[number % len(drifts)](asset, db)
        return expected

    def drifts(self) -> Iterator[Callable[[str, sqlite3.Connection], Found]]:
        yield self.delete_points
        yield self.delete_all_points
        yield self.add_a_point
        yield self.change_the_revision
        yield self.change_the_metadata
        yield self.change_the_count
        yield self.add_a_point_of_another_model
        yield self.put_a_point_elsewhere
        yield self.lose_the_row
        yield self.lose_row_and_points
        yield self.open_the_row
        yield self.change_the_row
        yield self.add_a_row
        yield self.put_points_of_an_unknown_asset
        yield self.remove_at_the_source
        yield self.change_at_the_source

    def delete_points(self, asset: str, _: sqlite3.Connection) -> Found:
        self._delete(self._some(asset))
        return {(asset, "missing_points")}

    def delete_all_points(self, asset: str, _: sqlite3.Connection) -> Found:
        self._delete(self.points[asset])
        return {(asset, "missing_points")}

    def add_a_point(self, asset: str, _: sqlite3.Connection) -> Found:
        self._put(asset, "marengo3.0", NEWER)
        return {(asset, "surplus_points")}

    def change_the_revision(self, asset: str, _: sqlite3.Connection) -> Found:
        self._set(self._some(asset), revision=self.random.randbytes(16).hex())
        return {(asset, "stale_points")}

    def change_the_metadata(self, asset: str, _: sqlite3.Connection) -> Found:
        changes: list[dict[str, Any]] = [
            {"filename": "other.mp4"},
            {"user_metadata": {"category": "other"}},
            {"duration_sec": 1.5},
            {"metadata_revision": "0" * 32},
        ]
        self._set(self._some(asset), **self.random.choice(changes))
        return {(asset, "altered_payload")}

    def change_the_count(self, asset: str, _: sqlite3.Connection) -> Found:
        self._set(self._some(asset), asset_points=99)
        return {(asset, "altered_payload")}

    def add_a_point_of_another_model(self, asset: str, _: sqlite3.Connection) -> Found:
        self._put(asset, "marengo2.7", NEWER)
        return {(asset, "wrong_model")}

    def put_a_point_elsewhere(self, asset: str, _: sqlite3.Connection) -> Found:
        self._put(asset, "marengo2.7", OLDER)
        return {(asset, "wrong_collection")}

    def lose_the_row(self, asset: str, db: sqlite3.Connection) -> Found:
        self._sql(db, "delete from checkpoints", asset)
        return {(asset, "orphaned_points")}

    def lose_row_and_points(self, asset: str, db: sqlite3.Connection) -> Found:
        self._sql(db, "delete from checkpoints", asset)
        self._delete(self.points[asset])
        return {(asset, "missing_asset")}

    def open_the_row(self, asset: str, db: sqlite3.Connection) -> Found:
        self._sql(db, "update checkpoints set opened = 1", asset)
        return {(asset, "interrupted")}

    def change_the_row(self, asset: str, db: sqlite3.Connection) -> Found:
        kind, statement = self.random.choice(
            [
                ("missing_points", "update checkpoints set points = points + 1"),
                ("stale_points", "update checkpoints set revision = 'x'"),
                ("altered_payload", "update checkpoints set metadata_revision = 'x'"),
                ("stale_asset", "update checkpoints set fingerprint = 'x'"),
            ]
        )
        self._sql(db, statement, asset)
        return {(asset, kind)}

    def add_a_row(self, asset: str, db: sqlite3.Connection) -> Found:
        """Of an asset that nobody knows."""
        unknown = self.random.randbytes(12).hex()
        db.execute("insert into checkpoints (index_id, indexed_asset_id) values (?, ?)", (self.index_id, unknown))
        del asset
        return {(unknown, "orphaned_row")}

    def put_points_of_an_unknown_asset(self, asset: str, _: sqlite3.Connection) -> Found:
        unknown = self.random.randbytes(12).hex()
        self._put(asset, "marengo3.0", NEWER, as_asset=unknown)
        return {(unknown, "orphaned_points")}

    def remove_at_the_source(self, asset: str, _: sqlite3.Connection) -> Found:
        self.simulator.control.delete_asset(self.index_id, asset)
        return {(asset, "gone_asset")}

    def change_at_the_source(self, asset: str, _: sqlite3.Connection) -> Found:
        self.simulator.control.reindex(self.index_id, asset, bump=True)
        return {(asset, "stale_asset")}

    def _some(self, asset: str) -> list[models.Record]:
        records = self.points[asset]
        return self.random.sample(records, self.random.randint(1, max(1, len(records) - 1)))

    def _delete(self, records: list[models.Record]) -> None:
        self.client.delete(NEWER, [record.id for record in records], wait=True)

    def _set(self, records: list[models.Record], **payload: Any) -> None:
        self.client.set_payload(NEWER, payload, [record.id for record in records], wait=True)

    def _put(self, asset: str, model: str, collection: str, as_asset: str | None = None) -> None:
        """A point whose id is the one that its payload computes to, at a place that no video has."""
        template, start = self.random.choice(self.points[asset]), self.random.randint(10**6, 10**7)
        payload = {
            **(template.payload or {}),
            "indexed_asset_id": as_asset or asset,
            "embedding_model": model,
            "start_offset_sec": start,
            "end_offset_sec": start + 1,
        }
        scope = payload["embedding_scope"]
        key = point_id(self.index_id, as_asset or asset, model, scope, start * 1000, (start + 1) * 1000)
        vector: Any = template.vector if collection == NEWER else {}
        self.client.upsert(collection, [models.PointStruct(id=key, vector=vector, payload=payload)], wait=True)

    def _sql(self, db: sqlite3.Connection, statement: str, asset: str) -> None:
        where = f"{statement} where index_id = ? and indexed_asset_id = ?"
        assert db.execute(where, (self.index_id, asset)).rowcount == 1
