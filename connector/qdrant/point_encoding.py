"""Points -> request bodies: splits them into batches and encodes them for each transport. Pure functions."""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from qdrant_client import grpc, models
from qdrant_client.conversions.conversion import RestToGrpc

from connector.domain.points import AssetPoints
from connector.domain.source_model import Float32

BATCH_POINTS = 256
BATCH_BYTES = 4 * 1024 * 1024

# JSON is the larger encoding: a float32 written as a double takes about 21 characters and a comma.
_BYTES_PER_NUMBER = 22
_BYTES_PER_POINT = 300


def batches(points: AssetPoints) -> Iterator[range]:
    """Split into consecutive rows, at most BATCH_POINTS and about BATCH_BYTES per batch; a larger point goes alone."""
    start, size = 0, 0
    for point, more in enumerate(_sizes(points)):
        if point > start and (point - start == BATCH_POINTS or size + more > BATCH_BYTES):
            yield range(start, point)
            start, size = point, 0
        size += more
    if len(points) > start:
        yield range(start, len(points))


def _sizes(points: AssetPoints) -> Iterator[int]:
    shared = _BYTES_PER_POINT + len(json.dumps(points.asset_payload))
    numbers = np.zeros(len(points), np.int64)
    for named in points.vectors.values():
        numbers[named.rows] += named.matrix.shape[1]
    for count, transcript in zip(numbers.tolist(), points.transcripts, strict=True):
        yield shared + count * _BYTES_PER_NUMBER + len((transcript or "").encode())


def rest_points(points: AssetPoints, rows: range) -> list[models.PointStruct]:
    return [
        models.PointStruct(
            id=points.ids[row],
            vector={option: vector.tolist() for option, vector in named.items()},
            payload=points.payload(row, tuple(named)),
        )
        for row, named in zip(rows, _named_vectors(points, rows), strict=True)
    ]


def grpc_points(points: AssetPoints, rows: range) -> list[Any]:
    return [
        grpc.PointStruct(
            id=grpc.PointId(uuid=points.ids[row]),
            vectors=_grpc_vectors(named),
            payload=RestToGrpc.convert_payload(points.payload(row, tuple(named))),
        )
        for row, named in zip(rows, _named_vectors(points, rows), strict=True)
    ]


def _named_vectors(points: AssetPoints, rows: range) -> list[dict[str, Float32]]:
    found: list[dict[str, Float32]] = [{} for _ in rows]
    for option, named in points.vectors.items():
        first, last = named.rows.searchsorted((rows.start, rows.stop))
        for row, vector in zip(named.rows[first:last].tolist(), named.matrix[first:last], strict=True):
            found[row - rows.start][option] = vector
    return found


def _grpc_vectors(named: dict[str, Float32]) -> Any:
    """Merge the floats as bytes: Python floats cost four times the CPU."""
    vectors = grpc.Vectors()
    for option, vector in named.items():
        target = vectors.vectors.vectors[option].dense
        target.MergeFromString(_dense_prefix(len(vector)) + vector.astype("<f4", copy=False).tobytes())
    return vectors


@lru_cache(maxsize=8)
def _dense_prefix(dimension: int) -> bytes:
    """The protobuf bytes before the floats of a DenseVector, cut from a serialized vector of zeros."""
    serialized: bytes = grpc.DenseVector(data=[0.0] * dimension).SerializeToString()
    return serialized[: len(serialized) - 4 * dimension]
