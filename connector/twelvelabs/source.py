"""The `Source` port over the TwelveLabs API."""

from collections.abc import Callable, Collection
from dataclasses import replace
from http import HTTPStatus
from typing import TypeVar

import structlog

from connector.errors import AssetError, CycleError, IndexGone, SourceUnavailable
from connector.model import Float32, Index, IndexedAsset, RetrievedAsset, Snapshot
from connector.twelvelabs import queries, wire
from connector.twelvelabs.calls import Call, Refused, asset_path, index_path
from connector.twelvelabs.retrieval import Retrieval
from connector.twelvelabs.transport import Transport
from connector.twelvelabs.walk import Listed, Walk, walk_until_complete

T = TypeVar("T")

_LISTING = (("sort_by", "created_at"), ("sort_option", "asc"), ("page_limit", "50"))
_GONE = {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND}
_GONE_CODES = {"resource_not_exist", "not_found"}
_GONE_ADVICE = "Check the id, and whether the index was deleted or expired; its points were left alone"
_REFUSED_ADVICE = "Nothing was changed; if it lasts, report it with this message"

_log = structlog.get_logger(__name__)


class TwelveLabsSource:
    """Owns its transport: `close` ends both."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def indexes(self) -> list[Index]:
        walk: Walk[Index] = await self._list(Call("list", "indexes", "indexes"), wire.read_indexes)
        return list(walk.rows.values())

    async def index(self, index_id: str) -> Index:
        call = Call("look up index", index_id, index_path(index_id), index_id=index_id)
        try:
            return await self._transport.send(call, wire.read_index)
        except Refused as refusal:
            raise _refused(call, refusal, gone=refusal.status in _GONE) from None

    async def snapshot(self, index: Index) -> Snapshot:
        path = f"{index_path(index.index_id)}/indexed-assets"
        call = Call("list assets of index", index.index_id, path, index_id=index.index_id)
        walk: Walk[IndexedAsset] = await self._list(call, wire.read_assets)
        return Snapshot(index, walk.rows, walk.complete)

    async def retrieve(
        self, index: Index, indexed_asset_id: str, options: Collection[str] | None, *, transcript: bool
    ) -> RetrievedAsset | None:
        try:
            return await Retrieval(self._transport, index, indexed_asset_id, options, transcript).carry_out()
        except Refused as refusal:
            if refusal.status == HTTPStatus.NOT_FOUND:
                return None
            raise AssetError("retrieve asset", indexed_asset_id, refusal.says) from None

    async def exists(self, index_id: str, indexed_asset_id: str) -> bool:
        path = asset_path(index_id, indexed_asset_id)
        call = Call("confirm asset", indexed_asset_id, path, index_id=index_id)
        try:
            await self._transport.send(call, wire.read_json)
        except Refused as refusal:
            if refusal.status == HTTPStatus.NOT_FOUND:
                return False
            raise _refused(call, refusal, gone=False) from None
        return True

    async def embed_text(self, model: str, text: str) -> Float32:
        call, read = queries.text_query(model, text)
        try:
            return await self._transport.send(call, read)
        except Refused as refusal:
            raise queries.refused(call, refusal.says) from None

    def requests(self, index_id: str | None = None) -> int:
        return self._transport.sent(index_id)

    async def close(self) -> None:
        await self._transport.close()

    async def _list(self, call: Call, read: Callable[[bytearray, Call], Listed[T]]) -> Walk[T]:
        async def page(number: int) -> Listed[T]:
            return await self._transport.send(replace(call, params=(*_LISTING, ("page", str(number)))), read)

        try:
            walk = await walk_until_complete(page)
        except Refused as refusal:
            gone = call.index_id is not None and (refusal.status == HTTPStatus.NOT_FOUND or refusal.code in _GONE_CODES)
            raise _refused(call, refusal, gone=gone) from None
        if not walk.complete:
            _log.warning("source.listing_incomplete", operation=call.operation, subject=call.subject)
        return walk


def _refused(call: Call, refusal: Refused, *, gone: bool) -> CycleError:
    if gone:
        return IndexGone(call.operation, call.subject, refusal.says, _GONE_ADVICE)
    return SourceUnavailable(call.operation, call.subject, refusal.says, _REFUSED_ADVICE)
