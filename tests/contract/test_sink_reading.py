"""The Sink contract for reading; every implementation passes it."""

from tests.contract.asset_points import OTHER_INDEX, asset_points
from tests.contract.sinks import Bench


async def test_count_is_exact_per_index_and_per_asset(ready: Bench, collection: str) -> None:
    for points in (asset_points(segments=4), asset_points("asset-2", 3), asset_points(index=OTHER_INDEX, segments=2)):
        await ready.sink.replace(points, collection, ())

    assert await ready.sink.count(collection, "index-1") == 7
    assert await ready.sink.count(collection, "index-1", "asset-2") == 3
    assert await ready.sink.count(collection, "index-2", "asset-1") == 2
    assert await ready.sink.count(collection, "index-2", "asset-2") == 0
    assert await ready.sink.count(f"{collection}-gone", "index-1") == 0


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
