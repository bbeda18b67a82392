"""What the connector has stored, without a query: indexes, and the segments of a video."""

from collections.abc import Sequence
from dataclasses import dataclass

from connector.domain.errors import ConfigError, SinkMismatch
from connector.domain.marengo import newest_model_first, option_order
from connector.domain.sink_model import CollectionInfo
from connector.engine.stored_asset import StoredAsset, read_asset
from connector.qdrant.sink import QdrantSink
from connector.search.collection_lookup import CollectionLookup
from connector.search.known_names import check_indexes


@dataclass(frozen=True, slots=True)
class StoredIndex:
    """An index in one collection. `assets` is None if Qdrant cannot count them; `metadata_keys` are from a sample."""

    index_id: str
    index_name: str | None
    model: str
    collection: str
    assets: int | None
    segments: int
    options: tuple[str, ...]
    metadata_keys: tuple[str, ...]
    newest_indexed_at: str | None


@dataclass(frozen=True, slots=True)
class IndexPlace:
    index_id: str
    collection: CollectionInfo


@dataclass(frozen=True, slots=True)
class StoredVideo:
    """`models` are all that the asset has segments of, newest first; `stored` is of the first one."""

    models: tuple[str, ...]
    stored: StoredAsset


@dataclass(frozen=True, slots=True)
class VideoCatalog:
    """`indexes` are the only ones that exist here; none means all. Raises what the sink raises."""

    sink: QdrantSink
    lookup: CollectionLookup
    indexes: tuple[str, ...] = ()

    async def places(self) -> list[IndexPlace]:
        """The indexes with points, by name of the collection, newest model first."""
        found = list[IndexPlace]()
        for info in await self._collections(self.indexes):
            found += [IndexPlace(index_id, info) for index_id in await self._indexes_in(info.queried_name)]
        return found

    async def describe(self, place: IndexPlace) -> StoredIndex:
        reader, index_id, name = self.sink.moments, place.index_id, place.collection.queried_name
        newest = await reader.newest(name, index_id)
        keys = await reader.metadata_keys(name, [index_id])
        return StoredIndex(
            index_id=index_id,
            index_name=_text(newest.get("index_name")),
            model=place.collection.model or "",
            collection=place.collection.name,
            assets=await reader.assets(name, index_id),
            segments=await self.sink.count(name, index_id),
            options=tuple(sorted(await reader.options(name), key=option_order)),
            metadata_keys=tuple(sorted(keys)),
            newest_indexed_at=_text(newest.get("indexed_at")),
        )

    async def video(self, index_id: str, indexed_asset_id: str) -> StoredVideo:
        """Raises ConfigError if nothing is stored of it, which names the known indexes if the index is unknown."""
        self.check([index_id])
        infos = await self._collections([index_id])
        names = list[str]()
        stored = StoredAsset()
        for info in infos:
            found = await read_asset(self.sink, [info.queried_name], index_id, indexed_asset_id)
            if found.segments:
                names.append(info.model or "")
                stored = stored if stored.segments else found
        if not names:
            held = [index_id] if any([await self.sink.count(info.queried_name, index_id) for info in infos]) else []
            await check_indexes(self.sink, [index_id], held, [it.queried_name for it in await self._collections(())])
            advice = "Take index_id and indexed_asset_id from the same moment; coverage says what is not synced yet"
            raise ConfigError("read", f"asset {indexed_asset_id}", f"index {index_id} has no segment of it", advice)
        return StoredVideo(tuple(names), stored)

    def check(self, indexes: Sequence[str]) -> None:
        """Raises ConfigError for an index that does not exist here."""
        if unknown := [it for it in indexes if not self.offers(it)]:
            known = ", ".join(self.indexes)
            raise ConfigError("use", f"index {unknown[0]}", "it is not configured", f"Known indexes: {known}")

    def offers(self, index_id: str) -> bool:
        return not self.indexes or index_id in self.indexes

    async def answers(self) -> bool:
        """True if Qdrant responds now."""
        try:
            await self.sink.version()
        except Exception:  # noqa: BLE001  the question is whether, not why
            return False
        return True

    async def _collections(self, indexes: Sequence[str]) -> list[CollectionInfo]:
        found = await self.lookup.collections(indexes)
        return sorted(found, key=lambda it: newest_model_first(it.model or ""))

    async def _indexes_in(self, collection: str) -> list[str]:
        if not self.indexes:
            return await self.sink.indexes_in(collection)
        return [it for it in self.indexes if await self.sink.count(collection, it)]


def nothing_synced() -> SinkMismatch:
    cause = "it has no points of the connector"
    return SinkMismatch("list indexes of", "Qdrant", cause, "Run `connector sync` first")


def _text(value: object) -> str | None:
    """A value of another type counts as absent, because anybody can change a payload."""
    return value if isinstance(value, str) else None
