"""Decodes a retrieved asset: metadata, segments, words. Pure functions of bytes; they run in threads.

The segments of each option and scope become one float32 matrix. Vectors stay raw until they are decoded one by one.
This is the reference: `asset_scanning` is faster, and uses this module for what is unusual.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec
import numpy as np
from msgspec import Raw, Struct, field
from msgspec.structs import replace

from connector.domain.arrays import Float32, Float64, new_matrix
from connector.domain.errors import MalformedAsset
from connector.domain.marengo import canonical
from connector.domain.source_model import RetrievedAsset, SegmentColumn, Transcription
from connector.twelvelabs.calls import Call
from connector.twelvelabs.json_decoding import UNDECODABLE, Body, as_object, decode, elements, members
from connector.twelvelabs.listing_decoding import AssetBody, check_id, indexed_asset


class Hls(Struct):
    video_url: str | None = None


class Segment(Struct):
    start_offset_sec: float | None = None
    end_offset_sec: float | None = None
    embedding_option: str | None = None
    embedding_scope: str | None = None
    vector: Raw = field(name="float", default_factory=Raw)


class VideoEmbedding(Struct):
    segments: list[Segment] | None = None


class Embedding(Struct):
    model_name: str | None = None
    video_embedding: VideoEmbedding | None = None


class Spoken(Struct):
    start: float | None = None
    end: float | None = None
    value: str | None = None


class DetailedBody(AssetBody):
    user_metadata: dict[str, Any] | None = None
    hls: Hls | None = None
    embedding: Embedding | None = None
    transcription: Raw = field(default_factory=Raw)


Vector = list[float] | Float32
VectorOf = Callable[[int, Segment], Vector]
"""The vector of a segment, given its position. Raises msgspec.DecodeError."""

DETAILED = msgspec.json.Decoder(DetailedBody)
_FLOATS = msgspec.json.Decoder(list[float])
_WORDS: msgspec.json.Decoder[list[Spoken] | None] = msgspec.json.Decoder(list[Spoken] | None)
_WORD = msgspec.json.Decoder(Spoken)


def read_asset(
    body: Body, call: Call, asked: Collection[str], index_model: str | None, *, transcript: bool
) -> RetrievedAsset:
    """`asked` are the requested embedding options. With no segments, fall back to the index's model."""
    return build(_detailed(body, call), call, asked, index_model, decode_vector, transcript=transcript)


def build(
    found: DetailedBody,
    call: Call,
    asked: Collection[str],
    index_model: str | None,
    vector_of: VectorOf,
    *,
    transcript: bool,
) -> RetrievedAsset:
    """`vector_of` returns the vector of a segment."""
    check_id(found.id, call)
    named = (found.embedding.model_name if found.embedding else None) or ""
    model = canonical(named)
    segments = segments_of(found) if asked else None
    if segments and model is None:
        raise call.malformed(f"its embedding has an unknown model: {named!r} is not a Marengo model")
    return RetrievedAsset(
        asset=indexed_asset(call.subject, found),
        user_metadata=found.user_metadata or {},
        hls_url=found.hls.video_url if found.hls else None,
        model=model if segments is None else model or index_model,
        columns=None if segments is None else _columns(segments, asked, call, vector_of),
        transcription=_transcription(bytes(found.transcription)) if transcript else None,
    )


def segments_of(found: DetailedBody) -> list[Segment] | None:
    embedding = found.embedding.video_embedding if found.embedding else None
    return embedding.segments if embedding else None


def _detailed(body: Body, call: Call) -> DetailedBody:
    """Decode the body. Keep an undecodable transcription raw, so that its words can be decoded one by one."""
    try:
        return decode(body, DETAILED, call)
    except MalformedAsset:
        parts = members(bytes(body)) or {}
        words = parts.pop("transcription", None)
        if words is None:
            raise
        return replace(decode(as_object(parts), DETAILED, call), transcription=msgspec.Raw(words))


def _columns(
    segments: Sequence[Segment], wanted: Collection[str], call: Call, vector_of: VectorOf
) -> tuple[SegmentColumn, ...]:
    """Group by option and scope, in order of first appearance; skip segments of unwanted options."""
    grouped: dict[tuple[str, str], list[tuple[int, Segment]]] = {}
    for position, segment in enumerate(segments):
        option, scope = segment.embedding_option, segment.embedding_scope
        if not option or not scope:
            missing = "embedding_scope" if option else "embedding_option"
            raise call.malformed(f"segment {position} has no {missing}")
        if option in wanted:
            grouped.setdefault((option, scope), []).append((position, segment))
    return tuple(_column(option, scope, members, call, vector_of) for (option, scope), members in grouped.items())


def _transcription(raw: bytes) -> Transcription | None:
    """Decode the words; None if absent. Malformed words get NaN times; later checks drop and count them."""
    spoken = _words(raw or b"null")
    if spoken is None:
        return None
    return Transcription(
        np.array([word.start for word in spoken], np.float64),
        np.array([word.end for word in spoken], np.float64),
        tuple(word.value or "" for word in spoken),
    )


def _words(raw: bytes) -> list[Spoken] | None:
    try:
        return _WORDS.decode(raw)
    except UNDECODABLE:
        each = elements(raw)
        return [Spoken()] if each is None else [_word(one) for one in each]


def _word(raw: bytes) -> Spoken:
    try:
        return _WORD.decode(raw)
    except UNDECODABLE:
        return Spoken()


def _column(
    option: str, scope: str, members: Sequence[tuple[int, Segment]], call: Call, vector_of: VectorOf
) -> SegmentColumn:
    what = f"{option} segments"
    return SegmentColumn(
        option,
        scope,
        _offsets([segment.start_offset_sec for _, segment in members], what, call),
        _offsets([segment.end_offset_sec for _, segment in members], what, call),
        _matrix(members, what, call, vector_of),
    )


def _offsets(values: Sequence[float | None], what: str, call: Call) -> Float64:
    if None in values:
        raise call.malformed(f"{what}: time range {values.index(None)} is incomplete")
    return np.array(values, np.float64)


def _matrix(members: Sequence[tuple[int, Segment]], what: str, call: Call, vector_of: VectorOf) -> Float32:
    """Return shape (n, dimension). Numbers beyond float32 become inf; later checks report them."""
    first = _vector(*members[0], what, call, vector_of)
    matrix = new_matrix(len(members), len(first))
    with np.errstate(over="ignore"):
        matrix[0] = first
        for row, (position, segment) in enumerate(members[1:], start=1):
            vector = _vector(position, segment, what, call, vector_of)
            if len(vector) != len(first):
                cause = f"vector of segment {position} has {len(vector)} numbers, but others have {len(first)}"
                raise call.malformed(f"{what}: {cause}")
            matrix[row] = vector
    return matrix


def _vector(position: int, segment: Segment, what: str, call: Call, vector_of: VectorOf) -> Vector:
    try:
        vector = vector_of(position, segment)
    except msgspec.DecodeError as error:
        cause = f"vector of segment {position} is missing or not a list of numbers ({error})"
        raise call.malformed(f"{what}: {cause}") from None
    if not len(vector):
        raise call.malformed(f"{what}: vector of segment {position} is empty")
    return vector


def decode_vector(_: int, segment: Segment) -> Vector:
    return _FLOATS.decode(segment.vector)
