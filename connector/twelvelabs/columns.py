"""Segments of one response -> columns: one float32 matrix per option and scope. Decodes one vector at a time."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from connector.domain.source_model import Float32, Float64, SegmentColumn, Transcription
from connector.twelvelabs.bodies import Segment, Spoken
from connector.twelvelabs.calls import Call
from connector.twelvelabs.decoding import UNDECODABLE
from connector.twelvelabs.salvage import elements

_FLOATS = msgspec.json.Decoder(list[float])
_WORDS: msgspec.json.Decoder[list[Spoken] | None] = msgspec.json.Decoder(list[Spoken] | None)
_WORD = msgspec.json.Decoder(Spoken)


def columns_of(segments: Sequence[Segment], wanted: Collection[str], call: Call) -> tuple[SegmentColumn, ...]:
    """Group by option and scope, in order of first appearance; skip segments of unwanted options."""
    grouped: dict[tuple[str, str], list[tuple[int, Segment]]] = {}
    for position, segment in enumerate(segments):
        option, scope = segment.embedding_option, segment.embedding_scope
        if not option or not scope:
            missing = "embedding_scope" if option else "embedding_option"
            raise call.malformed(f"segment {position} has no {missing}")
        if option in wanted:
            grouped.setdefault((option, scope), []).append((position, segment))
    return tuple(_column(option, scope, members, call) for (option, scope), members in grouped.items())


def transcription_of(raw: bytes) -> Transcription | None:
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


def _column(option: str, scope: str, members: Sequence[tuple[int, Segment]], call: Call) -> SegmentColumn:
    what = f"{option} segments"
    return SegmentColumn(
        option,
        scope,
        _offsets([segment.start_offset_sec for _, segment in members], what, call),
        _offsets([segment.end_offset_sec for _, segment in members], what, call),
        _Rows(what, call).of(members),
    )


def _offsets(values: Sequence[float | None], what: str, call: Call) -> Float64:
    if None in values:
        raise call.malformed(f"{what}: time range {values.index(None)} is incomplete")
    return np.array(values, np.float64)


@dataclass(frozen=True, slots=True)
class _Rows:
    what: str
    call: Call

    def of(self, members: Sequence[tuple[int, Segment]]) -> Float32:
        """Return shape (n, dimension). Numbers beyond float32 become inf; later checks report them."""
        first = self._vector(*members[0])
        matrix = np.empty((len(members), len(first)), np.float32)
        with np.errstate(over="ignore"):
            matrix[0] = first
            for row, (position, segment) in enumerate(members[1:], start=1):
                vector = self._vector(position, segment)
                if len(vector) != len(first):
                    cause = f"vector of segment {position} has {len(vector)} numbers, but others have {len(first)}"
                    raise self.call.malformed(f"{self.what}: {cause}")
                matrix[row] = vector
        return matrix

    def _vector(self, position: int, segment: Segment) -> list[float]:
        try:
            vector = _FLOATS.decode(segment.vector)
        except msgspec.DecodeError as error:
            cause = f"vector of segment {position} is missing or not a list of numbers ({error})"
            raise self.call.malformed(f"{self.what}: {cause}") from None
        if not vector:
            raise self.call.malformed(f"{self.what}: vector of segment {position} is empty")
        return vector
