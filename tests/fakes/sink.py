"""The Sink port in memory, with failures and crashes between any two of its elementary writes."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from connector.domain.arrays import Float32
from connector.domain.errors import ConnectorError, PointsRejected, SinkMismatch
from connector.domain.points import AssetPoints, is_own
from connector.domain.sink_model import (
    LAYOUT_VERSION,
    CollectionInfo,
    CollectionSpec,
    Fit,
    Hit,
    Owner,
    Similarities,
    SinkAsset,
    Tally,
)
from connector.qdrant.collection_layout import MISFIT_ADVICE, index_warnings, misfit, payload_indexes, type_of
from tests.fakes.sink_reading import FakePoint, fused, hit, is_among, named, similar_to, sink_asset, tally


class Crashed(BaseException):
    """The process died; a new one continues on the same sink."""


@dataclass(slots=True)
class FakeCollection:
    info: CollectionInfo
    points: dict[str, FakePoint] = field(default_factory=dict)


class FakeSink:
    """Keeps everything across crashes, like a server.

    `writes` counts calls that write points, `steps` their elementary writes: one point stored, one selection patched or
    deleted.
    """

    def __init__(self) -> None:
        self.stored: dict[str, FakeCollection] = {}
        self.aliases: dict[str, str] = {}
        self.writes = 0
        self.steps = 0
        self.created = 0
        self._failures: list[tuple[ConnectorError, bool]] = []
        self._crash_in: int | None = None

    def fail_next(self, calls: int, error: ConnectorError, *, after: bool = False) -> None:
        """The next calls raise; with `after`, only when they are carried out, as in a time-out."""
        self._failures += [(error, after)] * calls

    def crash_at(self, step: int) -> None:
        """The step-th elementary write from now, counted from 1, raises Crashed instead of happening."""
        self._crash_in = step

    def disarm(self) -> None:
        """Cancel planned failures and crashes."""
        self._failures.clear()
        self._crash_in = None

    def drop(self, collection: str) -> None:
        """As by an operator, or as before a restore."""
        self.stored.pop(collection, None)

    def copy(self, collection: str, name: str) -> None:
        """A snapshot of the collection, restored under this name: same instance id, its own points."""
        self.stored[name] = deepcopy(self.stored[collection])
        self.stored[name].info = replace(self.stored[name].info, name=name)

    def put_collection(self, info: CollectionInfo, points: Mapping[str, FakePoint] | None = None) -> None:
        """A collection of another program."""
        self.stored[info.name] = FakeCollection(info, dict(points or {}))

    def points_of(self, index_id: str, indexed_asset_id: str | None = None) -> dict[str, dict[str, FakePoint]]:
        """Collection -> point id -> point, of an asset or a whole index; empty collections are omitted."""
        found = {name: _selected(stored, index_id, indexed_asset_id) for name, stored in self.stored.items()}
        return {name: points for name, points in found.items() if points}

    async def version(self) -> str:
        async with self._call():
            return "fake"

    async def inspect(self, collection: str) -> CollectionInfo | None:
        async with self._call():
            return self._info(collection)

    async def collections(self) -> list[CollectionInfo]:
        async with self._call():
            infos = [info for name in sorted(self.stored) if (info := self._info(name))]
            return [info for info in infos if info.instance_id]

    async def ensure(self, spec: CollectionSpec, metadata_indexes: Mapping[str, str]) -> CollectionInfo:
        indexes = payload_indexes(metadata_indexes)
        async with self._call():
            info = self._info(spec.name) or CollectionInfo(
                spec.name, 0, dict.fromkeys(spec.options, (spec.dimension, "Cosine"))
            )
            if differences := misfit(spec, info):
                raise SinkMismatch("use collection", spec.name, "; ".join(differences), MISFIT_ADVICE)
            if info.instance_id is None:
                self.created += 1
                info = replace(
                    info, model=spec.model, layout_version=LAYOUT_VERSION, instance_id=f"instance-{self.created}"
                )
            missing = {key: type_of(index) for key, index in indexes.items() if key not in info.payload_indexes}
            info = replace(info, payload_indexes={**info.payload_indexes, **missing})
            real = self.aliases.get(spec.name, spec.name)
            self.stored.setdefault(real, FakeCollection(info)).info = replace(info, name=real)
            return replace(info, warnings=index_warnings(info, indexes))

    def fit(self, found: CollectionInfo, spec: CollectionSpec | None, metadata_indexes: Mapping[str, str]) -> Fit:
        warnings = index_warnings(found, payload_indexes(metadata_indexes))
        return Fit(tuple(misfit(spec, found)) if spec else (), warnings)

    async def set_owner(self, collection: str, index_id: str, owner: Owner | None) -> None:
        async with self._call():
            stored = self._existing(collection)
            await self._step()
            others = {index: one for index, one in stored.info.owners.items() if index != index_id}
            stored.info = replace(stored.info, owners=others | ({index_id: owner} if owner else {}))

    async def replace(
        self, points: AssetPoints, collection: str, others: Collection[str], *, first: bool = False
    ) -> None:
        _refuse_empty(points.index_id, points.indexed_asset_id)
        async with self._call(writes=True):
            into = self._existing(collection)
            for point_id, point in _points(points, into.info):
                await self._step()
                into.points[point_id] = point
            await self._remove(into, points.index_id, points.indexed_asset_id, but_revision=points.revision)
            for other in others:
                stored = self._find(other)
                if stored and stored is not into:
                    await self._remove(stored, points.index_id, points.indexed_asset_id)

    async def set_payload(
        self, collection: str, index_id: str, indexed_asset_id: str, payload: Mapping[str, Any]
    ) -> None:
        _refuse_empty(index_id, indexed_asset_id)
        async with self._call(writes=True):
            stored = self._existing(collection)
            await self._step()
            for point in _own(stored, index_id, indexed_asset_id).values():
                point.payload |= payload

    async def delete(self, collections: Collection[str], index_id: str, indexed_asset_id: str) -> None:
        _refuse_empty(index_id, indexed_asset_id)
        async with self._call(writes=True):
            for name in collections:
                if stored := self._find(name):
                    await self._remove(stored, index_id, indexed_asset_id)

    async def count(self, collection: str, index_id: str, indexed_asset_id: str | None = None) -> int:
        _refuse_empty(index_id, indexed_asset_id)
        async with self._call():
            stored = self._find(collection)
            return len(_selected(stored, index_id, indexed_asset_id)) if stored else 0

    async def tally(self, collection: str, index_id: str, most: int) -> Tally | None:
        _refuse_empty(index_id)
        async with self._call():
            stored = self._find(collection)
            return tally(_selected(stored, index_id).values() if stored else (), most)

    async def manifest(self, collection: str, index_id: str, only: Tally | None = None) -> dict[str, SinkAsset]:
        _refuse_empty(index_id)
        async with self._call():
            by_asset: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
            stored = self._find(collection)
            for point in _own(stored, index_id).values() if stored else ():
                if is_among(point.payload, only):
                    by_asset[point.payload["indexed_asset_id"]].append(point.payload)
            return {asset: sink_asset(asset, payloads) for asset, payloads in by_asset.items()}

    async def asset(self, collection: str, index_id: str, indexed_asset_id: str) -> SinkAsset | None:
        return (await self.manifest(collection, index_id)).get(indexed_asset_id)

    async def similarities(self, collection: str, vector: Float32, index_ids: Sequence[str]) -> dict[str, Similarities]:
        async with self._call():
            points = self._searched(collection, index_ids)
            found = {option: similar_to(points, vector, option).values() for option in named(points)}
            return {option: Similarities(max(it), tuple(it)[:100]) for option, it in found.items()}

    async def search(
        self,
        collection: str,
        vector: Float32,
        index_ids: Sequence[str],
        limit: int,
        at_least: Mapping[str, float] | None = None,
    ) -> list[Hit]:
        async with self._call():
            points = self._searched(collection, index_ids)
            scores = fused(points, vector, at_least)
            return [hit(points[point_id].payload, *scores[point_id]) for point_id in list(scores)[:limit]]

    def _searched(self, collection: str, index_ids: Sequence[str]) -> dict[str, FakePoint]:
        return {
            key: point
            for key, point in self._existing(collection).points.items()
            if is_own(key, point.payload) and (not index_ids or point.payload["index_id"] in index_ids)
        }

    async def close(self) -> None:
        """Nothing to close."""

    def _find(self, collection: str) -> FakeCollection | None:
        return self.stored.get(self.aliases.get(collection, collection))

    def _info(self, collection: str) -> CollectionInfo | None:
        stored = self._find(collection)
        real_name = self.aliases.get(collection, collection)
        return replace(stored.info, name=collection, real_name=real_name, points=len(stored.points)) if stored else None

    def _existing(self, collection: str) -> FakeCollection:
        stored = self._find(collection)
        if stored is None:
            raise SinkMismatch("use collection", collection, "it does not exist")
        return stored

    def _call(self, *, writes: bool = False) -> "_Call":
        self.writes += writes
        return _Call(self._failures.pop(0) if self._failures else None)

    async def _step(self) -> None:
        await asyncio.sleep(0)
        if self._crash_in is not None:
            self._crash_in -= 1
            if self._crash_in == 0:
                self._crash_in = None
                raise Crashed
        self.steps += 1

    async def _remove(
        self, stored: FakeCollection, index_id: str, indexed_asset_id: str, but_revision: str | None = None
    ) -> None:
        await self._step()
        for point_id, point in _own(stored, index_id, indexed_asset_id).items():
            if point.payload.get("revision") != but_revision:
                del stored.points[point_id]


@dataclass(slots=True)
class _Call:
    """Let other tasks run, then fail before or after the call's effect, as planned."""

    failure: tuple[ConnectorError, bool] | None

    async def __aenter__(self) -> None:
        await asyncio.sleep(0)
        if self.failure and not self.failure[1]:
            raise self.failure[0]

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.failure and kind is None:
            raise self.failure[0]


def _refuse_empty(*ids: str | None) -> None:
    if "" in ids:
        raise ValueError("an id is empty: it would not select what is meant")


def _selected(stored: FakeCollection, index_id: str, indexed_asset_id: str | None = None) -> dict[str, FakePoint]:
    return {
        point_id: point
        for point_id, point in stored.points.items()
        if point.payload.get("index_id") == index_id
        and indexed_asset_id in (None, point.payload.get("indexed_asset_id"))
    }


def _own(stored: FakeCollection, index_id: str, indexed_asset_id: str | None = None) -> dict[str, FakePoint]:
    selected = _selected(stored, index_id, indexed_asset_id)
    return {point_id: point for point_id, point in selected.items() if is_own(point_id, point.payload)}


def _points(points: AssetPoints, info: CollectionInfo) -> Iterator[tuple[str, FakePoint]]:
    for row, point_id in enumerate(points.ids):
        vectors = {
            option: named.matrix[named.rows.tolist().index(row)]
            for option, named in points.vectors.items()
            if row in named.rows
        }
        if any(info.vectors.get(option) != (len(vector), "Cosine") for option, vector in vectors.items()):
            cause = f"point {point_id} does not fit the collection"
            raise PointsRejected("write points of asset", points.indexed_asset_id, cause)
        yield point_id, FakePoint(vectors, points.payload(row, tuple(vectors)))
