"""Decodes pages of listings, single indexes and tasks. Pure functions of bytes; they run in threads.

Source of the structs: vendor's OpenAPI v1.3 and official SDK 1.3.6. Every field may be absent, as in all decoders here.
"""

from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Generic, TypeGuard, TypeVar

import msgspec
from msgspec import Struct, field

from connector.domain.errors import SourceUnavailable
from connector.domain.fingerprint import digest
from connector.domain.marengo import canonical
from connector.domain.source_model import LONGEST_ID, Index, IndexedAsset, IndexingTask
from connector.twelvelabs.calls import Call
from connector.twelvelabs.json_decoding import UNDECODABLE, Body, decode, elements, members, readable
from connector.twelvelabs.paging import Listed

T = TypeVar("T")


class PageInfo(Struct):
    total_page: float | None = None
    total_results: float | None = None


class PageBody(Struct, Generic[T]):
    data: list[T] | None = None
    page_info: PageInfo | None = None


class ModelBody(Struct):
    model_name: str | None = None
    model_options: list[str] | None = None


class IndexBody(Struct):
    id: str | None = field(name="_id", default=None)
    index_name: str | None = None
    expires_at: str | None = None
    models: list[ModelBody] | None = None


class SystemMetadata(Struct):
    filename: str | None = None
    duration: float | None = None
    fps: float | None = None
    width: float | None = None
    height: float | None = None
    size: float | None = None


class AssetBody(Struct):
    id: str | None = field(name="_id", default=None)
    status: str | None = None
    asset_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    indexed_at: str | None = None
    system_metadata: SystemMetadata | None = None


class TaskBody(Struct):
    index_id: str | None = None
    video_id: str | None = None


_ANYTHING = msgspec.json.Decoder(msgspec.Raw)
_PAGE = msgspec.json.Decoder(PageBody[msgspec.Raw])
_ASSETS = msgspec.json.Decoder(PageBody[AssetBody])
_PAGE_INFO: msgspec.json.Decoder[PageInfo | None] = msgspec.json.Decoder(PageInfo | None)
_INDEX = msgspec.json.Decoder(IndexBody)
_ASSET = msgspec.json.Decoder(AssetBody)
_TASK = msgspec.json.Decoder(TaskBody)
_TEXT = msgspec.json.Decoder(str)

Row = TypeVar("Row", IndexBody, AssetBody)
Item = TypeVar("Item")


def read_json(body: Body, call: Call) -> None:
    """Check only that the response is complete; ignore its content."""
    with suppress(SourceUnavailable):
        decode(body, _ANYTHING, call)


def read_task(body: Body, call: Call) -> IndexingTask:
    found = decode(body, _TASK, call)
    return IndexingTask(*(it if _is_id(it) else None for it in (found.index_id, found.video_id)))


def read_index(body: Body, call: Call) -> Index:
    found = _row(body, _INDEX)
    if found is None:
        found = decode(body, _INDEX, call)
    check_id(found.id, call)
    return _index(call.subject, found)


def read_indexes(body: Body, call: Call) -> Listed[Index]:
    """Skip rows with invalid content or without a usable id; the listing then counts as incomplete."""
    rows, info = _page(body, call)
    found = [_row(raw, _INDEX) for raw in rows]
    return _listed({row.id: _index(row.id, row) for row in found if row and _is_id(row.id)}, info)


def read_assets(body: Body, call: Call) -> Listed[IndexedAsset]:
    with suppress(*UNDECODABLE):
        page = _ASSETS.decode(body)
        if all(_is_id(row.id) for row in page.data or ()):
            return _listed({row.id: indexed_asset(row.id, row) for row in page.data or () if row.id}, page.page_info)
    rows, info = _page(body, call)
    assets = [_listed_asset(raw) for raw in rows]
    return _listed({asset.indexed_asset_id: asset for asset in assets}, info)


def indexed_asset(asset_id: str, body: AssetBody) -> IndexedAsset:
    system = body.system_metadata or SystemMetadata()
    return IndexedAsset(
        indexed_asset_id=asset_id,
        status=_shared(body.status or "unknown"),
        asset_id=body.asset_id,
        created_at=body.created_at,
        updated_at=_shared(body.updated_at),
        indexed_at=_shared(body.indexed_at),
        filename=system.filename,
        duration_sec=system.duration,
        fps=_shared(system.fps),
        width=None if system.width is None else _shared(round(system.width)),
        height=None if system.height is None else _shared(round(system.height)),
        size_bytes=system.size,
    )


@lru_cache(maxsize=1024, typed=True)
def _shared(value: Item) -> Item:
    """One object for equal values: 100,000 assets have few of them, and most were updated when they were indexed."""
    return value


def check_id(found: str | None, call: Call) -> None:
    if found is not None and found != call.subject:
        raise call.malformed(f"the response is about {found!r}")


def _page(body: Body, call: Call) -> tuple[list[bytes], PageInfo | None]:
    """The undecoded rows of a page, and its page_info. One bad row must not hide the others."""
    try:
        page = decode(body, _PAGE, call)
    except SourceUnavailable:
        parts = members(bytes(body)) or {}
        rows = elements(parts.get("data", b""))
        if rows is None:
            raise
        return rows, decode(parts.get("page_info", b"null"), _PAGE_INFO, call)
    return [bytes(raw) for raw in page.data or ()], page.page_info


def _row(raw: Body, decoder: msgspec.json.Decoder[Row]) -> Row | None:
    """Decode a row; None if its content is invalid. Invalid Unicode becomes visible text."""
    try:
        return decoder.decode(raw)
    except UNDECODABLE:
        try:
            return decoder.decode(readable(raw))
        except UNDECODABLE:
            return None


def _is_id(found: str | None) -> TypeGuard[str]:
    return found is not None and 0 < len(found) <= LONGEST_ID


def _listed_asset(raw: bytes) -> IndexedAsset:
    """Keep rows with invalid content or without a usable id; their retrieval will report them as malformed.

    Such a row gets a name derived from its content, or from its long id. It could be any asset, but no asset loses its
    points: an absent asset is deleted only after its own 404.
    """
    row = _row(raw, _ASSET) or AssetBody(_text_member(raw, "_id"), _text_member(raw, "status"))
    return indexed_asset(row.id if _is_id(row.id) else _substitute(row.id, raw), row)


def _substitute(found: str | None, raw: bytes) -> str:
    """A name that cannot be requested."""
    if found:
        return f"(id of {len(found)} characters) {digest(found.encode())[:12]}"
    return f"(no id) {digest(raw)[:12]}"


def _text_member(raw: bytes, key: str) -> str | None:
    try:
        return _TEXT.decode(readable((members(raw) or {}).get(key, b"")))
    except UNDECODABLE:
        return None


def _listed(rows: Mapping[str, Item], info: PageInfo | None) -> Listed[Item]:
    return Listed(rows, info.total_page, info.total_results) if info else Listed(rows)


def _index(index_id: str, body: IndexBody) -> Index:
    models = ((canonical(model.model_name or ""), model) for model in body.models or ())
    name, marengo = next(((name, model) for name, model in models if name), (None, None))
    options = tuple((marengo.model_options if marengo else None) or ())
    return Index(index_id, body.index_name or "", name, options, body.expires_at)
