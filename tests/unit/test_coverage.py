"""What a collection lacks of another one, and how alike neighbours are."""

from typing import Any

import pytest

from connector.domain.coverage import ROUNDING_SEC, SEGMENT_SEC, Coverage, Gap, Place, gaps, joined, overlap, video_of


def segment(asset: str | None, start: float, end: float, indexed: str = "i") -> dict[str, Any]:
    return {
        "asset_id": asset,
        "filename": "video.mp4",
        "index_id": "index",
        "indexed_asset_id": indexed,
        "start_offset_sec": start,
        "end_offset_sec": end,
    }


def covering(*segments: dict[str, Any]) -> Coverage:
    found = Coverage()
    found.add(segments)
    return found


def test_a_video_is_the_same_in_every_index() -> None:
    assert video_of(segment("upload", 0, 1, "x"), "asset_id") == "upload"
    assert video_of(segment("upload", 0, 1, "y"), "asset_id") == "upload"
    assert video_of(segment("upload", 0, 1, "y"), "filename") == "video.mp4"
    assert video_of(segment(None, 0, 1, "x"), "asset_id") == "x"
    assert Place.of(segment("upload", 1, 2.5), "asset_id") == Place("upload", 1.0, 2.5)


def test_a_video_that_was_uploaded_again_is_known_by_its_name() -> None:
    found = Coverage("filename")
    found.add([segment("first", 0, 5), segment("second", 5, 9)])

    assert found.ranges == {"video.mp4": [(0, 5), (5, 9)]}


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ([], []),
        ([(2, 3), (0, 1)], [(0, 1), (2, 3)]),
        ([(0, 2), (1, 3)], [(0, 3)]),
        ([(0, 5), (1, 3)], [(0, 5)]),
        ([(0, 1), (1 + ROUNDING_SEC, 2)], [(0, 2)]),
        ([(0, 1), (1.1, 2)], [(0, 1), (1.1, 2)]),
    ],
)
def test_ranges_that_touch_are_one(ranges: list[tuple[float, float]], expected: list[tuple[float, float]]) -> None:
    assert joined(ranges) == expected


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([(0, 30)], []),
        ([(0, 10), (10.04, 30)], []),
        ([(0, 10), (12, 30)], [Gap("a", missing=False, seconds=2)]),
        ([(1, 30)], [Gap("a", missing=False, seconds=1)]),
        ([(0.05, 30)], []),
        ([(0, 2), (4, 5), (8, 30)], [Gap("a", missing=False, seconds=3)]),
        ([(0, 10), (11, 20)], [Gap("a", missing=False, seconds=10)]),
        ([(40, 50)], [Gap("a", missing=False, seconds=30)]),
        ([], [Gap("a", missing=True, seconds=30)]),
    ],
)
def test_the_longest_part_that_is_not_covered_counts(after: list[tuple[float, float]], expected: list[Gap]) -> None:
    before = covering(segment("a", 0, 10), segment("a", 10, 30))

    assert gaps(before, covering(*(segment("a", *it) for it in after)), ROUNDING_SEC) == expected


def test_another_model_may_leave_out_a_segment() -> None:
    before = covering(segment("a", 0, 30), segment("b", 0, 30))
    after = covering(segment("a", 0, 20), segment("b", 0, 19), segment("c", 0, 9))

    assert gaps(before, after, SEGMENT_SEC) == [Gap("b", missing=False, seconds=11)]
    assert gaps(after, before, 0.0) == [Gap("c", missing=True, seconds=9)]
    assert [it.asset for it in gaps(before, Coverage(), 0.0)] == ["a", "b"]


def test_a_gap_may_be_as_long_as_the_tolerance() -> None:
    before, after = covering(segment("a", 0, 30), segment("b", 2, 30)), covering(segment("a", ROUNDING_SEC, 30))

    assert gaps(before, after, 0.0) == [Gap("b", missing=True, seconds=28)]


def test_many_segments_are_kept_as_few_ranges() -> None:
    found = covering(*(segment("a", second, second + 1) for second in range(1000)))

    assert found.points == 1000
    assert len(covering(*(segment("a", second, second + 1) for second in range(63))).ranges["a"]) == 63, "not yet"
    assert len(found.ranges["a"]) < 64
    assert joined(found.ranges["a"]) == [(0, 1000)]
    assert found.found_in == {"a": ("index", "i")}


def test_the_first_asset_of_a_video_stands_for_it() -> None:
    assert covering(segment("a", 0, 1, "x"), segment("a", 1, 2, "y")).found_in == {"a": ("index", "x")}


def test_neighbours_of_one_model_are_the_same_segments() -> None:
    before = [Place("a", 0, 5), Place("a", 5, 9), Place("b", 0, 5), Place("c", 0, 5)]

    assert overlap(before, before, same_model=True) == 1.0
    assert overlap(before, [Place("a", 0.01, 5.01), Place("a", 5, 8), Place("b", 1, 5)], same_model=True) == 0.25
    assert overlap(before, [], same_model=True) == 0.0
    first = Place("a", 0, 0)
    for other in (Place("a", ROUNDING_SEC, 0), Place("a", 0, ROUNDING_SEC)):
        assert overlap([first], [other], same_model=True) == 0.0
    assert overlap([], before, same_model=True) is None


def test_neighbours_of_two_models_have_a_part_in_common() -> None:
    before = [Place("a", 0, 5), Place("a", 5, 9)]

    assert overlap(before, [Place("a", 4, 6)], same_model=False) == 1.0
    assert overlap(before, [Place("a", 9, 12), Place("b", 0, 5)], same_model=False) == 0.0
    assert overlap(before, [Place("a", 0, 5)], same_model=False) == 0.5
