"""Response bodies -> domain values. Pure functions of bytes; they run in threads, off the event loop."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from connector.domain.errors import MalformedAsset, SourceUnavailable
from connector.domain.fingerprint import digest
from connector.domain.marengo import canonical
from connector.domain.source_model import Index, IndexedAsset, RetrievedAsset
from connector.twelvelabs.bodies import (
    AssetBody,
    DetailedBody,
    IndexBody,
    PageBody,
    PageInfo,
    Segment,
    SystemMetadata,
    TaskBody,
)
from connector.twelvelabs.calls import Call
from connector.twelvelabs.columns import columns_of, transcription_of
from connector.twelvelabs.decoding import UNDECODABLE, Body, decode
from connector.twelvelabs.salvage import as_object, elements, members, readable
from connector.twelvelabs.walk import Listed

_ANYTHING = msgspec.json.Decoder(msgspec.Raw)
_PAGE = msgspec.json.Decoder(PageBody[msgspec.Raw])
_PAGE_INFO: msgspec.json.Decoder[PageInfo | None] = msgspec.json.Decoder(PageInfo | None)
_INDEX = msgspec.json.Decoder(IndexBody)
_ASSET = msgspec.json.Decoder(AssetBody)
_TASK = msgspec.json.Decoder(TaskBody)
_DETAILED = msgspec.json.Decoder(DetailedBody)
_TEXT = msgspec.json.Decoder(str)

Row = TypeVar("Row", IndexBody, AssetBody)
Item = TypeVar("Item")


def read_json(body: Body, call: Call) -> None:
    """Check only that the response is complete; ignore its content."""
    with suppress(SourceUnavailable):
        decode(body, _ANYTHING, call)


def read_task(body: Body, call: Call) -> str | None:
    """The index id of a task; None if the response has none."""
    return decode(body, _TASK, call).index_id


def read_index(body: Body, call: Call) -> Index:
    found = _row(body, _INDEX)
    if found is None:
        found = decode(body, _INDEX, call)
    _check_id(found.id, call)
    return _index(call.subject, found)


def read_indexes(body: Body, call: Call) -> Listed[Index]:
    """Skip rows with invalid content or without an id; the listing then counts as incomplete."""
    rows, info = _page(body, call)
    found = [_row(raw, _INDEX) for raw in rows]
    return _listed({row.id: _index(row.id, row) for row in found if row and row.id}, info)


def read_assets(body: Body, call: Call) -> Listed[IndexedAsset]:
    rows, info = _page(body, call)
    assets = [_listed_asset(raw) for raw in rows]
    return _listed({asset.indexed_asset_id: asset for asset in assets}, info)


def read_asset(
    body: Body, call: Call, asked: Collection[str], index_model: str | None, *, transcript: bool
) -> RetrievedAsset:
    """`asked` are the requested embedding options. With no segments, fall back to the index's model."""
    found = _detailed(body, call)
    _check_id(found.id, call)
    named = (found.embedding.model_name if found.embedding else None) or ""
    model = canonical(named)
    segments = _segments(found) if asked else None
    if segments and model is None:
        raise call.malformed(f"its embedding has an unknown model: {named!r} is not a Marengo model")
    return RetrievedAsset(
        asset=_asset(call.subject, found),
        user_metadata=found.user_metadata or {},
        hls_url=found.hls.video_url if found.hls else None,
        model=model if segments is None else model or index_model,
        columns=None if segments is None else columns_of(segments, asked, call),
        transcription=transcription_of(bytes(found.transcription)) if transcript else None,
    )


def _segments(found: DetailedBody) -> list[Segment] | None:
    embedding = found.embedding.video_embedding if found.embedding else None
    return embedding.segments if embedding else None


def _detailed(body: Body, call: Call) -> DetailedBody:
    """Decode the body. Keep an undecodable transcription raw, so that its words can be decoded one by one."""
    try:
        return decode(body, _DETAILED, call)
    except MalformedAsset:
        parts = members(bytes(body)) or {}
        words = parts.pop("transcription", None)
        if words is None:
            raise
        return replace(decode(as_object(parts), _DETAILED, call), transcription=msgspec.Raw(words))


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


def _listed_asset(raw: bytes) -> IndexedAsset:
    """Keep rows with invalid content or without an id; their retrieval will report them as malformed.

    A row without an id gets a name derived from its content. It could be any asset, but no asset loses its points:
    an absent asset is deleted only after its own 404.
    """
    row = _row(raw, _ASSET) or AssetBody(_text_member(raw, "_id"), _text_member(raw, "status"))
    return _asset(row.id or f"(no id) {digest(raw)[:12]}", row)


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


def _asset(asset_id: str, body: AssetBody) -> IndexedAsset:
    system = body.system_metadata or SystemMetadata()
    return IndexedAsset(
        indexed_asset_id=asset_id,
        status=body.status or "unknown",
        asset_id=body.asset_id,
        created_at=body.created_at,
        updated_at=body.updated_at,
        indexed_at=body.indexed_at,
        filename=system.filename,
        duration_sec=system.duration,
        fps=system.fps,
        width=None if system.width is None else round(system.width),
        height=None if system.height is None else round(system.height),
        size_bytes=system.size,
    )


def _check_id(found: str | None, call: Call) -> None:
    if found is not None and found != call.subject:
        raise call.malformed(f"the response is about {found!r}")
