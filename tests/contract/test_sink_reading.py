"""The Sink contract for reading; every implementation passes it."""

import numpy as np

from tests.comparing import differences
from tests.contract.asset_points import INDEX, OPTIONS, OTHER_INDEX, asset_points
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


async def test_search_ranks_what_matches_in_all_vectors_first(ready: Bench, collection: str) -> None:
    """A segment close to the query in every option ranks above those close in one."""
    points = asset_points(segments=30, words=["goal"])
    for named in points.vectors.values():
        named.matrix[0] = np.ones(named.matrix.shape[1], np.float32)
    await ready.sink.replace(points, collection, ())
    await ready.sink.replace(asset_points(index=OTHER_INDEX), collection, ())
    query = np.ones(8, np.float32)

    hits = await ready.sink.search(collection, query, ["index-1"], 5)

    assert len(hits) == 5
    best = hits[0]
    assert differences(best, index_id="index-1", indexed_asset_id="asset-1", filename="match.mp4") == {}
    assert differences(best, start_offset_sec=0.0, end_offset_sec=6.0, transcript="goal") == {}
    assert best.embedding_options == OPTIONS
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


async def test_search_is_limited_to_the_given_indexes(ready: Bench, collection: str) -> None:
    for index in (INDEX, OTHER_INDEX):
        await ready.sink.replace(asset_points(index=index), collection, ())
    query = np.ones(8, np.float32)

    for wanted in (["index-1"], ["index-2"], ["index-1", "index-2"]):
        assert {hit.index_id for hit in await ready.sink.search(collection, query, wanted, 50)} == set(wanted)
    assert len(await ready.sink.search(collection, query, [], 50)) == 6
