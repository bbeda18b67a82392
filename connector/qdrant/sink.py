"""The Sink port on Qdrant; server and embedded storage differ only in the connection."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from qdrant_client import models

from connector.domain.arrays import Float32
from connector.domain.errors import SinkMismatch
from connector.domain.payload_profile import PayloadProfile
from connector.domain.points import ID_KEYS, AssetPoints
from connector.domain.search_scope import PointScope
from connector.domain.sink_model import (
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
from connector.ports import Observer
from connector.qdrant import collection_layout as layout
from connector.qdrant import (
    collection_setup,
    payload_writes,
    point_deletes,
    point_filters,
    point_reads,
    point_search,
    point_writes,
)
from connector.qdrant.collection_aliases import CollectionAliases
from connector.qdrant.collection_setup import CollectionSetup
from connector.qdrant.connection import PROBE_SEC, Address, Connection, connect, connect_grpc
from connector.qdrant.failures import CollectionMissing
from connector.qdrant.grouped_writes import GroupedWrites
from connector.qdrant.moment_reader import MomentReader
from connector.qdrant.segment_samples import SegmentSamples
from connector.qdrant.session import Session
from connector.qdrant.write_access import check_write_access

_MOST_INDEXES = 10_000


class QdrantSink:
    """Connects on first use, so that a daemon starts while Qdrant is down."""

    def __init__(
        self,
        url: str,
        api_key: str | None,
        grpc_port: int,
        data_dir: Path,
        new_instance_id: Callable[[], str] = lambda: uuid.uuid4().hex,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        observe: Observer = lambda _: None,
        environment: Mapping[str, str] = MappingProxyType({}),
        oversampling: float | None = point_search.OVERSAMPLING,
    ) -> None:
        """`url` is a server URL, or `embedded`: then storage is `<data_dir>/qdrant`, and key and port are ignored.

        `environment` (see `network_variables`) is for messages. `oversampling` is for searches of quantized vectors;
        None leaves it to Qdrant.
        """
        self._oversampling = oversampling
        address = Address(url, api_key, grpc_port, data_dir, environment)
        self._session = Session(partial(connect, address), partial(connect_grpc, address), monotonic, observe)
        self._setup = CollectionSetup(self._session, new_instance_id)
        self.moments = MomentReader(self._session, SegmentSamples(self._session, monotonic), oversampling)
        self.aliases = CollectionAliases(self._session)
        self._first_writes = GroupedWrites(self._session)

    async def version(self) -> str:
        """Ask the server once, with a short time-out. Also checks the key, so it serves as a health check."""

        async def ask(connection: Connection) -> str:
            async with asyncio.timeout(PROBE_SEC):
                await connection.client.get_collections()
                return await connection.version()

        return await self._session.once("ask Qdrant for its version", "", ask)

    async def inspect(self, collection: str) -> CollectionInfo | None:
        return await self._setup.inspect(collection)

    async def collections(self) -> list[CollectionInfo]:
        return await self._setup.collections()

    async def ensure(self, spec: CollectionSpec, metadata_indexes: Mapping[str, str]) -> CollectionInfo:
        return await self._setup.ensure(spec, layout.payload_indexes(metadata_indexes))

    def fit(self, found: CollectionInfo, spec: CollectionSpec | None, metadata_indexes: Mapping[str, str]) -> Fit:
        warnings = layout.index_warnings(found, layout.payload_indexes(metadata_indexes))
        differences = tuple(layout.misfit(spec, found)) if spec else ()
        return Fit(differences, warnings, layout.misfit_advice(spec, found) if spec and differences else "")

    async def check_write_access(self, collection: CollectionInfo | None) -> None:
        await check_write_access(self._session, collection)

    async def set_owner(self, collection: str, index_id: str, owner: Owner | None) -> None:
        await self._setup.set_owner(collection, index_id, owner)

    def announce_write(self, collection: str, segments: int) -> AbstractContextManager[None]:
        return self._first_writes.announce(collection, segments)

    async def replace(
        self, points: AssetPoints, collection: str, others: Collection[str], *, first: bool = False
    ) -> None:
        self._first_writes.arrive()  # others need not wait while the payload indexes are made
        await self._setup.indexed(collection)
        if first and not others:
            await self._first_writes.replace(points, collection)
            return
        distinct = [name for name in others if name != collection]
        if distinct:
            distinct = await self._other_instances(collection, distinct)
        await point_writes.replace(self._session, points, collection, distinct)

    async def _other_instances(self, collection: str, names: Collection[str]) -> list[str]:
        """The names of other collections; omits aliases of this one and missing collections."""
        target = await self.inspect(collection)
        found = [(name, await self.inspect(name)) for name in names]
        return [name for name, info in found if info and target and not _is_same(info, target)]

    async def set_payload(
        self,
        collection: str,
        index_id: str,
        indexed_asset_id: str,
        payload: Mapping[str, Any],
        payload_profile: PayloadProfile = "none",
    ) -> None:
        await payload_writes.patch(self._session, collection, index_id, indexed_asset_id, payload, payload_profile)

    async def delete(self, collections: Collection[str], index_id: str, indexed_asset_id: str) -> None:
        await point_deletes.delete(self._session, collections, index_id, indexed_asset_id)

    async def count(self, collection: str, index_id: str, indexed_asset_id: str | None = None) -> int:
        try:
            return await point_reads.count(self._session, collection, point_filters.within(index_id, indexed_asset_id))
        except CollectionMissing:
            return 0

    async def indexes_in(self, collection: str) -> list[str]:
        found = await point_reads.facet(self._session, collection, models.Filter(), "index_id", _MOST_INDEXES)
        return sorted(found or ())

    async def tally(self, collection: str, index_id: str, most: int) -> Tally | None:
        only, found = point_filters.of_index(index_id), {}
        for key in ("revision", "metadata_revision"):
            values = await point_reads.facet(self._session, collection, only, key, most + 1)
            if values is None or len(values) > most:
                return None
            found[key] = values
        return Tally(found["revision"], found["metadata_revision"])

    async def manifest(self, collection: str, index_id: str, only: Tally | None = None) -> dict[str, SinkAsset]:
        if only:
            with suppress(SinkMismatch):  # strict mode may reject such a long filter
                return await self._manifest(collection, point_filters.of_tally(index_id, only))
        return await self._manifest(collection, point_filters.of_index(index_id))

    async def _manifest(self, collection: str, only: models.Filter) -> dict[str, SinkAsset]:
        manifest = point_reads.Manifest()
        with suppress(CollectionMissing):
            async for records in point_reads.scroll(self._session, collection, only, point_reads.MANIFEST_KEYS):
                manifest.add(records)
        return manifest.assets()

    async def asset(self, collection: str, index_id: str, indexed_asset_id: str) -> SinkAsset | None:
        return (await self._manifest(collection, point_filters.of_asset(index_id, indexed_asset_id))).get(
            indexed_asset_id
        )

    async def payloads(
        self,
        collection: str,
        index_id: str,
        keys: Sequence[str],
        *,
        indexed_asset_id: str | None = None,
        page: int | None = None,
    ) -> AsyncGenerator[list[Mapping[str, Any]], None]:
        only, wanted = point_filters.within(index_id, indexed_asset_id), list(dict.fromkeys((*ID_KEYS, *keys)))
        with suppress(CollectionMissing):
            async for records in point_reads.scroll(self._session, collection, only, wanted, most=page):
                yield [record.payload or {} for record in point_filters.own(records)]

    async def points(self, collection: str, index_id: str, indexed_asset_id: str) -> dict[str, StoredPoint]:
        only, found = point_filters.of_asset(index_id, indexed_asset_id), dict[str, StoredPoint]()
        with suppress(CollectionMissing):
            async for records in point_reads.scroll(self._session, collection, only, None, vectors=True):
                found |= {str(record.id): point_reads.stored_point(record) for record in point_filters.own(records)}
        return found

    async def similarities(self, collection: str, vector: Float32, index_ids: Sequence[str]) -> dict[str, Similarities]:
        found, options = await self._searchable(collection, vector)
        vectors, scope = dict.fromkeys(options, vector), PointScope(tuple(index_ids))
        return await self.moments.similarities(
            collection, vectors, scope, layout.describe(collection, found).instance_id
        )

    async def search(
        self,
        collection: str,
        vector: Float32,
        index_ids: Sequence[str],
        limit: int,
        at_least: Mapping[str, float] | None = None,
    ) -> list[Hit]:
        _, options = await self._searchable(collection, vector)
        least = (
            dict.fromkeys(options)
            if at_least is None
            else {name: at_least[name] for name in options if name in at_least}
        )
        if not least:
            return []
        more = self._oversampling
        return await point_search.search(self._session, collection, vector, least, index_ids, limit, more)

    async def _searchable(self, collection: str, vector: Float32) -> tuple[models.CollectionInfo, tuple[str, ...]]:
        found = await collection_setup.find(self._session, collection)
        options = layout.searchable(found, len(vector)) if found else ()
        if not (found and options):
            cause = f"it has no vectors of dimension {len(vector)}" if found else "it does not exist"
            raise SinkMismatch("search Qdrant collection", collection, cause, "Run `connector sync` first")
        return found, tuple(options)

    async def example(self, collection: str) -> point_reads.Example | None:
        """One stored point as an example; None if the collection is empty."""
        request = models.ScrollRequest(limit=1, with_payload=True, with_vector=True)
        read = partial(point_reads.page, collection, request)
        found, _ = await self._session.call("read a point of Qdrant collection", collection, read)
        return point_reads.example(found[0]) if found else None

    async def close(self) -> None:
        await self._setup.close()
        await self._session.close()


def _is_same(one: CollectionInfo, other: CollectionInfo) -> bool:
    """Compare real names first: a copy restored next to its original has the same instance id."""
    if one.real_name and other.real_name:
        return one.real_name == other.real_name
    return one.instance_id == other.instance_id
