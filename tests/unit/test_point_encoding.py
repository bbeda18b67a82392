"""How points are split into requests and encoded."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from qdrant_client import grpc
from qdrant_client.conversions.conversion import GrpcToRest

from connector.qdrant import point_encoding
from connector.qdrant.point_encoding import BATCH_BYTES, BATCH_POINTS, batches
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


@pytest.mark.parametrize("rows", [range(5), range(2, 4)])
def test_both_encodings_say_the_same(rows: range) -> None:
    """Vectors keep their exact bytes; points without an option lack its vector."""
    points = asset_points(segments=5, words=("kick",), metadata={"n": 1, "f": 0.5, "none": None, "list": [True, "x"]})

    as_models = point_encoding.rest_points(points, rows)
    as_messages = [GrpcToRest.convert_point_struct(message) for message in point_encoding.grpc_points(points, rows)]

    for model, message in zip(as_models, as_messages, strict=True):
        assert (model.id, model.payload) == (message.id, message.payload)
        assert isinstance(model.vector, dict)
        assert isinstance(message.vector, dict)
        assert set(model.vector) == set(message.vector) == set(OPTIONS)
        for option, vector in model.vector.items():
            np.testing.assert_array_equal(
                np.asarray(vector, np.float32), np.asarray(message.vector[option], np.float32)
            )


@given(st.integers(1, 2000))
def test_the_spliced_vector_is_what_protobuf_would_write(dimension: int) -> None:
    vector = np.arange(dimension, dtype=np.float32)

    spliced = point_encoding._grpc_vectors({"v": vector})

    assert spliced.vectors.vectors["v"].dense == grpc.DenseVector(data=vector.tolist())
