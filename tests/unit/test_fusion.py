"""Weighted reciprocal rank fusion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.fusion import RRF_K, fuse

IDS = st.lists(st.sampled_from("abcdefgh"), unique=True)
RANKED = st.dictionaries(st.sampled_from(["visual", "audio", "transcription"]), IDS)
WEIGHTS = st.dictionaries(st.sampled_from(["visual", "audio", "transcription"]), st.floats(0, 100))


def test_scores_are_sums_of_reciprocal_ranks() -> None:
    ranked = {"visual": ["a", "b"], "audio": ["b", "c", "a"]}

    assert dict(fuse(ranked, {})) == pytest.approx({"a": 1 / 2 + 1 / 4, "b": 1 / 3 + 1 / 2, "c": 1 / 3})
    assert [found for found, _ in fuse(ranked, {})] == ["b", "a", "c"]


def test_a_weight_multiplies_what_its_list_adds() -> None:
    ranked = {"visual": ["a", "b"], "audio": ["b", "a"]}

    assert dict(fuse(ranked, {"visual": 3.0})) == pytest.approx({"a": 3 / 2 + 1 / 3, "b": 3 / 3 + 1 / 2})
    assert fuse(ranked, {"audio": 0.0}) == [("a", 1 / 2), ("b", 1 / 3)]


def test_a_share_multiplies_the_weight_of_one_id_in_one_list() -> None:
    ranked = {"visual": ["a", "b"], "words": ["b", "a", "c"]}
    shares = {"words": {"b": 0.5, "a": 0.25}}

    found = dict(fuse(ranked, {"words": 2.0}, shares))

    assert found == pytest.approx({"a": 1 / 2 + 2 * 0.25 / 3, "b": 1 / 3 + 2 * 0.5 / 2, "c": 2 / 4})


def test_equal_scores_are_in_the_order_of_ids() -> None:
    assert fuse({"visual": ["b"], "audio": ["a"]}, {}) == [("a", 0.5), ("b", 0.5)]
    assert fuse({"visual": ["a"], "audio": ["b"]}, {}) == [("a", 0.5), ("b", 0.5)]


def test_nothing_gives_nothing() -> None:
    assert fuse({}, {"visual": 1.0}) == []
    assert fuse({"visual": []}, {}) == []


@given(RANKED, WEIGHTS)
def test_every_id_comes_once_best_first_whatever_the_order_of_the_lists(
    ranked: dict[str, list[str]], weights: dict[str, float]
) -> None:
    found = fuse(ranked, weights)

    assert sorted(it for it, _ in found) == sorted({it for ids in ranked.values() for it in ids})
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    assert found == fuse(dict(reversed(ranked.items())), weights)
    assert all(0 <= score <= sum(weights.get(name, 1.0) for name in ranked) / RRF_K + 1e-9 for _, score in found)
