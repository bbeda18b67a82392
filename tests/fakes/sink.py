"""The Sink port in memory, with failures and crashes between any two of its elementary writes."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import replace
from typing import Any

from connector.domain.arrays import Float32
from connector.domain.bm25 import IDF, TRANSCRIPT_BM25
from connector.domain.errors import ConnectorError, SinkMismatch
from connector.domain.payload_profile import PayloadProfile
from connector.domain.points import ID_KEYS, AssetPoints
from connector.domain.sink_model import (
    LAYOUT_VERSION,
    CollectionInfo,
    CollectionSpec,
    Fit,
    Hit,
    Owner,
    Similarities,
    SinkAsset,
    StoredPoint,
    Tally,
)
from connector.qdrant.collection_layout import index_warnings, misfit, misfit_advice, payload_indexes, type_of
from tests.fakes.sink_calls import Call, refuse_empty
from tests.fakes.sink_reading import (
    PAGE,
    FakeCollection,
    FakePoint,
    among,
    as_fake,
    fused,
    hit,
    index_ids,
    is_among,
    named,
    own_points,
    rewrite,
    searched,
    selected,
    similar_to,
    sink_asset,
    tally,
)


class Crashed(BaseException):
    """The process died; a new one continues on the same sink."""


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
        found = {name: among(stored.points, index_id, indexed_asset_id) for name, stored in self.stored.items()}
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
            vectors = dict.fromkeys(spec.options, (spec.dimension, "Cosine"))
            sparse = {TRANSCRIPT_BM25: IDF} if spec.sparse_transcript else {}
            info = self._info(spec.name) or CollectionInfo(spec.name, 0, vectors, sparse=sparse)
            if differences := misfit(spec, info):
                raise SinkMismatch("use collection", spec.name, "; ".join(differences), misfit_advice(spec, info))
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
        differences = tuple(misfit(spec, found)) if spec else ()
        return Fit(differences, warnings, misfit_advice(spec, found) if spec and differences else "")

    async def check_write_access(self, collection: CollectionInfo | None) -> None:
        await self.version()

    async def set_owner(self, collection: str, index_id: str, owner: Owner | None) -> None:
        async with self._call():
            stored = self._existing(collection)
            await self._step()
            others = {index: one for index, one in stored.info.owners.items() if index != index_id}
            stored.info = replace(stored.info, owners=others | ({index_id: owner} if owner else {}))

    def announce_write(self, collection: str, segments: int) -> AbstractContextManager[None]:
        return nullcontext()

    async def replace(
        self, points: AssetPoints, collection: str, others: Collection[str], *, first: bool = False
    ) -> None:
        refuse_empty(points.index_id, points.indexed_asset_id)
        async with self._call(writes=True):
            into = self._existing(collection)
            for point_id, point in as_fake(points, into.info):
                await self._step()
                into.points[point_id] = point
            await self._remove(into, points.index_id, points.indexed_asset_id, but=points.ids)
            for other in others:
                stored = self._find(other)
                if stored and stored is not into:
                    await self._remove(stored, points.index_id, points.indexed_asset_id)

    async def set_payload(
        self,
        collection: str,
        index_id: str,
        indexed_asset_id: str,
        payload: Mapping[str, Any],
        payload_profile: PayloadProfile = "none",
    ) -> None:
        refuse_empty(index_id, indexed_asset_id)
        async with self._call(writes=True):
            ours = own_points(self._existing(collection).points, index_id, indexed_asset_id).values()
            if payload_profile == "none":
                await self._step()
            for point in ours:
                if payload_profile != "none":
                    await self._step()
                rewrite(point, payload, payload_profile)

    async def delete(self, collections: Collection[str], index_id: str, indexed_asset_id: str) -> None:
        refuse_empty(index_id, indexed_asset_id)
        async with self._call(writes=True):
            for name in collections:
                if stored := self._find(name):
                    await self._remove(stored, index_id, indexed_asset_id)

    async def count(self, collection: str, index_id: str, indexed_asset_id: str | None = None) -> int:
        refuse_empty(index_id, indexed_asset_id)
        async with self._call():
            stored = self._find(collection)
            return len(among(stored.points, index_id, indexed_asset_id)) if stored else 0

    async def indexes_in(self, collection: str) -> list[str]:
        stored = self._find(collection)
        return index_ids(stored.points.values() if stored else ())

    async def tally(self, collection: str, index_id: str, most: int) -> Tally | None:
        refuse_empty(index_id)
        async with self._call():
            stored = self._find(collection)
            return tally(among(stored.points, index_id).values() if stored else (), most)

    async def manifest(self, collection: str, index_id: str, only: Tally | None = None) -> dict[str, SinkAsset]:
        refuse_empty(index_id)
        async with self._call():
            by_asset: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
            stored = self._find(collection)
            for point in own_points(stored.points, index_id).values() if stored else ():
                if is_among(point.payload, only):
                    by_asset[point.payload["indexed_asset_id"]].append(point.payload)
            return {asset: sink_asset(asset, payloads) for asset, payloads in by_asset.items()}

    async def asset(self, collection: str, index_id: str, indexed_asset_id: str) -> SinkAsset | None:
        return (await self.manifest(collection, index_id)).get(indexed_asset_id)

    async def payloads(
        self,
        collection: str,
        index_id: str,
        keys: Sequence[str],
        *,
        indexed_asset_id: str | None = None,
        page: int | None = None,
    ) -> AsyncGenerator[list[Mapping[str, Any]], None]:
        points, most = list((await self.points(collection, index_id, indexed_asset_id)).values()), page or PAGE
        for first in range(0, len(points), most):
            yield [selected(point, (*ID_KEYS, *keys)) for point in points[first : first + most]]

    async def points(self, collection: str, index_id: str, indexed_asset_id: str | None) -> dict[str, StoredPoint]:
        refuse_empty(index_id, indexed_asset_id)
        async with self._call():
            stored = self._find(collection)
            found = own_points(stored.points, index_id, indexed_asset_id) if stored else {}
            return {
                key: StoredPoint(dict(point.payload), dict(point.vectors), point.sparse) for key, point in found.items()
            }

    async def similarities(self, collection: str, vector: Float32, index_ids: Sequence[str]) -> dict[str, Similarities]:
        async with self._call():
            points = searched(self._existing(collection).points, index_ids)
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
            points = searched(self._existing(collection).points, index_ids)
            scores = fused(points, vector, at_least)
            return [hit(points[point_id].payload, *scores[point_id]) for point_id in list(scores)[:limit]]

    async def close(self) -> None:
        """Nothing to close."""

    def _find(self, collection: str) -> FakeCollection | None:
        return self.stored.get(self.aliases.get(collection, collection))

    def _info(self, collection: str) -> CollectionInfo | None:
        stored, real_name = self._find(collection), self.aliases.get(collection, collection)
        if stored is None:
            return None
        names = tuple(sorted(alias for alias, target in self.aliases.items() if target == real_name))
        points = len(stored.points)
        return replace(stored.info, name=collection, real_name=real_name, aliases=names, points=points)

    def _existing(self, collection: str) -> FakeCollection:
        stored = self._find(collection)
        if stored is None:
            raise SinkMismatch("use collection", collection, "it does not exist")
        return stored

    def _call(self, *, writes: bool = False) -> Call:
        self.writes += writes
        return Call(self._failures.pop(0) if self._failures else None)

    async def _step(self) -> None:
        await asyncio.sleep(0)
        if self._crash_in is not None:
            self._crash_in -= 1
            if self._crash_in == 0:
                self._crash_in = None
                raise Crashed
        self.steps += 1

    async def _remove(
        self, stored: FakeCollection, index_id: str, indexed_asset_id: str, but: Collection[str] = ()
    ) -> None:
        await self._step()
        for point_id in own_points(stored.points, index_id, indexed_asset_id).keys() - set(but):
            del stored.points[point_id]
