"""Segments -> points: ids, the union of the options' time ranges, merged vectors, the words of a segment."""

import hashlib
import uuid
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.points import NAMESPACE, AssetPoints, build, point_id
from connector.domain.source_model import RetrievedAsset, Transcription
from tests.builders import column, index, retrieved, spoken, vectors
from tests.comparing import differences

INDEX = index()


def ranges(points: AssetPoints) -> list[tuple[str, int, int]]:
    return list(zip(points.scopes, points.start_ms.tolist(), points.end_ms.tolist(), strict=True))


def rows(points: AssetPoints) -> dict[str, list[int]]:
    return {option: named.rows.tolist() for option, named in points.vectors.items()}


def test_the_point_id_recipe() -> None:
    """Other programs compute it: any change of it changes the contract."""
    assert uuid.UUID("99026458-c633-4fd7-a44e-8f59297a0b73") == NAMESPACE
    expected = "82afc711-2e12-559a-ad1b-211ef25485be"
    assert point_id("index-1", "asset-1", "marengo3.0", "clip", 0, 6000) == expected


@given(st.text(), st.text(), st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_point_id_is_a_uuid5_over_the_joined_key(index_id: str, name: str, start: int, end: int) -> None:
    key = f"{index_id}/{name}/marengo2.7/clip/{start}/{end}".encode()
    raw = bytearray(hashlib.sha1(NAMESPACE.bytes + key, usedforsecurity=False).digest()[:16])
    raw[6], raw[8] = raw[6] & 0x0F | 0x50, raw[8] & 0x3F | 0x80
    assert point_id(index_id, name, "marengo2.7", "clip", start, end) == str(uuid.UUID(bytes=bytes(raw)))


def test_ids_come_from_the_asset_the_model_of_the_answer_and_the_range() -> None:
    built = build(retrieved(column(ranges=[(0, 6)]), model="marengo3.0"), index("i", model="marengo2.7"), "print")
    assert built.ids == (point_id("i", "asset-1", "marengo3.0", "clip", 0, 6000),)
    assert differences(built, model="marengo3.0", index_id="i", indexed_asset_id="asset-1") == {}
    assert len(built) == 1


@given(
    st.text(max_size=5),
    st.text(max_size=5),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 9)), min_size=1, max_size=5, unique=True),
    st.sampled_from(["clip", "video", "\N{SNOWMAN}"]),
)
def test_the_ids_of_an_asset_are_the_point_ids(
    index_id: str, name: str, ranges: list[tuple[int, int]], scope: str
) -> None:
    found = [(float(start), float(start + lasts)) for start, lasts in ranges]
    answer = retrieved(column(ranges=found, scope=scope))
    built = build(replace(answer, asset=replace(answer.asset, indexed_asset_id=name)), index(index_id), "print")
    model = built.model
    each = zip(built.start_ms.tolist(), built.end_ms.tolist(), strict=True)
    assert built.ids == tuple(point_id(index_id, name, model, scope, start, end) for start, end in each)
    assert len(built.ids) == len(ranges)


def test_options_with_the_same_boundaries_share_points() -> None:
    built = build(retrieved(column("visual"), column("audio"), column("transcription", [(6, 12)])), INDEX, "print")
    assert ranges(built) == [("clip", 0, 6000), ("clip", 6000, 12000)]
    assert rows(built) == {"visual": [0, 1], "audio": [0, 1], "transcription": [1]}


def test_options_with_other_boundaries_become_other_points() -> None:
    built = build(retrieved(column("visual", [(0, 6), (6, 12)]), column("audio", [(0, 4), (4, 12)])), INDEX, "print")
    assert ranges(built) == [("clip", 0, 4000), ("clip", 0, 6000), ("clip", 4000, 12000), ("clip", 6000, 12000)]
    assert rows(built) == {"visual": [1, 3], "audio": [0, 2]}
    assert built.segments.tolist() == [0, 1, 2, 3]


def test_scopes_are_kept_apart_and_numbered_apart() -> None:
    built = build(retrieved(column(scope="video", ranges=[(0, 12)]), column()), INDEX, "print")
    assert ranges(built) == [("clip", 0, 6000), ("clip", 6000, 12000), ("video", 0, 12000)]
    assert built.segments.tolist() == [0, 1, 0]
    assert rows(built) == {"visual": [0, 1, 2]}


def test_every_vector_stands_at_its_point() -> None:
    """However the source orders segments, options and scopes."""
    matrix = vectors(3)
    built = build(retrieved(column(ranges=[(12, 18), (0, 6), (6, 12)], matrix=matrix)), INDEX, "print")
    assert np.array_equal(built.vectors["visual"].matrix, matrix[[1, 2, 0]])
    assert built.vectors["visual"].matrix.dtype == np.float32
    assert (built.dimension, built.options) == (512, ("visual",))


def test_options_come_in_the_models_order_and_unknown_ones_after() -> None:
    columns = [column(option) for option in ("smell", "transcription", "audio", "visual", "aroma")]
    built = build(retrieved(*columns), INDEX, "print")
    assert built.options == ("visual", "audio", "transcription", "aroma", "smell")


@given(st.floats(0, 1e6, allow_nan=False))
def test_offsets_are_rounded_as_python_rounds(start: float) -> None:
    built = build(retrieved(column(ranges=[(start, start + 6)])), INDEX, "print")
    assert ranges(built) == [("clip", round(start * 1000), round((start + 6) * 1000))]


@pytest.mark.parametrize(("seconds", "ms"), [(0.0004, 0), (0.0006, 1), (0.0005, 0), (0.0015, 2), (5.9999999, 6000)])
def test_halves_are_rounded_to_even(seconds: float, ms: int) -> None:
    assert ranges(build(retrieved(column(ranges=[(seconds, 9)])), INDEX, "print"))[0][1] == ms


def test_ranges_that_round_to_the_same_milliseconds_are_one_point() -> None:
    built = build(retrieved(column("visual", [(0, 6)]), column("audio", [(0, 5.9999)])), INDEX, "print")
    assert ranges(built) == [("clip", 0, 6000)]


def test_the_same_vector_twice_is_one() -> None:
    matrix = vectors(1)
    twice = column(ranges=[(0, 6), (0, 6)], matrix=np.concatenate([matrix, matrix]))
    again = column(ranges=[(0, 6)], matrix=matrix)
    built = build(retrieved(twice, again), INDEX, "print")
    assert (len(built), rows(built)) == (1, {"visual": [0]})
    assert np.array_equal(built.vectors["visual"].matrix, matrix)


def test_a_matrix_in_order_is_not_copied() -> None:
    """The vectors of a long video take much memory."""
    visual = column("visual", [(0, 6), (6, 12)])
    [named] = build(retrieved(visual), INDEX, "print").vectors.values()
    assert np.shares_memory(named.matrix, visual.vectors)


def test_nothing_to_embed_is_a_content_too() -> None:
    built = build(retrieved(), INDEX, "print")
    assert len(built) == 0
    assert differences(built, ids=(), options=()) == {}
    assert dict(built.vectors) == {}
    assert built.revision


def test_an_option_without_segments_is_no_option_of_the_asset() -> None:
    built = build(retrieved(column("visual"), column("audio", ranges=[])), INDEX, "print")
    assert (built.options, len(built)) == (("visual",), 2)


@pytest.mark.parametrize("dimension", [1, 8])
def test_an_unknown_model_has_the_dimension_that_its_segments_agree_on(dimension: int) -> None:
    columns = [column(option, matrix=vectors(2, dimension)) for option in ("visual", "audio")]
    assert build(retrieved(*columns, model="marengo9.9"), INDEX, "print").dimension == dimension


def test_an_unknown_model_without_segments_has_no_dimension() -> None:
    assert build(retrieved(model="marengo9.9"), INDEX, "print").dimension is None


@pytest.mark.parametrize("answer", [replace(retrieved(), columns=None), replace(retrieved(column()), model=None)])
def test_an_answer_without_embedding_has_no_points(answer: RetrievedAsset) -> None:
    with pytest.raises(ValueError, match="cannot build points without an embedding"):
        build(answer, INDEX, "print")


WORDS = spoken((5, 6.5, "over"), (0, 1, "first"), (6, 7, "after"), (7, 7, "blink"), (12, 13, "late"), (3, 4, " "))


@pytest.mark.parametrize(
    ("segment", "transcript"),
    [
        ((0, 6), "first over"),
        ((6, 12), "over after blink"),
        ((0, 5), "first"),
        ((6.5, 7), "after"),
        ((7, 8), "blink"),
        ((1, 3), ""),
        ((1, 5), ""),
        ((0, 20), "first over after blink late"),
        ((13, 20), ""),
        ((12.5, 12.5), "late"),
    ],
)
def test_a_segment_has_the_words_that_overlap_it(segment: tuple[float, float], transcript: str) -> None:
    """Half-open: a word that ends where the segment begins is outside; one without length belongs to its position."""
    assert build(retrieved(column(ranges=[segment]), words=WORDS), INDEX, "print").transcripts == (transcript,)


@pytest.mark.parametrize("words", [None, spoken(), spoken((0, 6, ""), (0, 6, "  "))])
def test_silence_has_no_transcript(words: Transcription | None) -> None:
    assert build(retrieved(column(), words=words), INDEX, "print").transcripts == ("", "")


def test_transcripts_can_be_switched_off() -> None:
    built = build(retrieved(column(), words=WORDS), INDEX, "print", transcript=False)
    assert built.transcripts == ("", "")


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 8)), max_size=8),
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), min_size=1, max_size=4, unique=True),
)
def test_overlap_is_what_it_says(words: list[tuple[int, int]], ranges: list[tuple[int, int]]) -> None:
    """Compared with a count second by second."""
    said = [(begin, begin + lasts, f"w{begin}-{lasts}") for begin, lasts in sorted(set(words))]
    segments = sorted((start, start + length) for start, length in ranges)
    built = build(retrieved(column(ranges=segments), words=spoken(*said)), INDEX, "print")
    inside = [
        [word for begin, end, word in said if set(range(*segment)) & set(range(begin, max(end, begin + 1)))]
        for segment in segments
    ]
    assert built.transcripts == tuple(map(" ".join, inside))
