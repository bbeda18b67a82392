"""What verify needs of a sink: payloads by page, whole points, and writes that remove surplus points."""

from typing import Any

import numpy as np

from connector.domain.deep_comparison import same_vectors
from connector.domain.holding import PAYLOAD_KEYS, Holdings, add_points
from connector.domain.points import point_id
from tests.contract.asset_points import asset_points, spec
from tests.contract.sinks import FOREIGN_POINT, Bench, QdrantBench, Stored

ODD: dict[str, Any] = {
    "large": 2**80,
    "whole": 5.0,
    "small": 1e-300,
    "huge": 1e22,
    "third": 1 / 3,
    "negative zero": -0.0,
    "limit": 2**63 - 1,
    "nothing": None,
    "nested": {"": {"list": [1, 2.5, None, "ü\U0001f3ac", {"empty": {}}, []]}, "b": True},
}


async def holdings(bench: Bench, collection: str) -> Holdings:
    found: Holdings = {}
    async for page in bench.sink.payloads(collection, "index-1", PAYLOAD_KEYS):
        add_points(found, page, "marengo9.9")
    return found


async def test_what_was_written_is_what_it_says(ready: Bench, collection: str) -> None:
    """Numbers and nulls come back as they were: else every verify would find an altered payload."""
    points = asset_points(metadata=ODD, segments=25)
    await ready.sink.replace(points, collection, ())

    found = await holdings(ready, collection)

    assert found.keys() == {"asset-1"}
    assert found["asset-1"].points == 25
    assert found["asset-1"].altered(points.metadata_revision, 25) == 0


async def test_what_was_refreshed_is_what_it_says(ready: Bench, collection: str) -> None:
    await ready.sink.replace(asset_points(metadata={"category": "old"}), collection, ())
    points = asset_points(metadata=ODD, filename="new.mp4")
    await ready.sink.set_payload(collection, "index-1", "asset-1", points.asset_payload)

    found = await holdings(ready, collection)

    assert found["asset-1"].altered(points.metadata_revision, 3) == 0


async def test_only_own_points_are_read(ready: Bench, collection: str) -> None:
    points = asset_points()
    await ready.sink.replace(points, collection, ())
    first = next(iter((await ready.stored(collection)).values()))
    await ready.put(collection, {FOREIGN_POINT: first})

    assert (await holdings(ready, collection))["asset-1"].points == 3
    assert set(await ready.sink.points(collection, "index-1", "asset-1")) == set(points.ids)
    assert await ready.sink.points(collection, "index-1", "asset-2") == {}
    assert await ready.sink.points(collection, "index-2", "asset-1") == {}


async def test_a_collection_that_does_not_exist_has_no_points(bench: Bench, collection: str) -> None:
    assert await holdings(bench, collection) == {}
    assert await bench.sink.points(collection, "index-1", "asset-1") == {}


async def test_whole_points_have_payload_and_vectors(ready: Bench, collection: str) -> None:
    """More than one page of them."""
    points = asset_points(segments=130, words=["one"])
    await ready.sink.replace(points, collection, ())

    found = await ready.sink.points(collection, "index-1", "asset-1")

    assert list(found) != []
    assert set(found) == set(points.ids)
    for row, point_id_ in enumerate(points.ids):
        vectors = {name: named.matrix[row] for name, named in points.vectors.items()}
        assert same_vectors(vectors, found[point_id_].vectors)
        assert not same_vectors(vectors | {"audio": np.roll(vectors["audio"], 1)}, found[point_id_].vectors)
        assert found[point_id_].payload == points.payload(row, tuple(vectors))


async def test_a_replace_removes_surplus_points_of_its_own_revision(ready: Bench, collection: str) -> None:
    points = asset_points()
    await ready.sink.replace(points, collection, ())
    first = next(iter((await ready.stored(collection)).values()))
    place = {"start_offset_sec": 900.0, "end_offset_sec": 901.0}
    surplus = point_id("index-1", "asset-1", "marengo9.9", "clip", 900_000, 901_000)
    theirs = Stored(first.payload, first.vectors)
    await ready.put(collection, {surplus: Stored(first.payload | place, first.vectors), FOREIGN_POINT: theirs})
    assert (await holdings(ready, collection))["asset-1"].points == 4

    await ready.sink.replace(points, collection, ())

    assert set(await ready.stored(collection)) == {*points.ids, FOREIGN_POINT}


async def test_reading_whole_points_does_not_make_later_pages_smaller(remote: QdrantBench, collection: str) -> None:
    await remote.sink.ensure(spec(collection), {})
    await remote.sink.replace(asset_points(segments=130), collection, ())
    await remote.sink.points(collection, "index-1", "asset-1")

    pages = [len(page) async for page in remote.sink.payloads(collection, "index-1", ())]

    assert pages == [130]
