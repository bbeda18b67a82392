"""The collection that an asset belongs to: the one of its own model, which may differ from the model of its index."""

import asyncio

from connector.domain.errors import MalformedAsset, SinkMismatch
from connector.domain.index_settings import IndexSettings
from connector.domain.marengo import KNOWN, options_of
from connector.domain.points import AssetPoints
from connector.domain.sink_model import CollectionSpec
from connector.domain.source_model import Index
from connector.ports import CheckpointStore, Sink


class AssetCollections:
    """Ensures each collection once, before the first points of a cycle are written to it."""

    def __init__(self, sink: Sink, ledger: CheckpointStore, settings: IndexSettings, index: Index) -> None:
        self._sink, self._ledger, self._settings, self._index = sink, ledger, settings, index
        self._ensured: set[str] = set()
        self._ensuring = asyncio.Lock()

    async def ensure(self, built: AssetPoints, dimension: int) -> None:
        """Raises SinkMismatch, and MalformedAsset for an asset that disagrees with others of its unknown model."""
        offered = options_of(built.model, self._index.model_options)
        spec = self._settings.spec(built.model, dimension, tuple(dict.fromkeys((*offered, *built.options))))
        if built.model not in KNOWN:
            await self._agree(built, spec)
        async with self._ensuring:
            if spec.name not in self._ensured:
                await self._refuse_lost(spec.name)
                await self._sink.ensure(spec, self._settings.metadata_indexes)
                self._ensured.add(spec.name)

    async def _refuse_lost(self, collection: str) -> None:
        """Do not create a home that somebody deleted: the ledger would go on stating that it has points."""
        model, index_id = self._index.model, self._index.index_id
        if model is None or collection != self._settings.collection_name(model) or await self._sink.inspect(collection):
            return
        if (await self._ledger.summary(index_id, 1)).points:
            cause = "the collection does not exist, although points were written to it (was it deleted?)"
            advice = "The next full cycle creates it and writes all points again"
            raise SinkMismatch("write points to collection", collection, cause, advice)

    async def _agree(self, built: AssetPoints, spec: CollectionSpec) -> None:
        """For an unknown model the first asset fixed the dimension; reject assets that disagree."""
        found = await self._sink.inspect(spec.name)
        if found is None or found.model != built.model:
            return
        for option in built.options:
            size, _ = found.vectors.get(option, (spec.dimension, ""))
            if size != spec.dimension:
                cause = f"vectors of dimension {spec.dimension} in {option}, but collection {spec.name} has {size}"
                raise MalformedAsset(
                    "write points of asset", built.indexed_asset_id, cause, "Re-index it in TwelveLabs"
                )
