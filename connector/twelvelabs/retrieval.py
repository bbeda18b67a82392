"""Retrieves one asset: requests the options of the index's model, then those of the asset's own model if it differs.

During a model migration, the models of an index and its assets may differ for a while.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from http import HTTPStatus

from connector.domain.errors import AssetError, MalformedAsset
from connector.domain.marengo import KNOWN, select
from connector.domain.source_model import READY, Index, RetrievedAsset
from connector.twelvelabs.asset_scanning import AssetReader
from connector.twelvelabs.calls import Call, Refused, asset_path
from connector.twelvelabs.scanning_process import ScanningProcess
from connector.twelvelabs.transport import ApiTransport

_ADVICE = "It will be retried later; check the asset in the TwelveLabs dashboard"


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The retrieval of one asset. The options to request depend on the asset's model."""

    transport: ApiTransport
    index: Index
    indexed_asset_id: str
    wanted: Collection[str] | None
    transcript: bool
    scanning: ScanningProcess

    async def carry_out(self) -> RetrievedAsset:
        """Raises Refused with 404 for a missing asset, AssetError for one that cannot be retrieved."""
        asked = self._options(self.index.model)
        if not asked:
            return self._nothing_to_embed(await self._ask(()))
        try:
            found = await self._ask(asked)
        except Refused as refusal:
            other = other_options(asked, self.index.model_options, self.wanted)
            if refusal.status != HTTPStatus.BAD_REQUEST or not other:
                return await self._refused(refusal)
        else:
            other = self._options(found.model) if found.model else asked
            if other == asked:
                return found
            if not other:
                return replace(found, columns=())
        return await self._ask_again(other)

    async def _ask_again(self, asked: tuple[str, ...]) -> RetrievedAsset:
        try:
            found = await self._ask(asked)
        except Refused as refusal:
            return await self._refused(refusal)
        if found.model and self._options(found.model) != asked:
            cause = f"requested {', '.join(asked)}, but it responds with model {found.model}"
            raise MalformedAsset("retrieve asset", self.indexed_asset_id, cause, _ADVICE)
        return found

    async def _refused(self, refusal: Refused) -> RetrievedAsset:
        """An asset that is no longer ready may reject every option. Return it without embeddings: it has to wait."""
        if refusal.status != HTTPStatus.BAD_REQUEST:
            raise refusal
        found = await self._ask(())
        if found.asset.status == READY:
            raise AssetError("retrieve embeddings of asset", self.indexed_asset_id, refusal.says, _ADVICE)
        return found

    def _nothing_to_embed(self, found: RetrievedAsset) -> RetrievedAsset:
        """The index has none of the wanted options: treat it as an embedding without segments."""
        embedding_wanted = self.wanted is None or bool(self.wanted)
        if embedding_wanted and self.index.model and found.asset.status == READY:
            return replace(found, model=self.index.model, columns=())
        return found

    def _options(self, model: str | None) -> tuple[str, ...]:
        return select(model, self.index.model_options, self.wanted)

    async def _ask(self, asked: tuple[str, ...]) -> RetrievedAsset:
        options = tuple(("embedding_option", option) for option in asked)
        call = Call(
            operation="retrieve asset",
            subject=self.indexed_asset_id,
            path=asset_path(self.index.index_id, self.indexed_asset_id),
            params=(*options, ("transcription", "true")) if self.transcript else options,
            index_id=self.index.index_id,
            wrong=MalformedAsset,
        )
        reader = AssetReader(asked, self.index.model, self.transcript, process=self.scanning)
        return await self.transport.receive(call, reader.read)


def other_options(
    asked: tuple[str, ...], model_options: Collection[str], wanted: Collection[str] | None
) -> tuple[str, ...]:
    """The options of another known model that differ from `asked`; empty if there are none."""
    questions = (select(model, model_options, wanted) for model in KNOWN)
    return next((options for options in questions if options and options != asked), ())
