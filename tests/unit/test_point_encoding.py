"""How points are split into requests and encoded."""

from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from qdrant_client import grpc, models
from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc

from connector.domain.bm25 import TRANSCRIPT_BM25
from connector.domain.payload_profile import PayloadProfile
from connector.domain.points import AssetPoints, NamedVectors
from connector.qdrant import point_encoding
from connector.qdrant.point_encoding import BATCH_BYTES, BATCH_POINTS, batches
from connector.qdrant.point_wire import WirePoints, upsert_request
from tests.contract.asset_points import OPTIONS, asset_points


@given(segments=st.integers(0, 700), options=st.integers(1, 3), text=st.integers(0, 200_000))
def test_batches_cover_every_point_once_within_both_bounds(segments: int, options: int, text: int) -> None:
    points = asset_points(segments=segments, options=OPTIONS[:options], metadata={"text": "x" * text})

    found = list(batches(points))

    assert [row for rows in found for row in rows] == list(range(segments))
    for rows in found:
        assert 0 < len(rows) <= BATCH_POINTS
        assert len(rows) == 1 or len(rows) * text <= BATCH_BYTES


def test_a_point_larger_than_a_batch_goes_alone() -> None:
    points = asset_points(segments=3, metadata={"text": "x" * (BATCH_BYTES + 1)})

    assert [len(rows) for rows in batches(points)] == [1, 1, 1]


def test_long_transcripts_count() -> None:
    """Three points whose words alone fill more than half a batch each."""
    points = asset_points(segments=3, words=("ä" * (BATCH_BYTES // 3),) * 3)

    assert [len(rows) for rows in batches(points)] == [1, 1, 1]


def test_what_a_profile_repeats_counts() -> None:
    """Words are stored three times, metadata twice."""
    words, text = ("x" * (BATCH_BYTES // 5),) * 3, {"text": "x" * (BATCH_BYTES // 3)}

    assert [len(rows) for rows in batches(asset_points(words=words))] == [3]
    assert [len(rows) for rows in batches(asset_points(words=words, payload_profile="frameworks"))] == [1, 1, 1]
    assert [len(rows) for rows in batches(asset_points(metadata=text))] == [2, 1]
    assert [len(rows) for rows in batches(asset_points(metadata=text, payload_profile="frameworks"))] == [1, 1, 1]


@pytest.mark.parametrize("profile", ["none", "frameworks"])
@pytest.mark.parametrize("rows", [range(5), range(2, 4)])
def test_both_encodings_say_the_same(rows: range, profile: PayloadProfile) -> None:
    """Vectors keep their exact bytes; points without an option lack its vector."""
    metadata = {"n": 1, "f": 0.5, "none": None, "list": [True, "x"]}
    points = asset_points(segments=5, words=("kick",), metadata=metadata, payload_profile=profile)

    request = grpc.UpsertPoints.FromString(upsert_request("c", [(WirePoints(points), rows)]))

    assert (request.collection_name, request.wait) == ("c", True)
    as_messages = [GrpcToRest.convert_point_struct(message) for message in request.points]
    for model, message in zip(point_encoding.rest_points(points, rows), as_messages, strict=True):
        assert (model.id, model.payload) == (message.id, message.payload)
        assert isinstance(model.vector, dict)
        assert isinstance(message.vector, dict)
        assert set(model.vector) == set(message.vector) == set(OPTIONS)
        for option, vector in model.vector.items():
            np.testing.assert_array_equal(
                np.asarray(vector, np.float32), np.asarray(message.vector[option], np.float32)
            )


@given(data=st.data(), dimension=st.integers(1, 2000), segments=st.integers(1, 4))
def test_the_wire_bytes_are_those_of_protobuf(data: st.DataObject, dimension: int, segments: int) -> None:
    words = data.draw(st.lists(st.text(max_size=300), max_size=segments))
    values = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=200)
    metadata = data.draw(st.dictionaries(st.text(min_size=1, max_size=20), values, max_size=4))
    options = data.draw(st.lists(st.sampled_from(OPTIONS), min_size=1, unique=True))
    profile: PayloadProfile = data.draw(st.sampled_from(["none", "frameworks"]))
    points = asset_points(
        segments=segments,
        dimension=dimension,
        words=words,
        metadata=metadata,
        options=options,
        filename="ü" * 150,
        payload_profile=profile,
    )
    rows = range(data.draw(st.integers(0, segments - 1)), segments)

    found = grpc.UpsertPoints.FromString(upsert_request("collection", [(WirePoints(points), rows)]))

    assert list(found.points) == [by_protobuf(points, row) for row in rows]


def test_a_batch_without_a_vector_of_an_option_of_its_asset() -> None:
    """The speech of a long video may end before a batch begins."""
    whole = asset_points(segments=6)
    speech = NamedVectors(np.arange(2), whole.vectors["transcription"].matrix[:2])
    points = replace(whole, vectors={**whole.vectors, "transcription": speech})

    for rows in (range(2), range(2, 4), range(4, 6)):
        request = grpc.UpsertPoints.FromString(upsert_request("c", [(WirePoints(points), rows)]))
        assert list(request.points) == [by_protobuf(points, row) for row in rows]


@pytest.mark.parametrize("rows", [range(4), range(1, 3)])
def test_sparse_vectors_are_sent_beside_the_dense_ones(rows: range) -> None:
    """Where nothing is said there is none."""
    points = asset_points(segments=4, words=("kick", "", "the goal, the"), sparse_transcript=True)

    request = grpc.UpsertPoints.FromString(upsert_request("c", [(WirePoints(points), rows)]))

    assert points.sparse
    for row, message, model in zip(rows, request.points, point_encoding.rest_points(points, rows), strict=True):
        wanted, named = points.sparse[row], {**message.vectors.vectors.vectors}
        assert isinstance(model.vector, dict)
        sparse = named.pop(TRANSCRIPT_BM25, None)
        assert named.keys() == model.vector.keys() - {TRANSCRIPT_BM25} == set(OPTIONS)
        as_json = model.vector.get(TRANSCRIPT_BM25)
        if wanted is None:
            assert sparse is as_json is None
            continue
        assert sparse
        assert isinstance(as_json, models.SparseVector)
        assert [*sparse.sparse.indices] == as_json.indices == wanted.indices.tolist()
        assert [*sparse.sparse.values] == as_json.values == wanted.values.tolist()


def test_sparse_vectors_count_for_the_size_of_a_request() -> None:
    """A transcript of 100,000 words, most of them distinct, has more bytes of vector than of text."""
    text = " ".join(f"{number:x}" for number in range(100_000))
    plain, sparse = (asset_points(segments=4, words=[text] * 4, sparse_transcript=on) for on in (False, True))

    assert [len(rows) for rows in batches(plain)] == [3, 1]
    assert [len(rows) for rows in batches(sparse)] == [1, 1, 1, 1]


def by_protobuf(points: AssetPoints, row: int) -> grpc.PointStruct:
    named = {
        option: grpc.Vector(dense=grpc.DenseVector(data=it.matrix[it.rows == row][0].tolist()))
        for option, it in points.vectors.items()
        if row in it.rows
    }
    return grpc.PointStruct(
        id=grpc.PointId(uuid=points.ids[row]),
        payload=RestToGrpc.convert_payload(points.payload(row, tuple(named))),
        vectors=grpc.Vectors(vectors=grpc.NamedVectors(vectors=named)),
    )
