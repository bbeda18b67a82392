"""The options of a search, and what is wrong with them."""

import math
from typing import Any

import pytest

from connector.domain.errors import ConfigError
from connector.search.moment_request import CANDIDATES, checked, query_text


def test_the_defaults_search_everything() -> None:
    request = checked("goal")

    assert (request.text, request.limit, request.indexes, request.options) == ("goal", 10, None, None)
    assert (request.conditions, request.merge_gap_sec, request.depth) == ((), None, 10)
    assert {request.group_by_asset, request.across_models, request.near_only} == {False}
    assert request.weights == {}


def test_more_segments_are_read_if_several_may_become_one() -> None:
    assert checked(limit=5, group_by_asset=True).depth == CANDIDATES
    assert checked(limit=5, merge_gap_sec=0).depth == CANDIDATES
    assert checked(limit=5, rerank=lambda _, found: [1.0] * len(found)).depth == CANDIDATES
    assert checked(limit=50, group_by_asset=True).depth == 500
    assert checked(limit=1000, group_by_asset=True).depth == 1000


def test_names_come_once() -> None:
    assert checked(indexes=["b", "a", "b"], options=("visual",)).indexes == ("b", "a")


@pytest.mark.parametrize(
    ("given", "subject"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"limit": -1}, "limit"),
        ({"limit": 2.0}, "limit"),
        ({"limit": True}, "limit"),
        ({"limit": None}, "limit"),
        ({"merge_gap_sec": -1}, "merge_gap_sec"),
        ({"merge_gap_sec": math.nan}, "merge_gap_sec"),
        ({"merge_gap_sec": "2"}, "merge_gap_sec"),
        ({"rerank": "best"}, "rerank"),
        ({"indexes": "66aa"}, "indexes"),
        ({"indexes": []}, "indexes"),
        ({"indexes": [3]}, "indexes"),
        ({"indexes": [""]}, "indexes"),
        ({"options": "visual"}, "options"),
        ({"options": ["\ud800"]}, "options"),
        ({"weights": ["visual"]}, "weights"),
        ({"weights": {3: 1}}, "weights"),
        ({"weights": {"visual": math.nan}}, "weight of visual"),
        ({"weights": {"visual": -1}}, "weight of visual"),
        ({"weights": {"visual": math.inf}}, "weight of visual"),
        ({"weights": {"visual": 1e7}}, "weight of visual"),
        ({"weights": {"visual": True}}, "weight of visual"),
        ({"weights": {"visual": "2"}}, "weight of visual"),
        ({"time_range": (9, 3)}, "time_range"),
        ({"filters": {"filename": 3}}, "filter filename"),
    ],
)
def test_a_mistake_is_named(given: dict[str, Any], subject: str) -> None:
    with pytest.raises(ConfigError) as raised:
        checked(**given)

    assert (raised.value.operation, raised.value.subject) == ("search", subject)


def test_an_unknown_option_is_an_error_of_the_program() -> None:
    wrong: Any = {"limits": 3}

    with pytest.raises(TypeError, match="'limits'"):
        checked(**wrong)


@pytest.mark.parametrize("text", ["", " \n", None, 3, b"goal", "\ud800"])
def test_a_text_without_words_is_refused(text: Any) -> None:
    with pytest.raises(ConfigError, match=r"^search text"):
        query_text(text)


def test_white_space_around_a_text_does_not_count() -> None:
    assert query_text("  goal celebration\n") == "goal celebration"
