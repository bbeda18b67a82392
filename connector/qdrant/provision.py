"""Finds, creates or adopts collections, and creates payload indexes before the first write."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

import structlog

from connector.domain.errors import AuthenticationFailed, SinkMismatch
from connector.domain.sink_model import CollectionInfo, CollectionSpec
from connector.qdrant import collection as layout
from connector.qdrant import operations
from connector.qdrant.connection import Connection
from connector.qdrant.failures import CollectionExists
from connector.qdrant.session import Session

log = structlog.get_logger(__name__)


class Provision:
    """Ensures that collections exist, fit and carry our stamp."""

    def __init__(self, session: Session, new_instance_id: Callable[[], str]) -> None:
        self._session = session
        self._new_instance_id = new_instance_id

    async def inspect(self, collection: str) -> CollectionInfo | None:
        found = await operations.find(self._session, collection)
        if found is None:
            return None
        return replace(layout.describe(collection, found), real_name=await self._real_name(collection))

    async def _real_name(self, collection: str) -> str | None:
        """Behind an alias; None if the key may not list aliases."""
        try:
            aliases = await operations.aliases(self._session)
        except (AuthenticationFailed, SinkMismatch):
            return None
        return aliases.get(collection, collection)

    async def ensure(self, spec: CollectionSpec, indexes: Mapping[str, layout.PayloadIndex]) -> CollectionInfo:
        """A collection that fits, with these payload indexes as far as it has no others. Raises SinkMismatch."""
        info = await self.inspect(spec.name) or await self._created(spec)
        if info.instance_id is None:
            info = await self._adopted(spec, info)
        _refuse_misfit(spec, info)
        missing = {key: index for key, index in indexes.items() if key not in info.payload_indexes}
        for key, index in missing.items():
            await operations.index_payload(self._session, info.name, key, index)
        return replace(info, warnings=layout.index_warnings(info, indexes))

    async def _created(self, spec: CollectionSpec) -> CollectionInfo:
        """Create the collection. If another process was faster, use its collection like any existing one."""
        stamp = layout.stamp(spec, self._new_instance_id())

        async def send(connection: Connection) -> None:
            await connection.client.create_collection(
                collection_name=spec.name, vectors_config=layout.vectors(spec), metadata=stamp
            )

        with suppress(CollectionExists):
            await self._session.call("create Qdrant collection", spec.name, send)
            log.info("collection.created", collection=spec.name, model=spec.model, dimension=spec.dimension)
        return await self._existing(spec)

    async def _adopted(self, spec: CollectionSpec, info: CollectionInfo) -> CollectionInfo:
        """Stamp an empty collection that fits. Count exactly, because the collection info only has an estimate."""
        points = await operations.count(self._session, spec.name, None)
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


def _refuse_misfit(spec: CollectionSpec, info: CollectionInfo) -> None:
    if differences := layout.misfit(spec, info):
        raise SinkMismatch("use Qdrant collection", spec.name, "; ".join(differences), layout.MISFIT_ADVICE)
