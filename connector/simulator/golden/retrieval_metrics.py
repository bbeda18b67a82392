"""How good a ranking is: recall@k and nDCG@k with graded relevance. Pure functions."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

RELEVANT = 2
"""The lowest grade that counts as found; 1 is related only."""

Key = TypeVar("Key", bound=Hashable)


def recall_at(k: int, ranking: Sequence[Key], grades: Mapping[Key, int]) -> float:
    """The share of the relevant results that are among the first k; k of them are enough if there are more.

    Raises ValueError if nothing is relevant.
    """
    relevant = {key for key, grade in grades.items() if grade >= RELEVANT}
    if not relevant:
        raise ValueError("recall is not defined for a query without relevant results")
    return len(relevant & set(ranking[:k])) / min(k, len(relevant))


def ndcg_at(k: int, ranking: Sequence[Key], grades: Mapping[Key, int]) -> float:
    """Discounted gain of the first k, divided by that of the best ranking; a grade g gains 2^g - 1.

    A result that is ranked twice counts once, at its first rank. Raises ValueError if no grade is above 0.
    """
    best = _gain(k, sorted(grades.values(), reverse=True))
    if best == 0:
        raise ValueError("nDCG is not defined for a query without relevant results")
    seen: set[Key] = set()
    gained: list[int] = []
    for key in ranking[:k]:
        gained.append(0 if key in seen else grades.get(key, 0))
        seen.add(key)
    return _gain(k, gained) / best


def _gain(k: int, grades: Sequence[int]) -> float:
    return sum((2.0**grade - 1) / math.log2(rank + 1) for rank, grade in enumerate(grades[:k], 1))
