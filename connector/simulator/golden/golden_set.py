"""Builds the golden set from its seed: the scenario to serve, and the judged queries."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from connector.simulator.golden.golden_videos import SCENES, GoldenMoment, golden_assets, golden_moments
from connector.simulator.golden.judging import (
    GoldenQuery,
    Graded,
    Judgement,
    QueryKind,
    claim_query,
    exact_query,
    heard_query,
    negative_text,
    seen_query,
)
from connector.simulator.world.draws import generator
from connector.simulator.world.embedding import SegmentContent, moments
from connector.simulator.world.ids import IdCodec, IdKind
from connector.simulator.world.population import written_content
from connector.simulator.world.scenario import IndexSpec, Scenario

VIDEOS = 210
_FILLER_SECONDS = 60.0
_COUNTS: dict[QueryKind, int] = {"exact": 75, "paraphrased": 60, "seen": 50, "heard": 50, "negative": 40}

Draw = Callable[[GoldenMoment, int], tuple[str, Graded] | None]


@dataclass(frozen=True, slots=True)
class GoldenSet:
    """`segments` is the number of judged time ranges; filler comes on top."""

    scenario: Scenario
    queries: tuple[GoldenQuery, ...]
    index_id: str
    segments: int


def golden_set(
    seed: int = 7,
    *,
    videos: int = VIDEOS,
    filler: int = 0,
    model: Literal["marengo3.0", "marengo2.7"] = "marengo3.0",
) -> GoldenSet:
    """One index of `videos` golden videos of ten scenes, and `filler` generated ones of ten scenes each.

    Queries have other words than the generated videos, so that none of them answers a query. Equal arguments give an
    equal set.
    """
    drawn = golden_moments(seed, videos)
    assets = golden_assets(drawn)
    spec = IndexSpec(
        name="golden", model=model, assets=assets, generate=filler, duration=(_FILLER_SECONDS, _FILLER_SECONDS)
    )
    scenario = Scenario(seed=seed, indexes=(spec,))
    codec = IdCodec(seed)
    times = [moments(seed, written_content(f"0/{nth}", asset, seed)) for nth, asset in enumerate(assets)]
    index_id = codec.encode(IdKind.INDEX, 0, 0)

    def judgement(moment: GoldenMoment, grade: int) -> Judgement:
        span: SegmentContent = times[moment.video][moment.scene]
        asset_id = codec.encode(IdKind.INDEXED_ASSET, 0, moment.video)
        return Judgement(index_id, asset_id, span.start, span.end, grade)

    queries = tuple(
        GoldenQuery(kind, text, tuple(judgement(moment, grade) for moment, grade in graded))
        for kind, text, graded in _queries(seed, drawn)
    )
    return GoldenSet(scenario, queries, index_id, videos * SCENES)


def _queries(seed: int, drawn: list[GoldenMoment]) -> Iterator[tuple[QueryKind, str, Graded]]:
    """No text twice."""
    random = generator("golden queries", seed)
    draws: dict[QueryKind, Draw] = {
        "exact": lambda it, nth: exact_query(it.entry, nth % 3, drawn) if it.entry else None,
        "paraphrased": lambda it, _: claim_query(it.claimed, drawn) if it.claimed else None,
        "seen": lambda it, nth: seen_query(it.seen, drawn, reworded=nth % 2 == 1),
        "heard": lambda it, nth: heard_query(it.heard, drawn, reworded=nth % 2 == 1),
    }
    for kind, draw in draws.items():
        yield from _drawn(random, kind, draw, drawn)
    texts: dict[str, None] = {}
    while len(texts) < _COUNTS["negative"]:
        texts[negative_text(random)] = None
    for text in texts:
        yield "negative", text, []


def _drawn(
    random: np.random.Generator, kind: QueryKind, draw: Draw, drawn: list[GoldenMoment]
) -> Iterator[tuple[QueryKind, str, Graded]]:
    texts: set[str] = set()
    for place in random.permutation(len(drawn)).tolist():
        found = draw(drawn[place], len(texts))
        if found is not None and found[0] not in texts:
            texts.add(found[0])
            yield kind, *found
        if len(texts) == _COUNTS[kind]:
            return
