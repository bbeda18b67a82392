"""The points of a fresh retrieval against the stored ones."""

from array import array
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from connector.domain.arrays import Float32
from connector.domain.bm25 import SparseVector
from connector.domain.deep_comparison import compare_points, same_vectors
from connector.domain.ledger_model import Applied
from connector.domain.points import AssetPoints
from connector.domain.sink_model import StoredPoint
from connector.domain.verification import Kind
from tests.builders import COLLECTION, applied
from tests.contract.asset_points import asset_points
from tests.unit.test_holding import built, payloads


def stored(points: AssetPoints) -> dict[str, StoredPoint]:
    vectors: dict[int, dict[str, Float32]] = {}
    for option, named in points.vectors.items():
        for row, vector in zip(named.rows.tolist(), named.matrix, strict=True):
            unit: Float32 = (vector / np.linalg.norm(vector)).astype(np.float32)
            vectors.setdefault(row, {})[option] = unit
    return {
        point_id: StoredPoint(payload, vectors[row])
        for row, (point_id, payload) in enumerate(zip(points.ids, payloads(points), strict=True))
    }


def of(fresh: AssetPoints, **facts: Any) -> Applied:
    plain = applied(revision=fresh.revision, metadata_revision=fresh.metadata_revision, points=len(fresh))
    return replace(plain, **facts)


def compared(held: dict[str, StoredPoint], **facts: Any) -> list[tuple[Kind, int]]:
    points = built()
    return [(it.kind, it.affected) for it in compare_points(points, held, of(points, **facts))]


def test_what_is_stored_as_it_was_retrieved_is_no_finding() -> None:
    """The fingerprint may be older, a link expires, and other programs may have added keys."""
    held = {
        key: replace(it, payload={**it.payload, "fingerprint": "old", "hls_url": "x", "theirs": 1})
        for key, it in stored(built()).items()
    }

    assert compared(held) == []
    assert compared(held, metadata_revision=None) == []


def test_a_finding_names_asset_place_and_counts() -> None:
    held = stored(built())
    del held[built().ids[1]]

    [found] = compare_points(built(), held, of(built()))

    assert (found.indexed_asset_id, found.collection) == ("asset-1", COLLECTION)
    assert (found.kind, found.expected, found.found, found.affected) == (Kind.MISSING_POINTS, 5, 4, 1)


def test_each_difference_has_its_kind() -> None:
    held = stored(built())
    first, second, third, *_ = built().ids
    held["surplus"] = held[first]
    held[first] = replace(held[first], payload={**held[first].payload, "transcript": "other"})
    turned = {name: np.roll(vector, 1) for name, vector in held[second].vectors.items()}
    held[second] = replace(held[second], vectors=turned)
    del held[third]

    assert compared(held) == [
        (Kind.MISSING_POINTS, 1),
        (Kind.SURPLUS_POINTS, 1),
        (Kind.ALTERED_PAYLOAD, 1),
        (Kind.ALTERED_VECTORS, 1),
    ]


@pytest.mark.parametrize("facts", [{"revision": "x"}, {"points": 4}, {"metadata_revision": "x"}])
def test_what_the_source_has_changed_is_stale_and_nothing_else(facts: dict[str, Any]) -> None:
    [found] = compare_points(built(), stored(built()), of(built(), **facts))

    assert (found.kind, found.expected, found.found, found.affected) == (Kind.STALE_ASSET, 5, 5, 5)
    assert (found.indexed_asset_id, found.collection) == ("asset-1", COLLECTION)


SPARSE = asset_points(segments=3, words=["the net, nil", "", "a goal"], sparse_transcript=True)


def altered(*vectors: SparseVector | None, points: AssetPoints = SPARSE) -> list[tuple[Kind, int]]:
    """What is found if the points hold these sparse vectors."""
    held = {key: replace(it, sparse=vector) for (key, it), vector in zip(stored(points).items(), vectors, strict=True)}
    return [(it.kind, it.affected) for it in compare_points(points, held, of(points))]


def test_sparse_vectors_must_be_those_of_the_transcripts() -> None:
    first, none, last = SPARSE.sparse or ()
    assert first
    halves = SparseVector(first.indices, array("f", (value / 2 for value in first.values)))
    rounded = SparseVector(first.indices, array("f", (round(value, 3) for value in first.values)))

    assert altered(first, none, last) == altered(rounded, none, last) == []
    assert altered(last, none, first) == [(Kind.ALTERED_VECTORS, 2)]
    assert altered(halves, none, last) == altered(None, none, last) == [(Kind.ALTERED_VECTORS, 1)]
    assert altered(first, first, last) == [(Kind.ALTERED_VECTORS, 1)]


def test_sparse_vectors_are_not_compared_if_they_are_switched_off() -> None:
    """The user may have written some."""
    plain = asset_points(segments=3, words=["the net, nil", "", "a goal"])

    assert altered(*(SPARSE.sparse or ()), points=plain) == altered(None, None, None, points=plain) == []


def unit(*values: float) -> Float32:
    return np.array(values, np.float32)


@pytest.mark.parametrize(
    ("wanted", "found", "same"),
    [
        ((3.0, 4.0), (0.6, 0.8), True),
        ((3.0, 4.0), (6.0, 8.0), True),
        ((3.0, 4.0), (0.6, 0.8003), True),
        ((3.0, 4.0), (0.6, 0.81), False),
        ((3.0, 4.0), (-0.6, -0.8), False),
        ((1.0, 0.0), (1.0, 5e-6), True),
        ((1.0, 0.0), (1.0, 5e-5), False),
        ((0.0, 0.0), (0.0, 0.0), True),
        ((0.0, 0.0), (1.0, 0.0), False),
        ((3.0, 4.0), (0.6, 0.8, 0.0), False),
    ],
)
def test_vectors_are_compared_by_direction_with_a_tolerance(
    wanted: tuple[float, ...], found: tuple[float, ...], same: bool
) -> None:
    assert same_vectors({"visual": unit(*wanted)}, {"visual": unit(*found)}) is same


def test_named_vectors_must_be_the_same_ones() -> None:
    one, both = {"visual": unit(1, 0)}, {"visual": unit(1, 0), "audio": unit(0, 1)}

    assert same_vectors(both, both)
    assert not same_vectors(one, both)
    assert not same_vectors(both, one)
    assert not same_vectors(both, both | {"audio": unit(1, 0)})
