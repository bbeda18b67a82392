"""Points -> batches, and their encoding for REST and embedded storage. Pure functions. See `point_wire` for gRPC."""

import json
from collections.abc import Iterator

import numpy as np
from qdrant_client import models

from connector.domain.arrays import Float32
from connector.domain.bm25 import TRANSCRIPT_BM25
from connector.domain.points import AssetPoints

BATCH_POINTS = 512
BATCH_BYTES = 2 * 1024 * 1024

BYTES_PER_NUMBER = 4
# In JSON a float32 is written as a double: about 21 characters and a comma.
JSON_BYTES_PER_NUMBER = 22
_BYTES_PER_POINT = 300


def batches(
    points: AssetPoints, rows: range | None = None, bytes_per_number: int = BYTES_PER_NUMBER
) -> Iterator[range]:
    """Split into consecutive rows, at most BATCH_POINTS and about BATCH_BYTES per batch; a larger point goes alone."""
    rows = range(len(points)) if rows is None else rows
    start, size = rows.start, 0
    for point, more in zip(rows, _sizes(points, rows, bytes_per_number), strict=True):
        if point > start and (point - start == BATCH_POINTS or size + more > BATCH_BYTES):
            yield range(start, point)
            start, size = point, 0
        size += more
    if rows.stop > start:
        yield range(start, rows.stop)


def size_of(points: AssetPoints) -> int:
    """About the number of bytes that gRPC sends for all points of the asset."""
    return sum(_sizes(points, range(len(points)), BYTES_PER_NUMBER))


def _sizes(points: AssetPoints, rows: range, bytes_per_number: int) -> Iterator[int]:
    copies, texts = (1, 1) if points.payload_profile == "none" else (2, 3)
    shared = copies * (_BYTES_PER_POINT + len(json.dumps(points.asset_payload)))
    numbers = np.zeros(len(points), np.int64)
    for named in points.vectors.values():
        numbers[named.rows] += named.matrix.shape[1]
    if points.sparse is not None:
        numbers += [2 * len(it.indices) if it else 0 for it in points.sparse]
    for count, transcript in zip(
        numbers[rows.start : rows.stop].tolist(), points.transcripts[rows.start : rows.stop], strict=True
    ):
        yield shared + count * bytes_per_number + texts * len(transcript.encode())


def rest_points(points: AssetPoints, rows: range) -> list[models.PointStruct]:
    return [
        models.PointStruct(
            id=points.ids[row],
            vector={**{option: vector.tolist() for option, vector in named.items()}, **_sparse(points, row)},
            payload=points.payload(row, tuple(named)),
        )
        for row, named in zip(rows, _named_vectors(points, rows), strict=True)
    ]


def _sparse(points: AssetPoints, row: int) -> dict[str, models.SparseVector]:
    vector = points.sparse[row] if points.sparse else None
    if vector is None:
        return {}
    return {TRANSCRIPT_BM25: models.SparseVector(indices=vector.indices.tolist(), values=vector.values.tolist())}


def _named_vectors(points: AssetPoints, rows: range) -> list[dict[str, Float32]]:
    found: list[dict[str, Float32]] = [{} for _ in rows]
    for option, named in points.vectors.items():
        first, last = named.rows.searchsorted((rows.start, rows.stop))
        for row, vector in zip(named.rows[first:last].tolist(), named.matrix[first:last], strict=True):
            found[row - rows.start][option] = vector
    return found
