"""The options of `connector search` as text."""

from typing import Any

import pytest

from connector.cli.typed_search import filters_of, segment_of
from connector.domain.errors import ConfigError


@pytest.mark.parametrize(
    ("pairs", "filters"),
    [
        (["category=sports"], {"category": "sports"}),
        (["category=sports", "category=music"], {"category": ["sports", "music"]}),
        (["season=2026", "licensed=true"], {"season": 2026, "licensed": True}),
        (['season="2026"'], {"season": "2026"}),
        (["batch>=3", "batch<5"], {"batch": {"gte": 3, "lt": 5}}),
        (["batch>3", "batch<=5.5"], {"batch": {"gt": 3, "lte": 5.5}}),
        (["title=a=b"], {"title": "a=b"}),
        (["title="], {"title": ""}),
        (["title=null"], {"title": "null"}),
        (["title=[1]"], {"title": "[1]"}),
        ([], {}),
    ],
)
def test_pairs_become_filters(pairs: list[str], filters: dict[str, Any]) -> None:
    assert filters_of(pairs, None, None) == filters


def test_dates_are_filters_too() -> None:
    assert filters_of(["a=b"], "2026-01-01", None) == {"a": "b", "after": "2026-01-01"}
    assert filters_of([], None, "2026-01-01") == {"before": "2026-01-01"}


@pytest.mark.parametrize("pairs", [["category"], ["=sports"], [""], ["a>1", "a=2"], ["a=1", "a<2"]])
def test_what_is_no_pair_is_refused(pairs: list[str]) -> None:
    with pytest.raises(ConfigError, match="--filter"):
        filters_of(pairs, None, None)


def test_a_segment_has_index_asset_and_second() -> None:
    found = segment_of("index/asset/with@signs@12.5")

    assert (found.index_id, found.indexed_asset_id, found.second) == ("index", "asset/with@signs", 12.5)


@pytest.mark.parametrize(
    "text", ["", "index", "index/asset", "index@3", "index/asset@", "index/asset@x", "/a@1", "i/a@nan"]
)
def test_what_is_no_segment_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        segment_of(text)
