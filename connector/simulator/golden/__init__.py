"""The golden set: videos, queries and what each query should find, to measure how good a search is."""

from connector.simulator.golden.golden_set import GoldenSet, golden_set
from connector.simulator.golden.judging import GoldenQuery, Judgement, QueryKind
from connector.simulator.golden.retrieval_metrics import ndcg_at, recall_at

__all__ = [
    "GoldenQuery",
    "GoldenSet",
    "Judgement",
    "QueryKind",
    "golden_set",
    "ndcg_at",
    "recall_at",
]
