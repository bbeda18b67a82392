"""Weighted reciprocal rank fusion of ranked lists. Pure; with all weights 1, scores equal those of Qdrant's RRF."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

RRF_K = 2
"""Qdrant's constant: the first of a list scores 1/2, the next 1/3, and so on."""


def fuse(
    ranked: Mapping[str, Sequence[str]],
    weights: Mapping[str, float],
    shares: Mapping[str, Mapping[str, float]] = MappingProxyType({}),
) -> list[tuple[str, float]]:
    """(id, score) of every id in the lists, best first; equal scores in the order of ids.

    `ranked` maps each list's name to its ids, best first. The score is the sum of weight / (RRF_K + rank) over the
    lists that have the id; ranks begin with 0. A list without a weight has weight 1. `shares` of a list multiply the
    weight of each of its ids.
    """
    scores: dict[str, float] = {}
    for name in sorted(ranked):
        weight, share = weights.get(name, 1.0), shares.get(name, {})
        for rank, found in enumerate(ranked[name]):
            scores[found] = scores.get(found, 0.0) + weight * share.get(found, 1.0) / (RRF_K + rank)
    return sorted(scores.items(), key=lambda it: (-it[1], it[0]))
