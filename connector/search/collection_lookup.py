"""Which collections a search looks at, and which indexes they hold; remembered for a few seconds."""

import time
from collections.abc import Callable, Sequence

from connector.domain.errors import SinkMismatch
from connector.domain.sink_model import CollectionInfo
from connector.engine.searched_collections import searched_collections
from connector.qdrant.sink import QdrantSink
from connector.search.known_names import check_indexes
from connector.search.query_vectors import Searched
from connector.search.search_places import SearchPlaces

REMEMBERED_SEC = 5.0


class CollectionLookup:
    """`monotonic` in seconds. Raises what the sink raises."""

    def __init__(self, sink: QdrantSink, places: SearchPlaces, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._sink, self._places, self._monotonic = sink, places, monotonic
        self._remembered: dict[tuple[str, ...] | None, tuple[float, list[Searched]]] = {}

    async def searched(self, indexes: tuple[str, ...] | None) -> tuple[list[Searched], bool]:
        """The collections with points of these indexes (None: of the search's own), and True if remembered.

        Raises ConfigError if an index has no points.
        """
        at, found = self._remembered.get(indexes, (0.0, []))
        if found and self._monotonic() - at < REMEMBERED_SEC:
            return found, True
        at, found = self._monotonic(), await self._looked_up(indexes)
        self._remembered[indexes] = (at, found)
        return found, False

    def forget(self) -> None:
        self._remembered.clear()

    async def collections(self, wanted: Sequence[str]) -> list[CollectionInfo]:
        """The collections that may hold these indexes (none: all). Raises SinkMismatch for one that is not ours."""
        if names := self._places.collections:
            return [await self._existing(name) for name in names]
        known = wanted or await self._known_indexes()
        return await searched_collections(
            self._sink,
            lambda model: [self._places.collection_of(model, index_id) for index_id in known],
            others=not wanted,
        )

    async def _looked_up(self, indexes: tuple[str, ...] | None) -> list[Searched]:
        wanted = self._places.indexes if indexes is None else indexes
        infos, found = await self.collections(wanted), list[Searched]()
        for info in infos:
            holding = tuple([it for it in wanted if await self._sink.count(info.queried_name, it)])
            if holding or not wanted:
                found.append(Searched(info, await self._sink.moments.options(info.queried_name), holding))
        if indexes and infos:
            held = {index_id for it in found for index_id in it.index_ids}
            await check_indexes(self._sink, indexes, held, [info.queried_name for info in infos])
        return found

    async def _existing(self, name: str) -> CollectionInfo:
        info = await self._sink.inspect(name)
        if info and info.instance_id:
            return info
        ours = ", ".join(it.name for it in await self._sink.collections()) or "none"
        cause = "it was not made by the connector" if info else "it does not exist"
        raise SinkMismatch("search Qdrant collection", name, cause, f"Collections of the connector: {ours}")

    async def _known_indexes(self) -> list[str]:
        names = [info.name for info in await self._sink.collections()]
        return sorted({index_id for name in names for index_id in await self._sink.indexes_in(name)})
