"""Points -> protobuf bytes for gRPC. Pure functions.

Protobuf messages that follow each other merge, so what all points of an asset share is serialized once. The messages
of Qdrant's `points.proto` are cut into templates by protobuf itself; only lengths and floats are written here.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from qdrant_client import grpc
from qdrant_client.conversions.conversion import RestToGrpc

from connector.domain.arrays import Float32
from connector.domain.bm25 import TRANSCRIPT_BM25, SparseVector
from connector.domain.points import AssetPoints

_POINTS_OF_UPSERT = 3
_ID_OF_POINT, _PAYLOAD_OF_POINT, _VECTORS_OF_POINT = 1, 3, 4
_UUID_OF_ID = 2
_KEY_OF_ENTRY, _VALUE_OF_ENTRY = 1, 2
_NAMED_OF_VECTORS, _VECTORS_OF_NAMED, _SPARSE_OF_VECTOR = 2, 1, 102
_DOUBLE, _INTEGER, _TEXT = 2, 3, 4
"""Field numbers; those of the last line are of Value. A test compares the result with protobuf's own."""


class WirePoints:
    """The points of one asset, serialized when they are sent, so that only requests in flight use memory."""

    def __init__(self, points: AssetPoints) -> None:
        self.points = points
        self._shared = _payload({**points.asset_payload, "revision": points.revision})

    def serialized(self, rows: range) -> Iterator[bytes]:
        """Each point as a PointStruct."""
        points = self.points
        for row, vectors in zip(rows, _vectors(points, rows), strict=True):
            size = sum(map(len, vectors.pieces))
            parts = (
                _ID_PREFIX,
                points.ids[row].encode(),
                self._shared,
                _options_and_scope(tuple(vectors.options), points.scopes[row]),
                _number("start_offset_sec", int(points.start_ms[row]) / 1000),
                _number("end_offset_sec", int(points.end_ms[row]) / 1000),
                _entry("segment", _varint(_INTEGER << 3) + _varint(int(points.segments[row]))),
                _entry("transcript", _field(_TEXT, points.transcripts[row].encode())),
                self._derived(row, tuple(vectors.options)),
                _start(_VECTORS_OF_POINT, len(_start(_NAMED_OF_VECTORS, size)) + size),
                _start(_NAMED_OF_VECTORS, size),
                *vectors.pieces,
            )
            yield b"".join(parts)

    def _derived(self, row: int, options: tuple[str, ...]) -> bytes:
        return b"" if self.points.payload_profile == "none" else _payload(self.points.derived(row, options))


def upsert_request(collection: str, parts: Iterable[tuple[WirePoints, range]]) -> bytes:
    """A serialized UpsertPoints for these rows of one or more assets. Qdrant responds when the points are stored."""
    head: bytes = grpc.UpsertPoints(collection_name=collection, wait=True).SerializeToString()
    points = (point for wire, rows in parts for point in wire.serialized(rows))
    pieces = (piece for point in points for piece in (_start(_POINTS_OF_UPSERT, len(point)), point))
    return b"".join((head, *pieces))


@dataclass(slots=True)
class _Vectors:
    """The named vectors of one point: embedding options, and the pieces of the serialized NamedVectors of all."""

    options: list[str] = field(default_factory=list)
    pieces: list[bytes | memoryview] = field(default_factory=list)


def _vectors(points: AssetPoints, rows: range) -> list[_Vectors]:
    found = [_Vectors() for _ in rows]
    for option, named in points.vectors.items():
        first, last = named.rows.searchsorted((rows.start, rows.stop))
        prefix = _entry_prefix(option, named.matrix.shape[1])
        for row, floats in zip(named.rows[first:last].tolist(), _floats(named.matrix[first:last]), strict=True):
            found[row - rows.start].options.append(option)
            found[row - rows.start].pieces += (prefix, floats)
    for vectors, sparse in zip(found, (points.sparse or ())[rows.start : rows.stop], strict=False):
        if sparse:
            vectors.pieces.append(_sparse_entry(sparse))
    return found


def _sparse_entry(vector: SparseVector) -> bytes:
    """One entry of the map in Qdrant's message NamedVectors, serialized."""
    values, indices = vector.values.tolist(), vector.indices.tolist()
    sparse: bytes = grpc.SparseVector(values=values, indices=indices).SerializeToString()
    value = _field(_VALUE_OF_ENTRY, _field(_SPARSE_OF_VECTOR, sparse))
    return _field(_VECTORS_OF_NAMED, _key(TRANSCRIPT_BM25) + value)


def _floats(matrix: Float32) -> Iterator[memoryview]:
    """The bytes of each row."""
    if not len(matrix):
        return iter(())
    content = np.ascontiguousarray(matrix, "<f4").data.cast("B")
    size = 4 * matrix.shape[1]
    return (content[start : start + size] for start in range(0, len(content), size))


@lru_cache(maxsize=64)
def _entry_prefix(option: str, dimension: int) -> bytes:
    """What protobuf writes before the floats of a named vector, cut from a serialized vector of zeros."""
    dense = grpc.Vector(dense=grpc.DenseVector(data=[0.0] * dimension))
    serialized: bytes = grpc.NamedVectors(vectors={option: dense}).SerializeToString()
    return serialized[: len(serialized) - 4 * dimension]


def _payload(payload: dict[str, Any]) -> bytes:
    serialized: bytes = grpc.PointStruct(payload=RestToGrpc.convert_payload(payload)).SerializeToString()
    return serialized


@lru_cache(maxsize=256)
def _options_and_scope(options: tuple[str, ...], scope: str) -> bytes:
    return _payload({"embedding_options": list(options), "embedding_scope": scope})


def _number(key: str, value: float) -> bytes:
    return _number_prefix(key) + _EIGHT_BYTES(value)


@lru_cache(maxsize=64)
def _number_prefix(key: str) -> bytes:
    return _entry(key, _varint(_DOUBLE << 3 | 1) + _EIGHT_BYTES(0.0))[:-8]


def _entry(key: str, value: bytes) -> bytes:
    """A serialized entry of a point's payload. `value` is a serialized protobuf Value."""
    return _field(_PAYLOAD_OF_POINT, _key(key) + _field(_VALUE_OF_ENTRY, value))


@lru_cache(maxsize=64)
def _key(key: str) -> bytes:
    return _field(_KEY_OF_ENTRY, key.encode())


def _field(number: int, content: bytes) -> bytes:
    return _start(number, len(content)) + content


@lru_cache(maxsize=4096)
def _start(number: int, size: int) -> bytes:
    """The start of a field of this size: text, bytes or a message."""
    return _varint(number << 3 | 2) + _varint(size)


@lru_cache(maxsize=4096)
def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:  # noqa: PLR2004  seven bits a byte
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


_EIGHT_BYTES = struct.Struct("<d").pack
_ID_PREFIX = _start(_ID_OF_POINT, 38) + _start(_UUID_OF_ID, 36)
