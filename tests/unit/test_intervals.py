"""Neighbouring segments become intervals."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.search import Moment
from connector.search.intervals import merged
from tests.unit.moments import any_moments, moment

GAPS = st.integers(0, 8).map(lambda halves: halves / 2)


def places(moments: list[Moment]) -> list[tuple[float, float]]:
    return [(it.start_sec, it.end_sec) for it in moments]


def segments_of(found: Moment) -> tuple[Moment, ...]:
    return found.parts or (found,)


def test_what_touches_overlaps_or_is_near_is_joined() -> None:
    segments = [moment(0, 5), moment(5, 10), moment(9, 12), moment(14, 16), moment(20, 25)]

    assert places(merged(segments, 0)) == [(0, 12), (14, 16), (20, 25)]
    assert places(merged(segments, 2)) == [(0, 16), (20, 25)]
    assert places(merged(segments, 1.999)) == [(0, 12), (14, 16), (20, 25)]


def test_a_gap_of_exactly_that_length_counts() -> None:
    """In floats, 0.3 - 0.1 is more than 0.2."""
    assert places(merged([moment(0, 0.1), moment(0.3, 0.4)], 0.2)) == [(0, 0.4)]


def test_an_interval_has_the_best_of_its_segments() -> None:
    low = moment(0, 5, score=1, transcript="one", scores={"visual": 0.9}, options=("visual",))
    high = moment(5, 9, score=2, transcript="two", scores={"visual": 0.1, "audio": 0.4}, options=("visual", "audio"))
    again = moment(9, 12, score=0.5, transcript="two", scores={})

    (found,) = merged([high, again, low], 0)

    assert (found.score, found.point_id, found.transcript) == (2, high.point_id, "one two")
    assert found.scores == {"visual": 0.9, "audio": 0.4}
    assert found.options == ("visual", "audio")
    assert found.parts == (low, high, again)


def test_other_assets_and_indexes_stay_apart() -> None:
    segments = [moment(0, 5, "a"), moment(0, 5, "b"), moment(5, 9, "a", index_id="index-2")]

    assert len(merged(segments, 10)) == 3


def test_segments_that_are_not_joined_stay_where_no_interval_covers_them() -> None:
    near, far, inside = moment(0, 5, score=3), moment(9, 12, score=1), moment(4, 8, score=2)

    found = merged([near, far, inside], 10, lambda it: it is near)

    assert found == [near, far]


@given(any_moments(), GAPS)
def test_intervals_are_disjoint_and_cover_exactly_the_segments(segments: list[Moment], gap: float) -> None:
    found = merged(segments, gap)

    covered = [segment for interval in found for segment in segments_of(interval)]
    assert sorted(map(repr, covered)) == sorted(map(repr, segments))
    for interval in found:
        assert interval.start_sec == min(it.start_sec for it in segments_of(interval))
        assert interval.end_sec == max(it.end_sec for it in segments_of(interval))
    for one, other in combinations(found, 2):
        first, second = sorted((one, other), key=lambda it: it.start_sec)
        assert first.indexed_asset_id != second.indexed_asset_id or second.start_sec - first.end_sec > gap


@given(any_moments(), GAPS)
def test_the_best_score_comes_first_whatever_the_order_of_the_segments(segments: list[Moment], gap: float) -> None:
    found = merged(segments, gap)

    assert [it.score for it in found] == sorted((it.score for it in found), reverse=True)
    assert all(it.score == max(part.score for part in segments_of(it)) for it in found)
    assert found == merged(segments[::-1], gap)


def test_nothing_gives_nothing() -> None:
    assert merged([], 3) == []


@pytest.mark.parametrize("gap", [0, 1e9])
def test_one_segment_stays_as_it_is(gap: float) -> None:
    assert merged([moment()], gap) == [moment()]
