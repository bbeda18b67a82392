"""Bodies of the API -> vocabulary. Pure functions of bytes; they run off the event loop."""

from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

import msgspec

from connector.marengo import canonical
from connector.model import Index, IndexedAsset, RetrievedAsset
from connector.twelvelabs.bodies import (
    AssetBody,
    DetailedBody,
    Identity,
    IndexBody,
    Page,
    PageInfo,
    Segment,
    SystemMetadata,
    TaskBody,
)
from connector.twelvelabs.calls import Call
from connector.twelvelabs.decoding import Body, decode
from connector.twelvelabs.segments import columns_of, transcription_of
from connector.twelvelabs.walk import Listed

_ANYTHING = msgspec.json.Decoder(msgspec.Raw)
_INDEX = msgspec.json.Decoder(IndexBody)
_INDEXES = msgspec.json.Decoder(Page[IndexBody])
_ASSETS = msgspec.json.Decoder(Page[msgspec.Raw])
_ASSET = msgspec.json.Decoder(AssetBody)
_IDENTITY = msgspec.json.Decoder(Identity)
_TASK = msgspec.json.Decoder(TaskBody)
_DETAILED = msgspec.json.Decoder(DetailedBody)

Row = TypeVar("Row", IndexBody, AssetBody)
Item = TypeVar("Item")


def read_json(body: Body, call: Call) -> None:
    """For an answer of which only the arrival counts."""
    decode(body, _ANYTHING, call)


def read_task(body: Body, call: Call) -> str | None:
    """The index that the task works for."""
    return decode(body, _TASK, call).index_id


def read_index(body: Body, call: Call) -> Index:
    found = decode(body, _INDEX, call)
    _check_id(found.id, call)
    return _index(call.subject, found)


def read_indexes(body: Body, call: Call) -> Listed[Index]:
    page = decode(body, _INDEXES, call)
    rows = _by_id(page.data or (), call)
    return _listed({index_id: _index(index_id, row) for index_id, row in rows.items()}, page.page_info)


def read_assets(body: Body, call: Call) -> Listed[IndexedAsset]:
    page = decode(body, _ASSETS, call)
    rows = _by_id([_row(raw, call) for raw in page.data or ()], call)
    return _listed({asset_id: _asset(asset_id, row) for asset_id, row in rows.items()}, page.page_info)


def read_asset(
    body: Body, call: Call, asked: Collection[str], index_model: str | None, *, transcript: bool
) -> RetrievedAsset:
    """`asked` are the embedding options of the call. No segments need no model name: they are those of the index's."""
    found = decode(body, _DETAILED, call)
    _check_id(found.id, call)
    named = (found.embedding.model_name if found.embedding else None) or ""
    model = canonical(named)
    segments = _segments(found) if asked else None
    if segments and model is None:
        raise call.malformed(f"its embedding names no Marengo model: {named!r}")
    spoken = found.transcription if transcript else None
    return RetrievedAsset(
        asset=_asset(call.subject, found),
        user_metadata=found.user_metadata or {},
        hls_url=found.hls.video_url if found.hls else None,
        model=model if segments is None else model or index_model,
        columns=None if segments is None else columns_of(segments, asked, call),
        transcription=None if spoken is None else transcription_of(spoken, call),
    )


def _segments(found: DetailedBody) -> list[Segment] | None:
    embedding = found.embedding.video_embedding if found.embedding else None
    return embedding.segments if embedding else None


def _row(raw: msgspec.Raw, call: Call) -> AssetBody:
    """A fact of the wrong type must not hide the other assets: this one is found malformed when it is retrieved."""
    try:
        return _ASSET.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        identity = decode(bytes(raw), _IDENTITY, call)
        return AssetBody(identity.id, identity.status)


def _by_id(rows: Iterable[Row], call: Call) -> dict[str, Row]:
    """A row without an id cannot be told from the others, so that nothing could be proven absent."""
    found: dict[str, Row] = {}
    for position, row in enumerate(rows):
        if not row.id:
            raise call.malformed(f"item {position} of the listing has no _id")
        found[row.id] = row
    return found


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
        raise call.malformed(f"the answer is about {found!r}")
