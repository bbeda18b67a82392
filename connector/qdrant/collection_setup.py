"""Finds, creates and adopts collections, resolves aliases, creates payload indexes, and sets the owners of indexes."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

import structlog
from qdrant_client import models

from connector.domain.errors import AuthenticationFailed, SinkMismatch
from connector.domain.sink_model import CollectionInfo, CollectionSpec, Owner
from connector.qdrant import collection_layout as layout
from connector.qdrant.collection_aliases import CollectionAliases
from connector.qdrant.connection import Connection, Transport
from connector.qdrant.failures import CollectionExists, CollectionMissing, completed, require_acknowledged
from connector.qdrant.point_reads import count
from connector.qdrant.session import Session

log = structlog.get_logger(__name__)


class CollectionSetup:
    """The collections of one Qdrant: finds them, and ensures that they exist, fit and carry our stamp."""

    def __init__(self, session: Session, new_instance_id: Callable[[], str]) -> None:
        self._session, self._aliases = session, CollectionAliases(session)
        self._new_instance_id = new_instance_id
        self._indexes: dict[str, Mapping[str, layout.PayloadIndex]] = {}
        self._making: dict[str, asyncio.Task[None]] = {}

    async def inspect(self, collection: str) -> CollectionInfo | None:
        found = await find(self._session, collection)
        if found is None:
            return None
        aliases = await self._known_aliases()
        if aliases is None:
            return layout.describe(collection, found)
        real_name = aliases.get(collection, collection)
        if real_name != collection:
            # The alias may have moved between the two requests: describe the collection that is queried.
            found = await find(self._session, real_name)
            if found is None:
                return await self.inspect(collection)
        pointing = tuple(sorted(alias for alias, target in aliases.items() if target == real_name))
        return replace(layout.describe(collection, found), real_name=real_name, aliases=pointing)

    async def _known_aliases(self) -> dict[str, str] | None:
        """None if the key may not list aliases."""
        try:
            return await self._aliases.all()
        except (AuthenticationFailed, SinkMismatch):
            return None

    async def collections(self) -> list[CollectionInfo]:
        listed = await self._session.call("list Qdrant's collections", "", lambda on: on.client.get_collections())
        found = [await self.inspect(name) for name in sorted(one.name for one in listed.collections)]
        return [info for info in found if info and info.instance_id]

    async def set_owner(self, collection: str, index_id: str, owner: Owner | None) -> None:
        metadata = layout.owner_metadata(index_id, owner)
        await self._session.call(
            "set the owner of an index in Qdrant collection",
            collection,
            lambda on: on.client.update_collection(collection_name=collection, metadata=metadata),
        )

    async def ensure(self, spec: CollectionSpec, indexes: Mapping[str, layout.PayloadIndex]) -> CollectionInfo:
        """Return a collection that fits and has these payload indexes; existing ones stay. Raises SinkMismatch.

        Those of a collection that it creates are still being made: `indexed` waits for them.
        """
        if making := self._making.pop(spec.name, None):
            await asyncio.wait([making])  # the missing ones are created below
        found = await self.inspect(spec.name)
        if found is None and (created := await self._created(spec)):
            _refuse_misfit(spec, created)
            self._make_indexes(spec.name, indexes)
            return replace(created, warnings=layout.index_warnings(created, indexes))
        info = found or await self._existing(spec)
        if info.instance_id is None:
            info = await self._adopted(spec, info)
        _refuse_misfit(spec, info)
        missing = {key: index for key, index in indexes.items() if key not in info.payload_indexes}
        await _index_payloads(self._session, info.name, missing)
        return replace(info, warnings=layout.index_warnings(info, indexes))

    async def indexed(self, collection: str) -> None:
        """Wait for the payload indexes of a collection that `ensure` has created; make them again if that failed."""
        making = self._making.get(collection)
        if making is None:
            return
        if making.done() and making.exception():
            making = self._make_indexes(collection, self._indexes[collection])
        await asyncio.wait([making])
        if error := making.exception():
            raise error
        self._making.pop(collection, None)

    def _make_indexes(self, collection: str, indexes: Mapping[str, layout.PayloadIndex]) -> asyncio.Task[None]:
        """In the background, because they take as long as the retrieval of the first assets."""
        self._indexes[collection] = indexes
        making = asyncio.create_task(_index_payloads(self._session, collection, indexes))  # noqa: TID251  outlives the request; close() ends it
        making.add_done_callback(_mark_as_seen)
        self._making[collection] = making
        return making

    async def close(self) -> None:
        making = [task for task in self._making.values() if not task.done()]
        for task in making:
            task.cancel()
        if making:
            await asyncio.wait(making)

    async def _created(self, spec: CollectionSpec) -> CollectionInfo | None:
        """Create the collection. None if another process was faster: its collection is used like any existing one."""
        stamp = layout.stamp(spec, self._new_instance_id())

        async def send(connection: Connection) -> None:
            await connection.client.create_collection(
                collection_name=spec.name,
                vectors_config=layout.vectors(spec),
                sparse_vectors_config=layout.sparse_vectors(spec),
                metadata=stamp,
            )

        try:
            await self._session.call("create Qdrant collection", spec.name, send)
        except CollectionExists:
            return None
        log.info("collection.created", collection=spec.name, model=spec.model, dimension=spec.dimension)
        return await self._existing(spec)

    async def _adopted(self, spec: CollectionSpec, info: CollectionInfo) -> CollectionInfo:
        """Stamp an empty collection that fits. Count exactly, because the collection info only has an estimate."""
        points = await count(self._session, spec.name, None)
        _refuse_misfit(spec, replace(info, points=points))
        stamp = layout.stamp(spec, self._new_instance_id())
        await self._session.call(
            "stamp Qdrant collection",
            spec.name,
            lambda on: on.client.update_collection(collection_name=spec.name, metadata=stamp),
        )
        log.info("collection.adopted", collection=spec.name, model=spec.model)
        return await self._existing(spec)

    async def _existing(self, spec: CollectionSpec) -> CollectionInfo:
        info = await self.inspect(spec.name)
        if info is None:
            raise SinkMismatch("prepare Qdrant collection", spec.name, "it was dropped meanwhile", "Try again")
        return info


def _mark_as_seen(making: asyncio.Task[None]) -> None:
    """So that asyncio does not report the error. `indexed` still raises it."""
    if not making.cancelled():
        making.exception()


def _refuse_misfit(spec: CollectionSpec, info: CollectionInfo) -> None:
    if differences := layout.misfit(spec, info):
        raise SinkMismatch("use Qdrant collection", spec.name, "; ".join(differences), layout.misfit_advice(spec, info))


async def find(session: Session, collection: str) -> models.CollectionInfo | None:
    try:
        return await session.call(
            "inspect Qdrant collection", collection, lambda on: on.client.get_collection(collection_name=collection)
        )
    except CollectionMissing:
        return None


async def _index_payloads(session: Session, collection: str, indexes: Mapping[str, layout.PayloadIndex]) -> None:
    """One after the other: Qdrant makes them no faster at once."""
    for key, index in indexes.items():
        await _index_payload(session, collection, key, index)


async def _index_payload(session: Session, collection: str, key: str, index: layout.PayloadIndex) -> None:
    async def send(connection: Connection) -> None:
        if connection.transport is Transport.EMBEDDED:
            return  # embedded storage filters without payload indexes
        result = await connection.client.create_payload_index(
            collection_name=collection, field_name=key, field_schema=index, wait=True
        )
        require_acknowledged(completed(result), collection)

    await session.call(f"index payload key {key} of collection", collection, send)
