"""Grouping by asset, reranking, and one list for all models."""

import math
from typing import Any

import pytest
from hypothesis import given

from connector.domain.errors import ConfigError, SinkMismatch
from connector.search import Moment, Moments
from connector.search.rankings import across, grouped, reranked
from tests.unit.moments import any_moments, moment


def test_the_best_moment_of_each_asset_has_the_others_inside() -> None:
    first, second, third = moment(asset="a", score=3), moment(asset="b", score=2), moment(9, 12, "a", 1)

    found = grouped([first, second, third])

    assert [it.point_id for it in found] == [first.point_id, second.point_id]
    assert [it.others for it in found] == [(third,), ()]


@given(any_moments())
def test_groups_hold_every_moment_once(moments: list[Moment]) -> None:
    found = grouped(moments)

    held = [it for best in found for it in (best.point_id, *(other.point_id for other in best.others))]
    assert sorted(held) == sorted(it.point_id for it in moments)
    assert len(found) == len({it.indexed_asset_id for it in moments})


def test_the_reranker_decides_the_order() -> None:
    found = reranked([moment(0, 1), moment(1, 2), moment(2, 3)], [0.1, 7, -3])

    assert [(it.start_sec, it.score) for it in found] == [(1, 7.0), (0, 0.1), (2, -3.0)]


@pytest.mark.parametrize("scores", [[1], [1, 2, 3], [1, math.nan], [1, math.inf], [1, "high"], None, 3])
def test_scores_that_do_not_fit_are_refused(scores: Any) -> None:
    with pytest.raises(ConfigError, match="Return one number for each moment"):
        reranked([moment(0, 1), moment(1, 2)], scores)


def test_models_are_joined_by_rank_never_by_score() -> None:
    newer = Moments("marengo3.0", "c3", (moment(0, 1, score=0.9), moment(1, 2, score=0.8)), near=True)
    older = Moments("marengo2.7", "c2", (moment(5, 6, score=99), moment(6, 7, score=98), moment(7, 8, score=97)))

    found = across([newer, older], 4)

    assert [it.start_sec for it in found] == [0, 5, 1, 6]
    assert (found.model, found.collection, found.near) == ("", "", True)


def test_a_segment_of_two_collections_of_one_model_comes_once() -> None:
    """As while both collections of a reindex are there."""
    before = Moments("marengo3.0", "old", (moment(0, 1), moment(1, 2), moment(2, 3)))
    after = Moments("marengo3.0", "new", (moment(1, 2), moment(0, 1), moment(3, 4)))

    assert [it.start_sec for it in across([before, after], 9)] == [0, 1, 2, 3]
    assert [it.start_sec for it in across([before, after], 2)] == [0, 1]


def test_merged_moments_of_two_collections_share_no_segment() -> None:
    first, second, third, last = (moment(it, it + 1) for it in range(4))
    before = Moments("marengo3.0", "old", (moment(0, 2, parts=(first, second)), moment(2, 4, parts=(third, last))))
    after = Moments("marengo3.0", "new", (moment(1, 3, parts=(second, third)), last))

    assert [(it.start_sec, it.end_sec) for it in across([before, after], 9)] == [(0, 2), (2, 4)]


def test_a_video_of_two_collections_of_one_model_comes_once_if_grouped() -> None:
    before = Moments("marengo3.0", "old", (moment(0, 1), moment(0, 1, "asset-2")))
    after = Moments("marengo3.0", "new", (moment(5, 6, "asset-2"), moment(7, 8)))
    older = Moments("marengo2.7", "older", (moment(7, 8, model="marengo2.7", point_id="older"),))

    found = across([before, after, older], 9, by_asset=True)

    assert [(it.model, it.indexed_asset_id) for it in found] == [
        ("marengo3.0", "asset-1"),
        ("marengo3.0", "asset-2"),
        ("marengo2.7", "asset-1"),
    ]


def test_the_error_of_one_model_stays_visible() -> None:
    error = SinkMismatch("search", "c2", "gone")

    found = across([Moments("marengo3.0", "c3", (moment(),), near=False), Moments("marengo2.7", "c2", error=error)], 9)

    assert (len(found), found.error, found.near) == (1, error, False)
    assert across([Moments("m", "c", error=error)], 9).near is None
    assert across([Moments("m", "c"), Moments("n", "d", near=False)], 9).near is None
