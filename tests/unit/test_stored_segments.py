"""Segments and facts of payloads, which anybody may have changed."""

from typing import Any

import pytest

from connector.domain.stored_segments import FACT_KEYS, StoredSegment, stored_facts, stored_segments

PAYLOAD = {
    "start_offset_sec": 6,
    "end_offset_sec": 12.5,
    "embedding_scope": "clip",
    "embedding_options": ["visual", "audio"],
    "transcript": "the net, nil",
}
FACTS = {
    "index_name": "Matches",
    "asset_id": "asset",
    "filename": "match.mp4",
    "created_at": "2026-01-14T13:34:29Z",
    "indexed_at": None,
    "duration_sec": 60.5,
    "fps": 30,
    "width": 1280,
    "height": 720,
    "size_bytes": 10**9,
    "user_metadata": {"category": "sports"},
}


def segment(start: float, end: float) -> StoredSegment:
    return StoredSegment(start, end, "clip", ("visual",), "")


def test_a_segment_is_what_its_payload_says() -> None:
    (found,) = stored_segments([PAYLOAD])

    assert found == StoredSegment(6, 12.5, "clip", ("visual", "audio"), "the net, nil")
    assert found.document() == PAYLOAD


@pytest.mark.parametrize("wrong", [None, 5, {"visual": 1}, "visual"])
def test_options_of_a_wrong_type_count_as_none(wrong: Any) -> None:
    assert stored_segments([PAYLOAD | {"embedding_options": wrong}])[0].options == ()
    assert stored_segments([PAYLOAD | {"embedding_options": ["audio", wrong]}])[0].options in {
        ("audio",),
        ("audio", "visual"),
    }


@pytest.mark.parametrize("wrong", [None, 5, ["word"]])
def test_a_transcript_of_a_wrong_type_is_empty(wrong: Any) -> None:
    assert stored_segments([PAYLOAD | {"transcript": wrong}])[0].transcript == ""


def test_facts_are_what_the_payload_says() -> None:
    assert stored_facts(FACTS) == FACTS
    assert stored_facts(FACTS | {"something": "else"}) == FACTS


def test_absent_facts_are_none() -> None:
    assert stored_facts({}) == {**dict.fromkeys(FACT_KEYS), "user_metadata": {}}


@pytest.mark.parametrize("wrong", [True, "5", [1], float("nan"), float("inf"), {"a": 1}])
def test_a_number_of_a_wrong_type_counts_as_absent(wrong: Any) -> None:
    for key in ("duration_sec", "fps", "width", "height", "size_bytes"):
        assert stored_facts(FACTS | {key: wrong})[key] is None


@pytest.mark.parametrize("wrong", [True, 5, ["text"], {"a": 1}])
def test_a_text_of_a_wrong_type_counts_as_absent(wrong: Any) -> None:
    for key in ("index_name", "asset_id", "filename", "created_at", "indexed_at"):
        assert stored_facts(FACTS | {key: wrong})[key] is None


@pytest.mark.parametrize("wrong", [None, 5, "text", [1]])
def test_metadata_of_a_wrong_type_counts_as_empty(wrong: Any) -> None:
    assert stored_facts(FACTS | {"user_metadata": wrong})["user_metadata"] == {}


@pytest.mark.parametrize(
    ("start", "end", "overlaps"),
    [
        (0, 6, False),
        (0, 6.001, True),
        (6, 12, True),
        (7, 8, True),
        (11.999, 20, True),
        (12, 20, False),
        (6, 6, True),
        (12, 12, True),
        (9, 9, True),
        (5, 5, False),
        (13, 13, False),
    ],
)
def test_ranges_that_only_touch_do_not_overlap_but_a_point_at_an_edge_does(
    start: float, end: float, overlaps: bool
) -> None:
    assert segment(6, 12).overlaps(start, end) is overlaps


def test_a_segment_without_length_is_where_it_starts() -> None:
    assert segment(6, 6).overlaps(0, 6)
    assert segment(6, 6).overlaps(6, 12)
    assert segment(6, 6).overlaps(6, 6)
    assert not segment(6, 6).overlaps(6.5, 12)
    assert not segment(6, 6).overlaps(0, 5)
