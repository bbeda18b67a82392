"""A `Source` in memory whose content tests can change while it is read."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from connector.domain.arrays import Float32
from connector.domain.errors import ConfigError, IndexGone
from connector.domain.marengo import KNOWN
from connector.domain.priority import Priority
from connector.domain.source_model import (
    IN_PROGRESS,
    READY,
    Changes,
    Index,
    IndexedAsset,
    IndexingTask,
    Progress,
    RetrievedAsset,
    Snapshot,
)
from connector.domain.timestamps import epoch
from connector.twelvelabs.calls import asset_path, index_path
from tests.fakes.fake_asset import SEGMENT_SEC, FakeAsset, answer_of, unit_vectors
from tests.fakes.memory import FakeMemory

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class FakeIndex:
    index: Index
    assets: dict[str, FakeAsset] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    ghosts: dict[str, IndexedAsset] = field(default_factory=dict)
    complete: bool = True

    def listed(self) -> dict[str, IndexedAsset]:
        """The assets in listings, without those that are already gone."""
        return {name: asset.listed for name, asset in self.assets.items() if name not in self.hidden}


class FakeSource:
    """Assets and indexes are named by their ids.

    `listings` counts complete walks; `hold` lets the retrieval of an asset wait until `let_go`.

    `hide` makes a listing wrong though it looks complete; `listing_complete` makes it admit that it is not. `as_of` is
    what listings give as the source's own time.
    """

    def __init__(self) -> None:
        self.as_of: float | None = None
        self.memory = FakeMemory()
        self.in_memory = self.memory.hold
        self.retrievals: Counter[tuple[str, str]] = Counter()
        self._indexes: dict[str, FakeIndex] = {}
        self._requests: Counter[str | None] = Counter()
        self._failures: list[tuple[Collection[str] | None, Callable[[], Exception]]] = []
        self._moments = 0.0
        self._held: dict[str, asyncio.Event] = {}
        self.listings = 0

    def hold(self, asset_id: str) -> None:
        self._held[asset_id] = asyncio.Event()

    def let_go(self, asset_id: str) -> None:
        self._held.pop(asset_id).set()

    def add_index(
        self, index_id: str, model: str | None = "marengo3.0", options: tuple[str, ...] = ("visual", "audio")
    ) -> Index:
        index = Index(index_id, f"name of {index_id}", model, options)
        self._indexes[index_id] = FakeIndex(index)
        return index

    def remove_index(self, index_id: str) -> None:
        del self._indexes[index_id]

    def pass_time(self, seconds: float) -> None:
        """Advance the time between two changes of assets."""
        self._moments += seconds

    def add(
        self,
        index_id: str,
        asset_id: str,
        *,
        status: str = READY,
        segments: int = 3,
        silent: bool = False,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        now = self._moment()
        listed = IndexedAsset(
            asset_id,
            status,
            asset_id=f"upload-{asset_id}",
            created_at=now,
            updated_at=now,
            indexed_at=now,
            filename=f"{asset_id}.mp4",
            duration_sec=segments * SEGMENT_SEC,
            fps=25.0,
            width=640,
            height=360,
            size_bytes=1000.0 * segments,
        )
        index = self._indexes[index_id]
        index.assets[asset_id] = FakeAsset(
            listed, index.index.model, segments=segments, silent=silent, metadata=dict(metadata or {})
        )

    def deform(
        self, index_id: str, asset_id: str, *, only: Collection[str] | None = None, dimension: int | None = None
    ) -> None:
        """Segments of some options only, or vectors with a dimension that is not the model's."""
        asset = self._asset(index_id, asset_id)
        asset.only, asset.dimension = only, dimension

    def change(self, index_id: str, asset_id: str, *, segments: int | None = None, quietly: bool = False) -> None:
        """Other vectors, and another length if `segments` is given; `quietly` keeps updated_at."""
        asset = self._asset(index_id, asset_id)
        asset.content += 1
        asset.segments = asset.segments if segments is None else segments
        asset.listed = replace(asset.listed, duration_sec=asset.segments * SEGMENT_SEC)
        if not quietly:
            asset.listed = replace(asset.listed, updated_at=self._moment())

    def remove(self, index_id: str, asset_id: str) -> None:
        del self._indexes[index_id].assets[asset_id]

    def set_status(self, index_id: str, asset_id: str, status: str) -> None:
        asset = self._asset(index_id, asset_id)
        asset.listed = replace(asset.listed, status=status, updated_at=self._moment())

    def set_date(self, index_id: str, asset_id: str, updated_at: str | None) -> None:
        asset = self._asset(index_id, asset_id)
        asset.listed = replace(asset.listed, updated_at=updated_at)

    def set_metadata(self, index_id: str, asset_id: str, metadata: Mapping[str, Any]) -> None:
        """Replaces the metadata; no listing shows that."""
        self._asset(index_id, asset_id).metadata = dict(metadata)

    def set_embedded(self, index_id: str, asset_id: str, *, embedded: bool) -> None:
        """A ready asset without embedding, because the source lags."""
        self._asset(index_id, asset_id).embedded = embedded

    def migrate(self, index_id: str, model: str) -> None:
        """Changes the model of the index and the vectors of all its assets; no listing of assets shows that."""
        index = self._indexes[index_id]
        index.index = replace(index.index, model=model)
        for asset in index.assets.values():
            asset.model = model

    def extend(self, index_id: str, *options: str) -> None:
        """The index gains model options."""
        index = self._indexes[index_id]
        index.index = replace(index.index, model_options=(*index.index.model_options, *options))

    def change_index(self, index_id: str, **facts: str) -> None:
        index = self._indexes[index_id]
        index.index = replace(index.index, **facts)  # type: ignore[arg-type]  # passes fields through

    def hide(self, index_id: str, *asset_ids: str) -> None:
        """Replaces the set of assets that listings omit."""
        self._indexes[index_id].hidden = set(asset_ids)

    def ghost(self, index_id: str, *listed: IndexedAsset) -> None:
        """Replaces the assets that listings still show although they are gone."""
        self._indexes[index_id].ghosts = {asset.indexed_asset_id: asset for asset in listed}

    def listing_complete(self, index_id: str, *, complete: bool) -> None:
        self._indexes[index_id].complete = complete

    def fail_next(self, count: int, error: Callable[[], Exception], methods: Collection[str] | None = None) -> None:
        """The next `count` calls (of `methods`, or of any method) raise `error()`."""
        self._failures += [(methods, error)] * count

    def fail_no_more(self) -> None:
        self._failures.clear()

    def listed(self, index_id: str) -> dict[str, IndexedAsset]:
        """A listing with nothing hidden."""
        return {name: asset.listed for name, asset in self._indexes[index_id].assets.items()}

    def index_now(self, index_id: str) -> Index:
        """The current index, without counting a request."""
        return self._indexes[index_id].index

    def peek(
        self, index_id: str, asset_id: str, options: Collection[str] | None = None, *, transcript: bool = True
    ) -> RetrievedAsset:
        """The result of a retrieval, without counting it."""
        return answer_of(self._indexes[index_id].index, self._asset(index_id, asset_id), options, transcript)

    async def indexes(self) -> list[Index]:
        self._ask("indexes", None)
        return [index.index for index in self._indexes.values()]

    async def index(self, index_id: str) -> Index:
        return self._index("index", index_id).index

    async def snapshot(self, index: Index) -> Snapshot:
        found = self._index("snapshot", index.index_id)
        self.listings += 1
        return Snapshot(index, found.listed() | found.ghosts, found.complete, self.as_of)

    async def changes(
        self, index: Index, since: float | None, known: Mapping[str, IndexedAsset] = MappingProxyType({})
    ) -> Changes:
        """Selects by the dates of the listing alone, so assets in `known` may appear again."""
        found = self._index("changes", index.index_id)
        touched = {
            name: row
            for name, row in found.listed().items()
            if since is None or max(epoch(row.created_at or ""), epoch(row.updated_at or "")) >= since
        }
        return Changes(touched, self.as_of)

    async def progress(self, index: Index, pending: Collection[str]) -> Progress:
        if not pending:
            return Progress({}, frozenset())
        found = self._index("progress", index.index_id)
        asked = {name: found.assets[name].listed for name in set(pending) & found.assets.keys()}
        still = frozenset(name for name, row in asked.items() if row.status in IN_PROGRESS)
        return Progress({name: row for name, row in asked.items() if name not in still}, still)

    async def asset(self, index: Index, indexed_asset_id: str) -> IndexedAsset | None:
        found = self._index("asset", index.index_id).assets.get(indexed_asset_id)
        return found.listed if found else None

    async def task(self, task_id: str) -> IndexingTask | None:
        self._ask("task", None)
        found = next((name for name in self._indexes if task_id.startswith(f"task-of-{name}")), None)
        return IndexingTask(found, task_id.removeprefix(f"task-of-{found}-")) if found else None

    async def reserve(self, _: Callable[[], Priority]) -> None:
        await asyncio.sleep(0)

    def release(self) -> None:
        """Every request may be sent at once."""

    async def ping(self, turn_sec: float = 1.0) -> None:
        self._ask("ping", None)

    async def retrieve(
        self, index: Index, indexed_asset_id: str, options: Collection[str] | None, *, transcript: bool
    ) -> RetrievedAsset | None:
        asset_path(index.index_id, indexed_asset_id)
        self._ask("retrieve", index.index_id)
        self.retrievals[index.index_id, indexed_asset_id] += 1
        if indexed_asset_id in self._held:
            await self._held[indexed_asset_id].wait()
        found = self._indexes.get(index.index_id)
        asset = found.assets.get(indexed_asset_id) if found else None
        return answer_of(index, asset, options, transcript) if asset else None

    async def exists(self, index_id: str, indexed_asset_id: str) -> bool:
        asset_path(index_id, indexed_asset_id)
        self._ask("exists", index_id)
        found = self._indexes.get(index_id)
        return found is not None and indexed_asset_id in found.assets

    async def embed_text(self, model: str, text: str) -> Float32:
        self._ask("embed_text", None)
        if model not in KNOWN or not text:
            raise ConfigError("embed text with", model, "the source refuses it")
        return unit_vectors(1, model, "text", text).reshape(-1)

    def requests(self, index_id: str | None = None) -> int:
        return self._requests.total() if index_id is None else self._requests[index_id]

    async def close(self) -> None:
        """Nothing to end."""

    def _index(self, method: str, index_id: str) -> FakeIndex:
        index_path(index_id)
        self._ask(method, index_id)
        if index_id not in self._indexes:
            raise IndexGone("look up index", index_id, "there is none")
        return self._indexes[index_id]

    def _asset(self, index_id: str, asset_id: str) -> FakeAsset:
        return self._indexes[index_id].assets[asset_id]

    def _ask(self, method: str, index_id: str | None) -> None:
        self._requests[index_id] += 1
        for place, (methods, error) in enumerate(self._failures):
            if methods is None or method in methods:
                del self._failures[place]
                raise error()

    def _moment(self) -> str:
        self._moments += 1
        return (_EPOCH + timedelta(seconds=self._moments)).isoformat().replace("+00:00", "Z")
