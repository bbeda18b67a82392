"""The simulated account: indexes, their assets, uploads, the clock and the knobs. No HTTP here.

Every method may be called from any thread; `lock` makes several calls atomic.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from connector.simulator.api.api_errors import ApiError, missing
from connector.simulator.world.clock import SimulatedClock, parse_ms
from connector.simulator.world.ids import IdCodec, IdKind, well_formed
from connector.simulator.world.index_state import SimulatedIndex
from connector.simulator.world.knobs import Knobs
from connector.simulator.world.population import Population, written_content
from connector.simulator.world.records import Content, Record, Status, stage_starts
from connector.simulator.world.scenario import AssetSpec, IndexSpec, Scenario

_INDEX_SPACING_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded asset; may be in no index or in several."""

    id: str
    content: Content
    method: str
    created_ms: int
    user_metadata: dict[str, Any]


class World:
    """State and lookups; the operations that change it are in changes.py."""

    def __init__(self, scenario: Scenario, timer: Callable[[], float], wall: Callable[[], float]) -> None:
        scenario.check()
        self.scenario = scenario
        self.lock = threading.RLock()
        self.wall = wall
        start = scenario.clock.start
        self.start_ms = round(wall() * 1000) if start == "now" else parse_ms(start)
        self.clock = SimulatedClock(self.start_ms, scenario.clock.rate or 0.0, timer)
        self.codec = IdCodec(scenario.seed)
        self.knobs: Knobs = scenario.knobs
        self.starts = stage_starts(scenario.timings)
        self.indexes: list[SimulatedIndex] = []
        self.uploads: list[Upload] = []
        self.asset_metadata: dict[str, dict[str, Any]] = {}
        self.deleted_assets: set[str] = set()
        self.deleted_tasks: set[str] = set()
        self.links: dict[str, list[tuple[int, int]]] = {}
        self._named: dict[str, Upload] = {}
        self.changed: Callable[[], None] = _nothing
        self.watched: dict[tuple[int, int], Record] | None = None if scenario.webhook is None else {}
        for number, spec in enumerate(scenario.indexes):
            age = len(scenario.indexes) - number
            self.open_index(spec, self.start_ms - age * _INDEX_SPACING_MS)

    def now_ms(self) -> int:
        return self.clock.now_ms()

    def open_index(self, spec: IndexSpec, created_ms: int) -> SimulatedIndex:
        number = len(self.indexes)
        population = Population(self.scenario.seed, number, spec, self.scenario.timings, self.start_ms)
        index_id = self.codec.encode(IdKind.INDEX, number, 0)
        state = SimulatedIndex(number, index_id, spec, population, min(created_ms, population.created_ms))
        if spec.expires_at is not None:
            state.expires_ms = parse_ms(spec.expires_at)
        for ordinal, asset in enumerate(spec.assets):
            if asset.asset is not None:
                upload = self._named.get(asset.asset) or self._name(asset.asset, asset)
                state.change(ordinal, asset_id=upload.id)
                self.links.setdefault(upload.id, []).append((number, ordinal))
            if asset.ready_in is not None:
                self.watch(state, state.record(ordinal))
        self.indexes.append(state)
        return state

    def watch(self, state: SimulatedIndex, record: Record) -> None:
        """Watch this asset for webhooks: its status changed or will change."""
        if self.watched is not None:
            self.watched[state.number, record.ordinal] = record
        self.changed()

    def _name(self, name: str, spec: AssetSpec) -> Upload:
        upload = self.upload(spec, "direct")
        self._named[name] = upload
        return upload

    def upload(self, spec: AssetSpec, method: str, metadata: dict[str, Any] | None = None) -> Upload:
        number = len(self.uploads)
        content = written_content(f"upload/{number}", spec, self.scenario.seed)
        upload_id = self.codec.encode(IdKind.UPLOAD, 0, number)
        upload = Upload(upload_id, content, method, self.now_ms(), metadata or {})
        self.uploads.append(upload)
        return upload

    def living_indexes(self) -> list[SimulatedIndex]:
        now = self.now_ms()
        return [state for state in self.indexes if state.alive(now)]

    def index(self, index_id: str) -> SimulatedIndex:
        """Raises ApiError: 400 for a malformed id; for a missing one, the knob `missing_index` decides."""
        _check_shape("index_id", index_id)
        ref = self.codec.decode(index_id)
        if ref is not None and ref.kind is IdKind.INDEX and ref.index < len(self.indexes):
            state = self.indexes[ref.index]
            if state.alive(self.now_ms()):
                return state
        raise missing("indexes", index_id, int(self.knobs.missing_index))

    def indexed_asset(self, index_id: str, asset_id: str) -> tuple[SimulatedIndex, Record]:
        """Raises ApiError 400 or 404."""
        state = self.index(index_id)
        _check_shape("indexed_asset_id", asset_id)
        ref = self.codec.decode(asset_id)
        if (
            ref is None
            or ref.kind is not IdKind.INDEXED_ASSET
            or ref.index != state.number
            or not state.has(ref.ordinal)
        ):
            raise missing("indexed-assets", asset_id)
        return state, state.record(ref.ordinal)

    def task(self, task_id: str) -> tuple[SimulatedIndex, Record]:
        """Also works for deleted assets. Raises ApiError 400 or 404."""
        _check_shape("task_id", task_id)
        ref = self.codec.decode(task_id)
        known = ref is not None and ref.kind is IdKind.TASK and task_id not in self.deleted_tasks
        if ref is not None and known and ref.index < len(self.indexes):
            state = self.indexes[ref.index]
            if state.alive(self.now_ms()) and ref.ordinal < state.size:
                return state, state.record(ref.ordinal)
        raise missing("tasks", task_id)

    def asset(self, asset_id: str) -> Upload:
        """The uploaded asset with this id, indexed or not. Raises ApiError 400 or 404."""
        _check_shape("asset_id", asset_id)
        ref = self.codec.decode(asset_id)
        if ref is not None and asset_id not in self.deleted_assets:
            if ref.kind is IdKind.UPLOAD and ref.ordinal < len(self.uploads):
                return self.uploads[ref.ordinal]
            if (
                ref.kind is IdKind.ASSET
                and ref.index < len(self.indexes)
                and ref.ordinal < self.indexes[ref.index].size
            ):
                state = self.indexes[ref.index]
                record = state.record(ref.ordinal)
                if record.asset_id is None:
                    return self.own_upload(state, record)
        raise missing("assets", asset_id)

    def own_upload(self, state: SimulatedIndex, record: Record) -> Upload:
        return Upload(self.asset_id(state, record), record.content, "direct", record.created_ms, {})

    def indexed_from(self, asset_id: str) -> list[tuple[SimulatedIndex, int]]:
        """The existing indexed assets of this asset, oldest first."""
        ref = self.codec.decode(asset_id)
        places = list(self.links.get(asset_id, ()))
        if ref is not None and ref.kind is IdKind.ASSET:
            places.insert(0, (ref.index, ref.ordinal))
        now = self.now_ms()
        found = [(self.indexes[number], ordinal) for number, ordinal in places]
        return [(state, ordinal) for state, ordinal in found if state.alive(now) and state.has(ordinal)]

    def status(self, state: SimulatedIndex, record: Record) -> Status:
        return state.status(record, self.now_ms(), self.starts)

    def embedding_ready(self, state: SimulatedIndex, record: Record) -> bool:
        """False until `ready_lag_s` after the asset became ready."""
        status = self.status(state, record)
        lag_ms = self.knobs.ready_lag_s * 1000
        return status.indexed_ms is not None and self.now_ms() >= status.indexed_ms + lag_ms

    def indexed_asset_id(self, state: SimulatedIndex, ordinal: int) -> str:
        return self.codec.encode(IdKind.INDEXED_ASSET, state.number, ordinal)

    def asset_id(self, state: SimulatedIndex, record: Record) -> str:
        return record.asset_id or self.codec.encode(IdKind.ASSET, state.number, record.ordinal)

    def task_id(self, state: SimulatedIndex, ordinal: int) -> str:
        return self.codec.encode(IdKind.TASK, state.number, ordinal)

    def metadata_of_asset(self, upload: Upload) -> dict[str, Any]:
        return self.asset_metadata.get(upload.id, upload.user_metadata)


def _nothing() -> None:
    """Default listener: ignores changes."""


def _check_shape(parameter: str, identifier: str) -> None:
    if not well_formed(identifier):
        raise ApiError(
            400, "parameter_invalid", f"The {parameter} parameter is invalid. It must be 24 hexadecimal digits."
        )
