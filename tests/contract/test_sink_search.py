"""The Sink contract for searching; every implementation passes it."""

import numpy as np
import pytest

from connector.domain.arrays import Float32
from tests.comparing import differences
from tests.contract.asset_points import DIMENSION, INDEX, OPTIONS, OTHER_INDEX, asset_points
from tests.contract.sinks import Bench

QUERY = np.ones(DIMENSION, np.float32)


async def test_search_ranks_what_matches_in_all_vectors_first(ready: Bench, collection: str) -> None:
    """A segment close to the query in every option ranks above those close in one."""
    points = asset_points(segments=30, words=["goal"])
    for named in points.vectors.values():
        named.matrix[0] = QUERY
    await ready.sink.replace(points, collection, ())
    await ready.sink.replace(asset_points(index=OTHER_INDEX), collection, ())

    hits = await ready.sink.search(collection, QUERY, ["index-1"], 5)

    assert len(hits) == 5
    best = hits[0]
    assert differences(best, index_id="index-1", indexed_asset_id="asset-1", filename="match.mp4") == {}
    assert differences(best, start_offset_sec=0.0, end_offset_sec=6.0, transcript="goal") == {}
    assert (best.index_name, best.embedding_options) == ("First index", OPTIONS)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


async def test_search_is_limited_to_the_given_indexes(ready: Bench, collection: str) -> None:
    for index in (INDEX, OTHER_INDEX):
        await ready.sink.replace(asset_points(index=index), collection, ())

    for wanted in (["index-1"], ["index-2"], ["index-1", "index-2"]):
        assert {hit.index_id for hit in await ready.sink.search(collection, QUERY, wanted, 50)} == set(wanted)
    assert len(await ready.sink.search(collection, QUERY, [], 50)) == 6


async def test_each_hit_has_the_similarities_behind_its_score(ready: Bench, collection: str) -> None:
    points = asset_points(segments=12)
    await ready.sink.replace(points, collection, ())

    hits = await ready.sink.search(collection, QUERY, ["index-1"], 12)

    assert len(hits) == 12
    for hit in hits:
        row = round(hit.start_offset_sec / 6)
        expected = {name: cosine(named.matrix[row]) for name, named in points.vectors.items()}
        assert hit.similarities == pytest.approx(expected, abs=1e-5)


async def test_only_segments_that_are_near_enough_are_found(ready: Bench, collection: str) -> None:
    """Each named vector has its own limit, and those without one are not searched."""
    points = asset_points(segments=30)
    points.vectors["visual"].matrix[3] = QUERY
    points.vectors["audio"].matrix[7] = QUERY
    await ready.sink.replace(points, collection, ())

    near = await ready.sink.search(collection, QUERY, ["index-1"], 20, {"visual": 0.99, "audio": 0.99})
    seen = await ready.sink.search(collection, QUERY, ["index-1"], 20, {"visual": 0.99})

    assert {hit.start_offset_sec: list(hit.similarities) for hit in near} == {18.0: ["visual"], 42.0: ["audio"]}
    assert [hit.start_offset_sec for hit in seen] == [18.0]
    assert await ready.sink.search(collection, QUERY, ["index-1"], 20, {}) == []


async def test_similarities_are_those_of_the_index(ready: Bench, collection: str) -> None:
    """The best one may be outside of the sample; named vectors that no segment has are omitted."""
    points = asset_points(segments=250, options=("visual", "audio"))
    points.vectors["audio"].matrix[249] = QUERY
    other = asset_points(index=OTHER_INDEX)
    other.vectors["audio"].matrix[0] = -QUERY
    for one in (points, other):
        await ready.sink.replace(one, collection, ())

    found = await ready.sink.similarities(collection, QUERY, ["index-1"])

    assert found.keys() == {"visual", "audio"}
    assert found["audio"].best == pytest.approx(1.0)
    assert found["visual"].best == pytest.approx(max(map(cosine, points.vectors["visual"].matrix)), abs=1e-5)
    every = [cosine(row) for row in points.vectors["visual"].matrix]
    assert len(found["visual"].sample) == 100
    assert all(np.isclose(every, similarity, atol=1e-5).any() for similarity in found["visual"].sample)
    again = await ready.sink.similarities(collection, QUERY, ["index-1"])
    assert again["visual"].sample == pytest.approx(found["visual"].sample, abs=1e-5)
    assert len((await ready.sink.similarities(collection, QUERY, ["index-2"]))["audio"].sample) == 3


async def test_an_empty_collection_has_no_similarities(ready: Bench, collection: str) -> None:
    assert await ready.sink.similarities(collection, QUERY, []) == {}


def cosine(row: Float32) -> float:
    return float(row @ QUERY / (np.linalg.norm(row) * np.linalg.norm(QUERY)))
