"""Searches within a scope: on a Qdrant server over gRPC and REST, and embedded."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from qdrant_client import models

from connector.domain.fusion import fuse
from connector.domain.search_scope import PointScope
from connector.qdrant.moment_reader import MomentReader
from connector.search.payload_filters import conditions_of, overlapping
from tests.contract.asset_points import DIMENSION, OPTIONS, OTHER_INDEX, asset_points, spec
from tests.contract.sinks import QdrantBench, Stored

QUERY = dict.fromkeys(OPTIONS, np.ones(DIMENSION, np.float32))
COPY = "99999999-2222-3333-4444-555555555555"
SPORTS = {
    "category": "sports",
    "season": 2026,
    "rating": 9.5,
    "licensed": True,
    "tags": ["cup", "final"],
    "camera": {"model": "A1"},
    "a.b": "dotted",
    "two words": "spaced",
    "shot_on": "2026-02-01T08:00:00Z",
}
NEWS = {"category": "news", "season": 2025, "rating": 3, "licensed": False, "tags": ["desk"]}


@pytest.fixture
async def bench(real_bench: QdrantBench, collection: str) -> QdrantBench:
    """Two assets in two indexes, of three and two segments."""
    sink = real_bench.sink
    await sink.ensure(spec(collection), {"category": "keyword"})
    sports = asset_points("sports-1", 3, metadata=SPORTS, filename="cup.mp4", words=["goal", "net nil", "whistle"])
    await sink.replace(sports, collection, ())
    await sink.replace(asset_points("news-1", 2, index=OTHER_INDEX, metadata=NEWS, filename="news.mp4"), collection, ())
    return real_bench


async def found(reader: MomentReader, collection: str, scope: PointScope) -> list[tuple[str, float]]:
    points = await reader.find(collection, QUERY, scope, 10)
    return sorted((it.payload["indexed_asset_id"], it.payload["start_offset_sec"]) for it in points)


EVERY_SPORTS = [("sports-1", 0.0), ("sports-1", 6.0), ("sports-1", 12.0)]
EVERY_NEWS = [("news-1", 0.0), ("news-1", 6.0)]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"category": "sports"}, EVERY_SPORTS),
        ({"category": ["sports", "news"]}, EVERY_NEWS + EVERY_SPORTS),
        ({"category": "music"}, []),
        ({"season": 2026}, EVERY_SPORTS),
        ({"season": 2026.0}, EVERY_SPORTS),
        ({"season": [2024, 2025]}, EVERY_NEWS),
        ({"rating": 3.0}, EVERY_NEWS),
        ({"rating": {"gt": 3, "lte": 9.5}}, EVERY_SPORTS),
        ({"rating": {"gte": 3, "lt": 9.5}}, EVERY_NEWS),
        ({"licensed": True}, EVERY_SPORTS),
        ({"licensed": [False, True]}, EVERY_NEWS + EVERY_SPORTS),
        ({"tags": "final"}, EVERY_SPORTS),
        ({("camera", "model"): "A1"}, EVERY_SPORTS),
        ({"a.b": "dotted"}, EVERY_SPORTS),
        ({"two words": "spaced"}, EVERY_SPORTS),
        ({"shot_on": {"gte": "2026-01-01", "lt": "2026-03-01"}}, EVERY_SPORTS),
        ({"shot_on": {"gte": "2026-03-01"}}, []),
        ({"filename": "news.mp4"}, EVERY_NEWS),
        ({"transcript": "nil net"}, [("sports-1", 6.0)]),
        ({"segment": 1}, [("news-1", 6.0), ("sports-1", 6.0)]),
        ({"after": "2026-01-14"}, EVERY_NEWS + EVERY_SPORTS),
        ({"before": datetime(2026, 1, 14, 13, 34, 29, tzinfo=UTC)}, []),
        ({"created_at": "2026-01-14T13:34:29.5Z", "season": 2025}, EVERY_NEWS),
    ],
)
async def test_filters_select_by_payload(
    bench: QdrantBench, collection: str, filters: dict[Any, Any], expected: list[tuple[str, float]]
) -> None:
    scope = PointScope(conditions=conditions_of(filters))

    assert await found(bench.sink.moments, collection, scope) == expected


async def test_a_scope_has_indexes_a_time_range_and_what_is_left_out(bench: QdrantBench, collection: str) -> None:
    reader = bench.sink.moments
    (first, *_) = await reader.find(collection, QUERY, PointScope(("index-1",)), 1)

    assert await found(reader, collection, PointScope(("index-2",))) == EVERY_NEWS
    assert await found(reader, collection, PointScope(conditions=overlapping((5.0, 6.0)))) == [
        EVERY_NEWS[0],
        EVERY_SPORTS[0],
    ]
    without = await found(reader, collection, PointScope(("index-1",), without=(first.point_id,)))
    assert without == [it for it in EVERY_SPORTS if it[1] != first.payload["start_offset_sec"]]
    assert await found(reader, collection, PointScope(without_asset=("index-1", "sports-1"))) == EVERY_NEWS


@pytest.mark.parametrize("weights", [None, dict.fromkeys(OPTIONS, 1.0)])
async def test_equal_weights_give_the_scores_of_qdrant(
    bench: QdrantBench, collection: str, weights: dict[str, float] | None
) -> None:
    """Where the ranks of two points tie, the order may differ."""
    lists = [models.Prefetch(query=vector.tolist(), using=name, limit=100) for name, vector in QUERY.items()]
    rrf = models.FusionQuery(fusion=models.Fusion.RRF)
    answer = await bench.sink._session.once(
        "fuse", "", lambda on: on.client.query_points(collection_name=collection, prefetch=lists, query=rrf, limit=10)
    )
    theirs = {str(it.id): it.score for it in answer.points}

    ours = await bench.sink.moments.find(collection, QUERY, PointScope(), 10, weights=weights)

    assert {it.point_id: it.score for it in ours} == pytest.approx(theirs, abs=1e-5)
    assert len(ours) == 5
    assert [it.score for it in ours] == sorted((it.score for it in ours), reverse=True)


async def test_weights_follow_the_documented_formula(bench: QdrantBench, collection: str) -> None:
    reader, weights = bench.sink.moments, {"visual": 5.0, "audio": 0.5}
    lists = {name: await reader.find(collection, {name: QUERY[name]}, PointScope(), 10) for name in OPTIONS}

    weighted = await reader.find(collection, QUERY, PointScope(), 3, weights=weights)

    expected = fuse({name: [it.point_id for it in points] for name, points in lists.items()}, weights)[:3]
    assert [(it.point_id, it.score) for it in weighted] == expected
    assert all(set(it.similarities) == set(OPTIONS) for it in weighted)
    assert all(it.payload["user_metadata"] in (SPORTS, NEWS) for it in weighted)


async def test_each_option_is_searched_for_its_own_vector(bench: QdrantBench, collection: str) -> None:
    reader = bench.sink.moments
    ((point, vectors),) = await reader.at(collection, "index-1", "sports-1", 6.0)

    (best, *_) = await reader.find(collection, vectors, PointScope(), 1)

    assert best.point_id == point.point_id
    assert dict(best.similarities) == pytest.approx(dict.fromkeys(OPTIONS, 1.0), abs=1e-5)


async def test_a_position_belongs_to_the_segment_that_contains_it(bench: QdrantBench, collection: str) -> None:
    reader = bench.sink.moments

    for second, start in ((0.0, 0.0), (5.999, 0.0), (6.0, 6.0), (17.9, 12.0)):
        ((point, vectors),) = await reader.at(collection, "index-1", "sports-1", second)
        assert point.payload["start_offset_sec"] == start
        assert {name: len(it) for name, it in vectors.items()} == dict.fromkeys(OPTIONS, DIMENSION)
    assert await reader.at(collection, "index-1", "sports-1", 18.0) == []
    assert await reader.at(collection, "index-2", "sports-1", 0.0) == []
    assert await reader.at("no-collection", "index-1", "sports-1", 0.0) == []


async def test_points_of_other_programs_are_not_found(bench: QdrantBench, collection: str) -> None:
    points = await bench.stored(collection)
    theirs = {COPY: Stored({**next(iter(points.values())).payload, "user_metadata": {"theirs": 1}}, QUERY)}
    await bench.put(collection, theirs)
    reader = bench.sink.moments

    plain = await reader.find(collection, QUERY, PointScope(), 10)
    weighted = await reader.find(collection, QUERY, PointScope(), 10, weights={"visual": 2.0})

    assert {it.point_id for it in plain} == {it.point_id for it in weighted} == set(points)
    assert "theirs" not in await reader.metadata_keys(collection, ())
    assert not await reader.has_value(collection, (), ("user_metadata", "theirs"))


async def test_metadata_keys_are_those_of_the_indexes(bench: QdrantBench, collection: str) -> None:
    reader = bench.sink.moments

    assert await reader.metadata_keys(collection, ("index-2",)) == set(NEWS)
    assert await reader.metadata_keys(collection, ()) == set(NEWS) | set(SPORTS)
    assert await reader.has_value(collection, (), ("user_metadata", "camera", "model"))
    assert await reader.has_value(collection, ("index-1",), ("user_metadata", "two words"))
    assert not await reader.has_value(collection, ("index-2",), ("user_metadata", "camera"))
    assert not await reader.has_value(collection, (), ("user_metadata", "genre"))


async def test_the_options_are_our_named_vectors(bench: QdrantBench, collection: str) -> None:
    assert await bench.sink.moments.options(collection) == dict.fromkeys(OPTIONS, DIMENSION)
    assert await bench.sink.moments.options("no-collection") == {}
