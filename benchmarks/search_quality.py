"""How good and how fast searches were: recall, nDCG and times of the asked queries. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from benchmarks.tables import number, table
from connector.simulator.golden import GoldenQuery, QueryKind, ndcg_at, recall_at

K = 10
KINDS: tuple[QueryKind, ...] = ("exact", "paraphrased", "seen", "heard")

Key = tuple[str, int, int]
"""Indexed asset, start and end in milliseconds."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The ranking of one query in one way; `seconds` of each round, without the embedding of the text."""

    query: GoldenQuery
    ranking: list[Key]
    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Quality:
    """Means over the queries; `empty` is the share of negative queries that found nothing. Times: median of rounds."""

    recall: Mapping[str, float]
    ndcg: float
    empty: float
    p50_ms: float
    p95_ms: float


def segment_key(asset_id: str, start: float, end: float) -> Key:
    return asset_id, round(start * 1000), round(end * 1000)


def quality(asked: Sequence[Asked]) -> Quality:
    """Raises ValueError if a kind of query is missing."""
    recalls: dict[str, list[float]] = {kind: [] for kind in KINDS}
    gains, empty = list[float](), list[float]()
    for one in asked:
        if one.query.kind == "negative":
            empty.append(not one.ranking)
            continue
        grades = {segment_key(it.indexed_asset_id, it.start_sec, it.end_sec): it.grade for it in one.query.judgements}
        recalls[one.query.kind].append(recall_at(K, one.ranking, grades))
        gains.append(ndcg_at(K, one.ranking, grades))
    rounds = [sorted(1000 * took for took in times) for times in zip(*(one.seconds for one in asked), strict=True)]
    everything = [value for values in recalls.values() for value in values]
    return Quality(
        recall={**{kind: mean(values) for kind, values in recalls.items()}, "all": mean(everything)},
        ndcg=mean(gains),
        empty=mean(empty),
        p50_ms=median(times[len(times) // 2] for times in rounds),
        p95_ms=median(times[len(times) * 95 // 100] for times in rounds),
    )


def show(result: Mapping[str, Any]) -> str:
    rows = [
        [
            way,
            *(number(found["recall"][kind]) for kind in (*KINDS, "all")),
            number(found["ndcg"]),
            number(found["empty"]),
            number(found["p50_ms"]),
            number(found["p95_ms"]),
        ]
        for way, found in result["ways"].items()
    ]
    columns = (
        "",
        *(f"recall@{K} {kind}" for kind in (*KINDS, "all")),
        f"nDCG@{K}",
        "nothing found",
        "p50 ms",
        "p95 ms",
    )
    head = (
        f"{result['segments']:,} segments, {result['queries']} queries in {result['rounds']} rounds; times are without"
        f" the embedding of the text. Load average while they were asked: {result['load_while_asked']}.\n"
    )
    return head + "\n" + table(columns, rows)
