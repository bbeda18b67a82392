"""Samples of similarities are the first segments of a scope, and remembered without mixing up what is searched."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from connector.domain.arrays import Float32
from connector.domain.errors import SinkMismatch
from connector.domain.search_scope import AnyOf, PointScope
from connector.qdrant.segment_samples import REMEMBERED_SEC, SAMPLE, SegmentSamples
from tests.contract.asset_points import DIMENSION, OTHER_INDEX, asset_points, spec
from tests.contract.sinks import QdrantBench

QUERY = np.ones(DIMENSION, np.float32)
EVERYTHING = PointScope()
LARGE = SAMPLE + 20


@dataclass
class Clock:
    now: float = 1000.0


@dataclass(frozen=True)
class Place:
    """Samples of one collection of LARGE segments, under a clock of their own."""

    bench: QdrantBench
    collection: str
    clock: Clock
    samples: SegmentSamples

    async def sample(self, scope: PointScope = EVERYTHING, instance_id: str | None = "one") -> tuple[float, ...]:
        found = await self.samples.cosines(self.collection, instance_id, {"visual": QUERY}, scope)
        return found["visual"]

    async def expected(self, scope: PointScope = EVERYTHING) -> list[float]:
        """By what is stored now."""
        stored = await self.bench.stored(self.collection)
        within = [
            it.vectors["visual"]
            for point_id, it in sorted(stored.items())
            if point_id not in scope.without
            and (it.payload["index_id"], it.payload["indexed_asset_id"]) != scope.without_asset
            and scope.index_ids in ((), (it.payload["index_id"],))
        ]
        return [cosine(row) for row in within[:SAMPLE]]

    async def put(self, asset: str, segments: int, seed: int = 0) -> None:
        await self.bench.sink.replace(asset_points(asset, segments, seed=seed), self.collection, ())


def cosine(row: Float32) -> float:
    return float(row @ QUERY / (np.linalg.norm(row) * np.linalg.norm(QUERY)))


@pytest.fixture
async def place(real_bench: QdrantBench, collection: str) -> Place:
    await real_bench.sink.ensure(spec(collection), {})
    clock = Clock()
    place = Place(real_bench, collection, clock, SegmentSamples(real_bench.sink._session, lambda: clock.now))
    await place.put("asset-1", LARGE)
    return place


async def test_a_sample_is_the_first_segments_in_the_order_of_ids(place: Place) -> None:
    found = await place.sample()

    assert len(found) == SAMPLE
    assert found == pytest.approx(await place.expected(), abs=1e-5)
    assert await place.sample() == found


async def test_a_large_sample_is_remembered_for_a_while(place: Place) -> None:
    """Other vectors for all segments: the remembered ones count until the time is over."""
    before = await place.sample()
    await place.put("asset-1", LARGE, seed=1)

    place.clock.now += REMEMBERED_SEC - 1
    assert await place.sample() == before
    place.clock.now += 1
    assert await place.sample() == pytest.approx(await place.expected(), abs=1e-5)


@pytest.mark.parametrize("instance_id", ["two", None])
async def test_another_collection_has_its_own_sample(place: Place, instance_id: str | None) -> None:
    """An instance id tells collections apart; without one, nothing is remembered."""
    before = await place.sample()
    await place.put("asset-1", LARGE, seed=1)

    for _ in range(2):
        assert await place.sample(instance_id=instance_id) != before
    assert await place.sample() == before
    place.samples.forget()
    assert await place.sample() != before


async def test_a_small_collection_is_read_for_each_query(place: Place) -> None:
    """So that the first videos of an index count at once."""
    scope = PointScope(("index-2",))
    for segments in (3, SAMPLE - 1):
        await place.bench.sink.replace(asset_points(segments=segments, index=OTHER_INDEX), place.collection, ())
        found = await place.sample(scope)
        assert len(found) == segments
        assert found == pytest.approx(await place.expected(scope), abs=1e-5)


async def test_each_scope_has_its_own_sample(place: Place) -> None:
    for index_id in ("index-1", "index-9"):
        scope = PointScope((index_id,))
        assert await place.sample(scope) == pytest.approx(await place.expected(scope), abs=1e-5)
    nothing = PointScope(conditions=(AnyOf(("filename",), ("other.mp4",)),))
    assert await place.sample(nothing) == ()
    assert len(await place.sample()) == SAMPLE


async def test_other_segments_replace_those_that_are_left_out(place: Place) -> None:
    """The one that is searched for, and its asset; whether the sample is remembered or not."""
    first = min(await place.bench.stored(place.collection))
    await place.put("asset-2", 50)
    left_out = [PointScope(without=(first,)), PointScope(without_asset=("index-1", "asset-1"))]

    for scope in (*left_out, EVERYTHING, *left_out):
        found = await place.sample(scope)
        assert found == pytest.approx(await place.expected(scope), abs=1e-5)
        assert len(found) == (50 if scope.without_asset else SAMPLE)


async def test_the_samples_of_a_search_are_remembered_too(place: Place) -> None:
    """As the status page searches: by the Sink port."""
    sink, collection = place.bench.sink, place.collection
    before = await sink.similarities(collection, QUERY, ["index-1"])
    await place.put("asset-1", LARGE, seed=1)

    after = await sink.similarities(collection, QUERY, ["index-1"])

    assert {name: it.sample for name, it in after.items()} == {name: it.sample for name, it in before.items()}
    assert {name: it.best for name, it in after.items()} != {name: it.best for name, it in before.items()}


async def test_an_alias_that_moved_to_other_dimensions_is_an_error_once(place: Place) -> None:
    await place.sample()
    smaller = replace(place, collection=f"{place.collection}-4")
    await place.bench.sink.ensure(spec(smaller.collection, dimension=4), {})
    await place.bench.sink.replace(asset_points(segments=20, dimension=4), smaller.collection, ())

    with pytest.raises(SinkMismatch, match="another dimension"):
        await smaller.sample(instance_id="two")

    assert len(await place.sample(instance_id="two")) == SAMPLE
