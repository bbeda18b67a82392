"""Search for a text: embeds it with the model of each collection, and finds the nearest moments, one list per model."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from connector.domain.errors import ConnectorError
from connector.domain.index_settings import IndexSettings
from connector.domain.marengo import newest_model_first
from connector.domain.nearness import least_similarities
from connector.domain.report import error_facts
from connector.domain.sink_model import CollectionInfo, Hit
from connector.engine.searched_collections import searched_collections
from connector.ports import IndexStates, Sink

if TYPE_CHECKING:
    from connector.domain.arrays import Float32

Embed = Callable[[str, str], Awaitable["Float32"]]
"""(model, text) -> vector of shape (dimension,). Raises ConnectorError."""


@dataclass(frozen=True, slots=True)
class ModelMoments:
    """The hits in one collection, best first, or the error.

    If `near` is False, no segment is near, and the one hit is the best of them; None if there are too few segments to
    tell, and all are listed.
    """

    model: str
    collection: str
    near: bool | None = None
    hits: tuple[Hit, ...] = ()
    error: ConnectorError | None = None

    def document(self) -> dict[str, Any]:
        """As JSON values; the keys are public (`search --json`)."""
        return {
            "model": self.model,
            "collection": self.collection,
            "near": self.near,
            "hits": [asdict(hit) for hit in self.hits],
            "error": error_facts(self.error) if self.error else None,
        }


@dataclass(frozen=True, slots=True)
class TextSearch:
    """`settings_of` returns the settings of an index id. Embeds the text once per model, whatever the collections."""

    sink: Sink
    ledger: IndexStates
    settings_of: Callable[[str], IndexSettings]
    embed: Embed

    async def find(self, text: str, indexes: Sequence[IndexSettings], limit: int) -> list[ModelMoments]:
        """One result for each collection with points of these indexes (none: of all indexes). Newest model first.

        Raises what the sink and the ledger raise while the collections are looked up; later errors are in the results.
        """
        found, vectors = list[ModelMoments](), dict[str, "Float32"]()
        for collection in await self._collections(indexes):
            holding = [it.index_id for it in indexes if await self.sink.count(collection.queried_name, it.index_id)]
            if holding or not indexes:
                found.append(await self._of_collection(collection, text, holding, limit, vectors))
        return sorted(found, key=lambda it: newest_model_first(it.model))

    async def _collections(self, indexes: Sequence[IndexSettings]) -> list[CollectionInfo]:
        """The collections of these indexes, by their configured names; without indexes, all collections of ours."""
        named = indexes or [self.settings_of(index_id) for index_id in await self.ledger.known()]
        return await searched_collections(
            self.sink, lambda model: [index.collection_name(model) for index in named], others=not indexes
        )

    async def _of_collection(
        self,
        collection: CollectionInfo,
        text: str,
        index_ids: Sequence[str],
        limit: int,
        vectors: "dict[str, Float32]",
    ) -> ModelMoments:
        model = collection.model or ""
        try:
            if model not in vectors:
                vectors[model] = await self.embed(model, text)
            near, hits = await self._nearest(collection.queried_name, vectors[model], index_ids, limit)
        except ConnectorError as error:
            return ModelMoments(model, collection.name, error=error)
        return ModelMoments(model, collection.name, near, tuple(hits))

    async def _nearest(
        self, collection: str, vector: "Float32", index_ids: Sequence[str], limit: int
    ) -> tuple[bool | None, list[Hit]]:
        least = least_similarities(await self.sink.similarities(collection, vector, index_ids))
        if least == {}:
            return False, await self.sink.search(collection, vector, index_ids, 1)
        hits = await self.sink.search(collection, vector, index_ids, limit, least)
        return (None if least is None else True), hits
