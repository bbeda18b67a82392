"""Segments and words of a response -> columns, or an error that names the place."""

import json
import sys
import tracemalloc
from typing import Any

import msgspec
import numpy as np
import pytest

from connector.domain.errors import MalformedAsset
from connector.domain.points import build
from connector.domain.source_model import Index
from tests.fakes.bodies import OPTIONS, body, read, segment


def test_segments_become_columns_by_option_and_scope() -> None:
    """Row i of each array is one segment, in the order of the response."""
    found = read(
        body(
            segment("visual", 0, (1.0, 2.0)),
            segment("audio", 0, (5.0, 6.0)),
            segment("visual", 7.5666666, (3.0, 4.0)),
            segment("visual", 0, (9.0, 9.0), embedding_scope="video"),
        )
    )

    assert found.columns is not None
    assert [(column.option, column.scope) for column in found.columns] == [
        ("visual", "clip"),
        ("audio", "clip"),
        ("visual", "video"),
    ]
    visual = found.columns[0]
    assert visual.vectors.dtype == np.float32
    assert visual.vectors.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert visual.start_sec.tolist() == [0.0, 7.5666666]
    assert visual.end_sec.tolist() == [5.0, 12.5666666]


def test_the_same_segment_twice_is_kept_twice() -> None:
    """Merging is decided when points are built, not when bytes are decoded."""
    found = read(body(segment(), segment()))

    assert found.columns is not None
    assert found.columns[0].vectors.shape == (2, 2)


def test_options_that_nobody_asked_for_are_left_out() -> None:
    """Even if their content is invalid."""
    found = read(body(segment("visual"), segment("fused", vector=None)), ("visual",))

    assert found.columns is not None
    assert [column.option for column in found.columns] == ["visual"]


@pytest.mark.parametrize(
    "embedding",
    [None, {}, {"video_embedding": None}, {"model_name": "marengo3.0", "video_embedding": {"segments": None}}],
)
def test_an_absent_embedding_is_no_empty_one(embedding: object) -> None:
    found = read(json.dumps({"_id": "a1", "status": "ready", "embedding": embedding}).encode())

    assert found.columns is None


@pytest.mark.parametrize(("model", "known"), [("Marengo-retrieval-2.7", "marengo2.7"), (None, "marengo3.0")])
def test_an_empty_embedding_is_the_truth(model: str | None, known: str) -> None:
    """Without segments, the model of the index is used."""
    found = read(body(model=model))

    assert (found.columns, found.model) == ((), known)


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        pytest.param([segment(embedding_option=None)], "segment 0 has no embedding_option", id="no option"),
        pytest.param([segment(), segment(embedding_scope=None)], "segment 1 has no embedding_scope", id="no scope"),
        pytest.param([segment(vector=None)], "segment 0 is missing or not a list", id="null vector"),
        pytest.param([{k: v for k, v in segment().items() if k != "float"}], "segment 0 is missing", id="no vector"),
        pytest.param([segment(vector=[])], "segment 0 is empty", id="empty vector"),
        pytest.param([segment(vector=[1.0, "2"])], "Expected `float`, got `str`", id="string in a vector"),
        pytest.param([segment(vector=[1.0, None])], "Expected `float`, got `null`", id="null in a vector"),
        pytest.param([segment(vector=[True])], "Expected `float`, got `bool`", id="boolean in a vector"),
        pytest.param([segment(vector={"0": 1})], "Expected `array`", id="object for a vector"),
        pytest.param([segment(vector=[float("nan")])], "invalid content", id="NaN"),
        pytest.param([segment(vector=[float("inf")])], "invalid content", id="Infinity"),
        pytest.param([segment(), segment(vector=[1.0])], "segment 1 has 1 numbers, but others have 2", id="lengths"),
        pytest.param([segment(start_offset_sec=None)], "time range 0 is incomplete", id="no start"),
        pytest.param([segment(), segment(end_offset_sec=None)], "time range 1 is incomplete", id="no end"),
        pytest.param([segment(start_offset_sec="0")], "Expected `float | null`", id="string as offset"),
        pytest.param([segment(embedding_option=5)], "Expected `str | null`", id="number as option"),
        pytest.param(["visual"], "Expected `object`", id="string as segment"),
    ],
)
def test_wrong_content_names_asset_and_place(broken: list[Any], what: str) -> None:
    with pytest.raises(MalformedAsset, match="a1") as caught:
        read(body(*broken))

    assert what in str(caught.value)


@pytest.mark.parametrize("model", [None, "", "pegasus1.2", "marengo"])
def test_segments_without_a_marengo_model_are_of_no_space(model: str | None) -> None:
    with pytest.raises(MalformedAsset, match="is not a Marengo model"):
        read(body(segment(), model=model))


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400])
def test_a_number_beyond_any_float_is_wrong_content(number: str) -> None:
    raw = body(segment()).replace(b"[1.0, 2.0]", f"[{number}]".encode())
    with pytest.raises(MalformedAsset, match="out of range"):
        read(raw)


@pytest.mark.parametrize("number", [1e39, -1e300])
def test_a_number_beyond_float32_is_infinite_and_refused_with_the_points(number: float) -> None:
    """And NumPy gives no warning."""
    found = read(body(segment(vector=(number, 1.0))))

    assert found.columns is not None
    assert np.isinf(found.columns[0].vectors[0, 0])
    with pytest.raises(MalformedAsset, match="not a finite float32"):
        build(found, Index("ix1", "news", "marengo3.0"), "fingerprint")


def test_words_become_columns() -> None:
    """A word without text is an empty one."""
    found = read(body(transcription=[{"start": 0, "end": 1.5, "value": "hello"}, {"start": 1.5, "end": 2}]))

    assert found.transcription is not None
    assert found.transcription.values == ("hello", "")
    assert found.transcription.start_sec.tolist() == [0.0, 1.5]
    assert found.transcription.end_sec.tolist() == [1.5, 2.0]


def test_words_that_nobody_asked_for_are_left_out() -> None:
    assert read(body(transcription=[{"start": None}]), transcript=False).transcription is None


FINE = {"start": 1, "end": 2, "value": "fine"}


@pytest.mark.parametrize(
    "word",
    [
        {"value": "lost", "end": 1},
        {"value": "lost", "start": 1, "end": None},
        {"value": "lost", "start": 6, "end": 5},
        {"value": "lost", "start": -1, "end": 5},
        {"value": "lost", "start": "0", "end": 5},
        {"value": 5, "start": 0, "end": 5},
        {"value": "lo\ud800st", "start": 0, "end": 5},
        {"value": "lost", "start": float("nan"), "end": 5},
        {"value": "lost", "start": 0, "end": float("inf")},
        {"value": "lost", "start": 0, "end": 10**400},
        {"value": "lost", "start": 0, "end": 1e300},
        {"deep": []},
        ["lost"],
        "lost",
        None,
    ],
    ids=repr,
)
def test_a_word_that_cannot_be_used_is_dropped_and_counted(word: Any) -> None:
    """One bad word loses neither the other words nor the vectors."""
    vector = tuple(np.linspace(-1, 1, 512).tolist())
    found = read(body(segment(vector=vector), transcription=[FINE, word, FINE]))
    built = build(found, Index("ix1", "news", "marengo3.0"), "fingerprint")

    assert built.transcripts == ("fine fine",)
    assert built.dropped_words == 1


@pytest.mark.parametrize("transcription", ["hello", 5, {"start": 0}, True])
def test_a_transcription_that_is_no_list_is_as_good_as_one_bad_word(transcription: Any) -> None:
    vector = tuple(np.linspace(-1, 1, 512).tolist())
    found = read(body(segment(vector=vector), transcription=transcription))
    built = build(found, Index("ix1", "news", "marengo3.0"), "fingerprint")

    assert (built.transcripts, built.dropped_words) == (("",), 1)


def test_a_bad_word_does_not_excuse_bad_vectors() -> None:
    with pytest.raises(MalformedAsset, match="invalid content"):
        read(body(segment(vector=[float("nan")]), transcription=["\ud800"]))


def test_vectors_do_not_become_lists_of_floats() -> None:
    """Decoding an hour of video needs little more memory than the matrices themselves."""
    vector = np.linspace(-1, 1, 512).astype(np.float32).tolist()
    raw = msgspec.json.encode(
        {
            "_id": "a1",
            "embedding": {
                "model_name": "marengo3.0",
                "video_embedding": {
                    "segments": [segment(option, start, vector) for option in OPTIONS for start in range(0, 1800, 6)]
                },
            },
        }
    )
    tracemalloc.start()
    try:
        found = read(raw)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert found.columns is not None
    matrices = sum(column.vectors.nbytes for column in found.columns)
    assert matrices == 900 * 512 * 4
    assert peak < 2 * matrices
    assert sys.getsizeof(0.5) * 900 * 512 > 3 * matrices
