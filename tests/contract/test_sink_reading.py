"""The Sink contract for reading; every implementation passes it."""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.domain.points import ID_KEYS
from tests.contract.asset_points import OTHER_INDEX, asset_points
from tests.contract.sinks import FOREIGN_POINT, Bench


async def test_count_is_exact_per_index_and_per_asset(ready: Bench, collection: str) -> None:
    for points in (asset_points(segments=4), asset_points("asset-2", 3), asset_points(index=OTHER_INDEX, segments=2)):
        await ready.sink.replace(points, collection, ())

    assert await ready.sink.count(collection, "index-1") == 7
    assert await ready.sink.count(collection, "index-1", "asset-2") == 3
    assert await ready.sink.count(collection, "index-2", "asset-1") == 2
    assert await ready.sink.count(collection, "index-2", "asset-2") == 0
    assert await ready.sink.count(f"{collection}-gone", "index-1") == 0


async def test_the_indexes_with_points_in_a_collection_are_known(ready: Bench, collection: str) -> None:
    assert await ready.sink.indexes_in(collection) == []
    for points in (asset_points(), asset_points("asset-2"), asset_points(index=OTHER_INDEX)):
        await ready.sink.replace(points, collection, ())

    assert await ready.sink.indexes_in(collection) == ["index-1", "index-2"]
    assert await ready.sink.indexes_in(f"{collection}-gone") == []


async def test_manifest_tells_revisions_apart(ready: Bench, collection: str) -> None:
    """An intact asset is reported as such; other indexes are excluded; a missing collection is empty."""
    points, neighbour = asset_points(segments=4), asset_points("asset-2", 2, fingerprint="print-2")
    for one in (points, neighbour, asset_points("asset-3", index=OTHER_INDEX)):
        await ready.sink.replace(one, collection, ())

    found = await ready.sink.manifest(collection, "index-1")

    assert set(found) == {"asset-1", "asset-2"}
    assert found["asset-1"].points_by_revision == {points.revision: 4}
    assert (found["asset-2"].fingerprint, found["asset-2"].asset_points) == ("print-2", 2)
    assert all(asset.intact for asset in found.values())
    assert await ready.sink.manifest(f"{collection}-gone", "index-1") == {}


async def test_manifest_does_not_call_a_mixture_intact(ready: Bench, collection: str) -> None:
    """If fingerprints of the points differ, the asset has none."""
    old, new = asset_points(segments=4, fingerprint="print-0"), asset_points(segments=2, seed=1)
    await ready.sink.replace(old, collection, ())
    stored = await ready.stored(collection)
    await ready.sink.replace(new, collection, ())
    await ready.put(collection, {key: stored[key] for key in old.ids[2:]})

    found = await ready.sink.manifest(collection, "index-1")

    assert found["asset-1"].points_by_revision == {old.revision: 2, new.revision: 2}
    assert found["asset-1"].fingerprint is None
    assert not found["asset-1"].intact


async def test_payloads_of_one_asset(ready: Bench, collection: str) -> None:
    """Only its own points, with the keys that are asked for and those of the ids."""
    points = asset_points(segments=12, words=["one", "two"])
    for one in (points, asset_points("asset-2"), asset_points(index=OTHER_INDEX)):
        await ready.sink.replace(one, collection, ())
    first = next(iter((await ready.stored(collection)).values()))
    await ready.put(collection, {FOREIGN_POINT: first})

    found = await payloads(ready, collection, "asset-1", ["transcript"], None)

    expected = [points.payload(row, ()) for row in range(12)]
    assert sorted(it["transcript"] for page in found for it in page) == sorted(it["transcript"] for it in expected)
    assert {(it["index_id"], it["indexed_asset_id"]) for page in found for it in page} == {("index-1", "asset-1")}
    assert {key for page in found for it in page for key in it} == {*ID_KEYS, "transcript"}
    assert await payloads(ready, collection, "asset-3", ["transcript"], None) == []
    assert await payloads(ready, f"{collection}-gone", "asset-1", ["transcript"], None) == []


async def test_a_page_of_payloads_is_no_longer_than_asked_for(ready: Bench, collection: str) -> None:
    points = asset_points(segments=5)
    await ready.sink.replace(points, collection, ())

    found = await payloads(ready, collection, "asset-1", ["segment"], 2)

    assert [len(page) for page in found] == [2, 2, 1]
    assert sorted(it["segment"] for page in found for it in page) == [0, 1, 2, 3, 4]


async def payloads(
    bench: Bench, collection: str, asset: str, keys: Sequence[str], most: int | None
) -> list[list[Mapping[str, Any]]]:
    """The pages that are not empty."""
    pages = bench.sink.payloads(collection, "index-1", keys, indexed_asset_id=asset, page=most)
    return [page async for page in pages if page]
