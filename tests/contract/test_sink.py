"""The Sink contract for points; every implementation passes it."""

import asyncio
from collections.abc import Mapping

import numpy as np
import pytest

from connector.domain.errors import PointsRejected, SinkMismatch
from connector.domain.points import AssetPoints
from tests.contract.asset_points import INDEX, OTHER_INDEX, asset_points, spec
from tests.contract.sinks import Bench, Stored


def assert_holds(stored: Mapping[str, Stored], *wanted: AssetPoints) -> None:
    """Exactly these points: ids, complete payloads, named vectors."""
    assert set(stored) == {point_id for points in wanted for point_id in points.ids}
    for points in wanted:
        for row, point_id in enumerate(points.ids):
            vectors = {
                option: named.matrix[list(named.rows).index(row)]
                for option, named in points.vectors.items()
                if row in named.rows
            }
            assert stored[point_id].payload == points.payload(row, tuple(vectors))
            assert set(stored[point_id].vectors) == set(vectors)
            for option, vector in vectors.items():
                np.testing.assert_allclose(stored[point_id].vectors[option], vector / np.linalg.norm(vector), atol=1e-6)


async def test_replace_stores_ids_payloads_and_named_vectors(ready: Bench, collection: str) -> None:
    """A point is stored unchanged, including metadata of every JSON type."""
    metadata = {"text": "Tür", "int": 2**53 + 1, "float": 0.1, "bool": True, "none": None, "list": [1, {"a": "b"}]}
    points = asset_points(words=("kick", "goal"), metadata=metadata)

    await ready.sink.replace(points, collection, ())

    assert_holds(await ready.stored(collection), points)


async def test_points_have_only_the_vectors_that_the_segment_has(ready: Bench, collection: str) -> None:
    points = asset_points(options=("audio",))

    await ready.sink.replace(points, collection, ())

    assert_holds(await ready.stored(collection), points)


@pytest.mark.parametrize("segments", [0, 1, 5])
async def test_replace_leaves_exactly_the_new_points(ready: Bench, collection: str, segments: int) -> None:
    """Shorter, longer and empty revisions leave no old points, and points of others stay."""
    neighbour, same_name = asset_points("asset-2"), asset_points(index=OTHER_INDEX)
    for points in (asset_points(segments=3), neighbour, same_name):
        await ready.sink.replace(points, collection, ())
    new = asset_points(segments=segments, seed=1)

    await ready.sink.replace(new, collection, ())

    assert_holds(await ready.stored(collection), new, neighbour, same_name)


async def test_every_write_may_be_repeated(ready: Bench, collection: str) -> None:
    points = asset_points()
    for _ in range(2):
        await ready.sink.replace(points, collection, ())
        await ready.sink.set_payload(collection, INDEX.index_id, "asset-1", {"filename": "new.mp4"})

    assert {point.payload["filename"] for point in (await ready.stored(collection)).values()} == {"new.mp4"}

    for _ in range(2):
        await ready.sink.delete([collection], INDEX.index_id, "asset-1")

    assert await ready.stored(collection) == {}


async def test_replace_empties_the_other_collections_of_the_asset(ready: Bench, collection: str) -> None:
    """Another model's collection loses only this asset; a missing collection is no error."""
    other = f"{collection}-other"
    await ready.sink.ensure(spec(other), {})
    neighbour = asset_points("asset-2")
    for points in (asset_points(), neighbour):
        await ready.sink.replace(points, other, ())
    moved = asset_points(seed=1)

    await ready.sink.replace(moved, collection, [other, f"{collection}-gone", collection])

    assert_holds(await ready.stored(collection), moved)
    assert_holds(await ready.stored(other), neighbour)


async def test_a_reader_never_sees_a_hole(ready: Bench, collection: str) -> None:
    """While revisions of 3 and 5 points replace each other, a reader never counts fewer than 3."""
    await ready.sink.replace(asset_points(segments=3), collection, ())
    seen: list[int] = []
    done = asyncio.Event()

    async def read() -> None:
        while not done.is_set():
            seen.append(await ready.sink.count(collection, INDEX.index_id, "asset-1"))
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        group.create_task(read())
        for seed in range(1, 9):
            await ready.sink.replace(asset_points(segments=3 + 2 * (seed % 2), seed=seed), collection, ())
        done.set()

    assert len(seen) > 8
    assert min(seen) == 3


async def test_set_payload_changes_these_keys_only(ready: Bench, collection: str) -> None:
    """Other keys, the vectors and other assets stay; a nested object is replaced completely."""
    points, neighbour = asset_points(metadata={"a": 1, "b": 2}), asset_points("asset-2")
    for one in (points, neighbour):
        await ready.sink.replace(one, collection, ())
    before = await ready.stored(collection)
    change = {"user_metadata": {"a": 3}, "filename": None, "asset_id": "new", "fingerprint": "print-2"}

    await ready.sink.set_payload(collection, INDEX.index_id, "asset-1", change)

    after = await ready.stored(collection)
    assert {key: after[key].payload for key in points.ids} == {
        key: {**before[key].payload, **change} for key in points.ids
    }
    assert {key: after[key].payload for key in neighbour.ids} == {key: before[key].payload for key in neighbour.ids}
    for key, point in after.items():
        np.testing.assert_equal(point.vectors, before[key].vectors)


async def test_set_payload_stores_nulls(ready: Bench, collection: str) -> None:
    """Over a value, a missing key or an existing null; also as the only key."""
    await ready.sink.replace(asset_points(segments=3), collection, ())
    nulls = {"filename": None, "hls_url": None, "asset_id": None}

    await ready.sink.set_payload(collection, INDEX.index_id, "asset-1", nulls)

    stored = await ready.stored(collection)
    assert len(stored) == 3
    for point in stored.values():
        assert {key: point.payload[key] for key in nulls} == nulls
        assert point.payload["segment"] == point.payload["start_offset_sec"] / 6


async def test_delete_removes_the_asset_from_all_collections(ready: Bench, collection: str) -> None:
    other = f"{collection}-other"
    await ready.sink.ensure(spec(other), {})
    neighbour = asset_points("asset-2")
    await ready.sink.replace(neighbour, collection, ())
    for into in (collection, other):
        await ready.sink.replace(asset_points(), into, ())

    await ready.sink.delete([f"{collection}-gone", collection, other], INDEX.index_id, "asset-1")

    assert_holds(await ready.stored(collection), neighbour)
    assert await ready.stored(other) == {}


async def test_a_point_that_the_sink_refuses_is_named(ready: Bench, collection: str) -> None:
    """One wrong vector among many: the message has the point's id and its time range."""
    points = asset_points(segments=40)
    bad = asset_points("asset-9", segments=40, dimension=9)

    with pytest.raises(PointsRejected) as refused:
        await ready.sink.replace(bad, collection, ())

    assert refused.value.subject == "asset-9"
    assert any(point_id in str(refused.value) for point_id in bad.ids)
    await ready.sink.replace(points, collection, ())
    assert await ready.sink.count(collection, "index-1", "asset-1") == 40


async def test_writing_to_a_missing_collection_says_so(bench: Bench, collection: str) -> None:
    with pytest.raises(SinkMismatch, match="does not exist"):
        await bench.sink.replace(asset_points(), collection, ())
    with pytest.raises(SinkMismatch, match="does not exist"):
        await bench.sink.set_payload(collection, "index-1", "asset-1", {"filename": "x"})
    with pytest.raises(SinkMismatch, match="does not exist"):
        await bench.sink.search(collection, np.ones(8, np.float32), [], 5)
    assert await bench.sink.inspect(collection) is None


@pytest.mark.parametrize(("index_id", "asset"), [("", "asset-1"), ("index-1", "")])
async def test_an_empty_id_never_becomes_a_filter(ready: Bench, collection: str, index_id: str, asset: str) -> None:
    """It would select too many points, so it is refused before anything is sent."""
    await ready.sink.replace(asset_points(), collection, ())

    with pytest.raises(ValueError, match="empty"):
        await ready.sink.delete([collection], index_id, asset)
    with pytest.raises(ValueError, match="empty"):
        await ready.sink.set_payload(collection, index_id, asset, {"filename": "x"})
    with pytest.raises(ValueError, match="empty"):
        await ready.sink.count(collection, index_id, asset)
    assert await ready.sink.count(collection, "index-1", "asset-1") == 3
