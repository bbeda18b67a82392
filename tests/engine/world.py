"""A source, a sink and a ledger that outlive the engines working on them, and the invariants between them."""

import asyncio
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from connector.domain import points
from connector.domain.fingerprint import fingerprint
from connector.domain.ledger_model import Checkpoint
from connector.domain.report import CycleReport
from connector.domain.source_model import READY
from connector.engine.cycle import Engine
from connector.engine.survey import CycleOptions
from connector.ports import CheckpointStore, Sink, Source
from tests.builders import index_settings
from tests.fakes.ledger import FakeCheckpointStore
from tests.fakes.sink import Crashed, FakeSink
from tests.fakes.sink_reading import FakePoint
from tests.fakes.source import FakeSource

INDEX = "index-a"
Wrap = Callable[[Source, Sink, CheckpointStore], tuple[Source, Sink, CheckpointStore]]


def as_they_are(source: Source, sink: Sink, ledger: CheckpointStore) -> tuple[Source, Sink, CheckpointStore]:
    return source, sink, ledger


class World:
    """One index; each `cycle` is a new process. `wrap` puts a wrong protocol between engine and ports."""

    def __init__(self, wrap: Wrap = as_they_are, **settings: Any) -> None:
        self.source, self.sink, self.ledger = FakeSource(), FakeSink(), FakeCheckpointStore()
        self.settings = index_settings(INDEX, **settings)
        self.now = 1_800_000_000.0
        self._wrap = wrap
        self.source.add_index(INDEX)

    def engine(self, concurrency: int = 2) -> Engine:
        source, sink, ledger = self._wrap(self.source, self.sink, self.ledger)
        return Engine(source, sink, ledger, clock=lambda: self.now, concurrency=concurrency)

    async def cycle(
        self,
        *,
        allow_deletes: bool = False,
        shown: Collection[str] | None = None,
        period: float | None = None,
        concurrency: int = 2,
    ) -> CycleReport:
        self.now += 1.0
        engine = self.engine(concurrency)
        options = CycleOptions(
            allow_deletes=allow_deletes,
            shown=None if shown is None else frozenset(shown),
            respect_backoff=period is not None,
            refresh_period=period,
        )
        return await engine.cycle(self.settings, options)

    async def cycle_or_crash(self) -> CycleReport | None:
        """None if the process crashed."""
        try:
            return await self.cycle()
        except Crashed:
            return None
        except BaseExceptionGroup as crashes:
            if crashes.split(Crashed)[1] is not None:
                raise
            return None

    async def overlap(self, kinds: Collection[str]) -> None:
        """Passes of one process at the same time. It may die on the way."""
        self.now += 1.0
        engine = self.engine(2)
        known = await self.ledger.state(INDEX)
        passes = {
            "cycle": lambda: engine.full_cycle(
                self.settings, CycleOptions(respect_backoff=True, refresh_period=3600.0)
            ),
            "sync": lambda: engine.full_cycle(self.settings, CycleOptions(allow_deletes=True)),
            "left over": lambda: engine.left_over(self.settings),
            "poll": lambda: engine.poll_pass(self.settings),
            "rest of a poll": lambda: engine.unfinished_pass(self.settings, ()),
            "webhook": lambda: engine.ready(self.settings, sorted(self.source.listed(INDEX))),
            "refresh": lambda: engine.refresh_pass(self.settings, 3600.0),
            "retry": lambda: engine.retry(self.settings, sorted(self.ledger.held(INDEX))),
        }
        possible = [kind for kind in sorted(kinds) if known or kind in {"cycle", "sync"}]
        try:
            async with asyncio.TaskGroup() as group:
                for kind in possible:
                    group.create_task(engine.run(passes[kind]()))
        except BaseExceptionGroup as crashes:
            if crashes.split(Crashed)[1] is not None:
                raise
        finally:
            await engine.workers.close()

    async def row(self, asset_id: str) -> Checkpoint | None:
        return (await self.ledger.load(INDEX)).get(asset_id)

    def points_of(self, asset_id: str) -> dict[str, dict[str, FakePoint]]:
        return self.sink.points_of(INDEX, asset_id)

    async def check_i2_coverage_and_truth(self) -> None:
        """Every point has a row that names its collection; an unopened row states exactly what the sink holds."""
        rows = await self.ledger.load(INDEX)
        for asset_id in _assets_in(self.sink):
            held = self.points_of(asset_id)
            assert asset_id in rows, f"{asset_id} has points and no row"
            assert set(held) <= rows[asset_id].collections, f"the row of {asset_id} does not name where its points are"
        for asset_id, row in rows.items():
            if row.applied and not row.opened:
                held = self.points_of(asset_id)
                where = {row.applied.collection} if row.applied.points else set()
                assert set(held) == where, f"{asset_id} is applied but its points are in {set(held)}"
                revisions = [it.payload["revision"] for it in held.get(row.applied.collection, {}).values()]
                assert revisions == [row.applied.revision] * row.applied.points, f"{asset_id} is applied, yet differs"

    def check_i1_sink_equals_source(self) -> None:
        """Every ready asset has exactly its points; assets that are not listed have none."""
        listed = self.source.listed(INDEX)
        assert _assets_in(self.sink) <= set(listed)
        for asset_id, asset in listed.items():
            if asset.status == READY:
                assert _comparable(self.points_of(asset_id)) == self._wanted(asset_id), f"{asset_id} differs"

    def wants_points(self, asset_id: str) -> bool:
        """True if the source has segments of the asset now."""
        return any(len(column.start_sec) for column in self.source.peek(INDEX, asset_id).columns or ())

    def _wanted(self, asset_id: str) -> dict[str, Any]:
        retrieved = self.source.peek(INDEX, asset_id)
        index = self.source.index_now(INDEX)
        digest = fingerprint(retrieved.asset, self.settings.point_config(index))
        built = points.build(retrieved, index, digest, payload_profile=self.settings.payload_profile)
        found = {}
        for row, point_id in enumerate(built.ids):
            vectors = {
                option: named.matrix[list(named.rows).index(row)]
                for option, named in built.vectors.items()
                if row in named.rows
            }
            found[point_id] = FakePoint(vectors, built.payload(row, tuple(vectors)))
        collection = self.settings.collection_name(built.model)
        return _comparable({collection: found}) if found else {}


def _assets_in(sink: FakeSink) -> set[str]:
    return {
        point.payload["indexed_asset_id"]
        for points_by_id in sink.points_of(INDEX).values()
        for point in points_by_id.values()
    }


def _comparable(held: dict[str, dict[str, FakePoint]]) -> dict[str, Any]:
    """A point's fingerprint may be older than the asset's: a change without effect is not written."""
    return {
        collection: {
            point_id: (
                {key: value for key, value in point.payload.items() if key != "fingerprint"},
                {option: np.asarray(vector).tobytes() for option, vector in point.vectors.items()},
            )
            for point_id, point in points_by_id.items()
        }
        for collection, points_by_id in held.items()
    }
