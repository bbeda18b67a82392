"""The `Source` port over the TwelveLabs API."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from typing import TypeVar

import structlog

from connector.domain.arrays import Float32
from connector.domain.errors import AssetError, CycleError, IndexGone, SourceUnavailable
from connector.domain.priority import Priority
from connector.domain.query_media import QueryMedia
from connector.domain.source_model import Changes, Index, IndexedAsset, IndexingTask, Progress, RetrievedAsset, Snapshot
from connector.twelvelabs import listing_decoding, media_embedding, paging, text_embedding
from connector.twelvelabs.calls import Call, Read, Refused, asset_path, index_path, task_path
from connector.twelvelabs.paging import Listed, Walk, walk_until_complete
from connector.twelvelabs.retrieval import Retrieval
from connector.twelvelabs.scanning_process import ScanningProcess
from connector.twelvelabs.transport import ApiTransport

T = TypeVar("T")

_PAGE_LIMIT = "50"
# For the lookup of an index, the vendor documents 400 as the only refusal.
_INDEX_GONE = {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND}
_GONE_CODES = {"resource_not_exist", "not_found"}
_GONE_ADVICE = "Check the id, and whether the index was deleted or expired; its points stay until `connector forget`"
_REFUSED_ADVICE = "Nothing was changed; if it persists, report it with this message"
_URL_ADVICE = "Check TWELVELABS_BASE_URL: it must end with the version of the API, as in https://api.twelvelabs.io/v1.3"

_log = structlog.get_logger(__name__)


class TwelveLabsSource:
    """Owns its transport, and the process that scans long bodies, and closes them."""

    def __init__(self, transport: ApiTransport, scanning: ScanningProcess | None = None) -> None:
        self._transport, self._scanning = transport, scanning or ScanningProcess()

    async def indexes(self) -> list[Index]:
        walk = await self._list(Call("list", "indexes", "indexes"), listing_decoding.read_indexes)
        if not walk.complete:
            _log.warning("listing.ended_incomplete", operation="list indexes")
        return list(walk.rows.values())

    async def index(self, index_id: str) -> Index:
        call = Call("look up index", index_id, index_path(index_id), index_id=index_id)
        try:
            return await self._transport.send(call, listing_decoding.read_index)
        except Refused as refusal:
            raise _cycle_error(call, refusal, gone=refusal.status in _INDEX_GONE) from None

    async def snapshot(self, index: Index) -> Snapshot:
        walk = await self._list(_listing(index), listing_decoding.read_assets)
        if not walk.complete:
            _log.warning("listing.ended_incomplete", index_id=index.index_id)
        return Snapshot(index, walk.rows, walk.complete, walk.as_of)

    async def changes(
        self, index: Index, since: float | None, known: Mapping[str, IndexedAsset] = MappingProxyType({})
    ) -> Changes:
        return await self._by_page(index, lambda fetch: paging.changes(fetch, since, known))

    async def progress(self, index: Index, pending: Collection[str]) -> Progress:
        return await self._by_page(index, lambda fetch: paging.progress(fetch, partial(self.asset, index), pending))

    async def asset(self, index: Index, indexed_asset_id: str) -> IndexedAsset | None:
        found = await self.retrieve(index, indexed_asset_id, (), transcript=False)
        return found.asset if found else None

    async def task(self, task_id: str) -> IndexingTask | None:
        try:
            return await self._transport.send(
                Call("look up task", task_id, task_path(task_id)), listing_decoding.read_task
            )
        except Refused:
            return None

    async def reserve(self, priority: Callable[[], Priority]) -> None:
        await self._transport.reserve(priority)

    def release(self) -> None:
        self._transport.release()

    async def ping(self, turn_sec: float = 1.0) -> None:
        call = Call("ask TwelveLabs", "", "indexes", params=(("page_limit", "1"),))
        try:
            await self._transport.probe(call, turn_sec)
        except Refused as refusal:
            raise _cycle_error(call, refusal, gone=False) from None

    async def retrieve(
        self, index: Index, indexed_asset_id: str, options: Collection[str] | None, *, transcript: bool
    ) -> RetrievedAsset | None:
        try:
            retrieval = Retrieval(self._transport, index, indexed_asset_id, options, transcript, self._scanning)
            return await retrieval.carry_out()
        except Refused as refusal:
            if refusal.status == HTTPStatus.NOT_FOUND:
                return None
            raise AssetError("retrieve asset", indexed_asset_id, refusal.says) from None

    def in_memory(self, size: int) -> AbstractContextManager[None]:
        return self._transport.in_memory.vectors(size)

    async def exists(self, index_id: str, indexed_asset_id: str) -> bool:
        path = asset_path(index_id, indexed_asset_id)
        call = Call("confirm asset", indexed_asset_id, path, index_id=index_id)
        try:
            await self._transport.send(call, listing_decoding.read_json)
        except Refused as refusal:
            if refusal.status == HTTPStatus.NOT_FOUND:
                return False
            raise AssetError(call.operation, indexed_asset_id, refusal.says, _REFUSED_ADVICE) from None
        return True

    async def embed_text(self, model: str, text: str) -> Float32:
        return await self._embedded(*text_embedding.text_query(model, text))

    async def embed_media(self, model: str, media: QueryMedia) -> Float32:
        """As `embed_text`, for an image or an audio file."""
        return await self._embedded(*media_embedding.media_query(model, media))

    async def _embedded(self, call: Call, read: Read[Float32]) -> Float32:
        try:
            return await self._transport.send(call, read)
        except Refused as refusal:
            raise text_embedding.text_rejected(call, refusal.says) from None

    def requests(self, index_id: str | None = None) -> int:
        return self._transport.sent(index_id)

    async def close(self) -> None:
        await asyncio.to_thread(self._scanning.close)
        await self._transport.close()

    async def _by_page(self, index: Index, read: Callable[[paging.Fetch], Awaitable[T]]) -> T:
        async def fetch(params: paging.Params, number: int) -> Listed[IndexedAsset]:
            return await self._page(_listing(index), params, number, listing_decoding.read_assets)

        try:
            return await read(fetch)
        except Refused as refusal:
            raise _cycle_error(_listing(index), refusal, gone=_says_gone(refusal)) from None

    async def _list(self, call: Call, read: Read[Listed[T]]) -> Walk[T]:
        async def fetch(number: int) -> Listed[T]:
            return await self._page(call, paging.OLDEST_FIRST, number, read)

        try:
            return await walk_until_complete(fetch)
        except Refused as refusal:
            gone = call.index_id is not None and _says_gone(refusal)
            raise _cycle_error(call, refusal, gone=gone) from None

    async def _page(self, listing: Call, params: paging.Params, number: int, read: Read[Listed[T]]) -> Listed[T]:
        call = replace(listing, params=(*params, ("page_limit", _PAGE_LIMIT), ("page", str(number))))
        return replace(await self._transport.send(call, read), as_of=self._transport.server_time)


def _says_gone(refusal: Refused) -> bool:
    return refusal.status == HTTPStatus.NOT_FOUND or refusal.code in _GONE_CODES


def _listing(index: Index) -> Call:
    path = f"{index_path(index.index_id)}/indexed-assets"
    return Call("list assets of index", index.index_id, path, index_id=index.index_id)


def _cycle_error(call: Call, refusal: Refused, *, gone: bool) -> CycleError:
    if gone:
        return IndexGone(call.operation, call.subject, refusal.says, _GONE_ADVICE)
    advice = _URL_ADVICE if refusal.status == HTTPStatus.NOT_FOUND else _REFUSED_ADVICE
    return SourceUnavailable(call.operation, call.subject, refusal.says, advice)
