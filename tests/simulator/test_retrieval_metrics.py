"""recall@k and nDCG@k against values that were computed by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.simulator.golden import ndcg_at, recall_at

GRADES = {"a": 2, "b": 2, "c": 1}


@pytest.mark.parametrize(
    ("k", "ranking", "expected"),
    [
        (5, ["a", "x", "b"], 1.0),
        (2, ["a", "x", "b"], 0.5),
        (1, ["a"], 1.0),  # one of one that fits
        (1, ["c"], 0.0),  # related is not relevant
        (5, ["a", "a", "a"], 0.5),
        (5, [], 0.0),
    ],
)
def test_recall(k: int, ranking: list[str], expected: float) -> None:
    assert recall_at(k, ranking, GRADES) == expected


@pytest.mark.parametrize(
    ("k", "ranking", "gain"),
    [
        (3, ["a", "b", "c"], 3 + 3 / math.log2(3) + 1 / 2),
        (3, ["c", "x", "b"], 1 + 3 / 2),
        (2, ["x", "a"], 3 / math.log2(3)),
        (3, ["a", "a", "b"], 3 + 3 / 2),
        (3, ["x", "y", "z", "a"], 0.0),
    ],
)
def test_ndcg(k: int, ranking: list[str], gain: float) -> None:
    """The best gain of three is 3 + 3 / log2(3) + 1 / log2(4), that of two is 3 + 3 / log2(3)."""
    best = 3 + 3 / math.log2(3) + (1 / 2 if k == 3 else 0)

    assert ndcg_at(k, ranking, GRADES) == pytest.approx(gain / best)


def test_a_value_from_a_textbook() -> None:
    """Grades 3, 2, 3, 0, 1, 2 with gains 2^g - 1: 13.848 of at most 14.595."""
    grades = dict(zip("abcdef", (3, 2, 3, 0, 1, 2), strict=True))

    assert ndcg_at(6, "abcdef", grades) == pytest.approx(0.9488, abs=1e-4)


def test_without_anything_relevant_there_is_no_value() -> None:
    with pytest.raises(ValueError, match="recall is not defined"):
        recall_at(5, ["c"], {"c": 1})
    with pytest.raises(ValueError, match="nDCG is not defined"):
        ndcg_at(5, ["c"], {})


@given(
    k=st.integers(1, 6),
    ranking=st.lists(st.sampled_from("abcdxyz"), max_size=8),
    grades=st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3), min_size=1),
)
def test_both_are_shares(k: int, ranking: list[str], grades: dict[str, int]) -> None:
    """1 for the ideal ranking."""
    ideal = sorted(grades, key=lambda it: -grades[it])
    if any(grades.values()):
        assert 0 <= ndcg_at(k, ranking, grades) <= 1 + 1e-12
        assert ndcg_at(k, ideal, grades) == pytest.approx(1)
    if any(grade >= 2 for grade in grades.values()):
        assert 0 <= recall_at(k, ranking, grades) <= 1
        assert recall_at(k, ideal, grades) == 1
