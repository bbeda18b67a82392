"""The Sink contract for other programs' points, for aliases and for owners."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from connector.domain.points import AssetPoints
from connector.domain.sink_model import Owner, Tally
from tests.comparing import differences
from tests.contract.asset_points import asset_points, spec
from tests.contract.sinks import FOREIGN_POINT, Bench, Stored

NOTE = {"index_id": "index-1", "indexed_asset_id": "note-1", "text": "to be cut"}
COPY = "99999999-2222-3333-4444-555555555555"
ME = Owner(
    ledger_id="ledger-1",
    label="ledger.sqlite3 on a",
    settings={"embedding_options": ["audio"], "transcript": True},
    home="home",
    epoch=7,
)
OTHER = Owner(
    ledger_id="ledger-2", label="ledger.sqlite3 on b", settings={"embedding_options": None, "transcript": False}
)


async def with_foreign(ready: Bench, collection: str, points: AssetPoints) -> Mapping[str, Stored]:
    """The asset's points, a note of the user on that asset, and a copy of our point under another id."""
    await ready.sink.replace(points, collection, ())
    first = next(iter((await ready.stored(collection)).values()))
    note = {**NOTE, "indexed_asset_id": points.indexed_asset_id}
    theirs = {FOREIGN_POINT: Stored(note, first.vectors), COPY: first}
    await ready.put(collection, theirs)
    return theirs


async def test_only_own_points_are_in_the_manifest(ready: Bench, collection: str) -> None:
    points = asset_points()
    await with_foreign(ready, collection, points)

    found = await ready.sink.manifest(collection, "index-1")

    assert set(found) == {"asset-1"}
    assert found["asset-1"].points_by_revision == {points.revision: 3}
    assert found["asset-1"].points_by_metadata_revision == {points.metadata_revision: 3}
    assert found["asset-1"].metadata_revision == points.metadata_revision
    assert found["asset-1"].intact


async def test_what_the_sink_holds_of_one_asset(ready: Bench, collection: str) -> None:
    points = asset_points()
    await with_foreign(ready, collection, points)
    await ready.sink.replace(asset_points("asset-2"), collection, ())

    found = await ready.sink.asset(collection, "index-1", "asset-1")

    assert found
    assert (found.points_by_revision, found.metadata_revision) == ({points.revision: 3}, points.metadata_revision)
    assert await ready.sink.asset(collection, "index-1", "asset-3") is None
    assert await ready.sink.asset(f"{collection}-gone", "index-1", "asset-1") is None


@pytest.mark.parametrize("odd", [["a", "b"], {"x": 1}, 5, None, True, [], 1.5])
async def test_payload_keys_of_odd_types_are_as_good_as_absent(ready: Bench, collection: str, odd: object) -> None:
    """Another program changed them on one of our points: it is not intact, and nothing crashes."""
    points = asset_points()
    await ready.sink.replace(points, collection, ())
    first = (await ready.stored(collection))[points.ids[0]]
    keys = (
        "revision",
        "metadata_revision",
        "fingerprint",
        "asset_points",
        "embedding_options",
        "filename",
        "transcript",
    )
    await ready.put(collection, {points.ids[0]: Stored({**first.payload, **dict.fromkeys(keys, odd)}, first.vectors)})

    found = (await ready.sink.manifest(collection, "index-1"))["asset-1"]
    hits = await ready.sink.search(collection, np.ones(8, np.float32), ["index-1"], 5)

    assert differences(found, points=3, intact=False) == {}
    assert len(hits) == 3
    assert await ready.sink.tally(collection, "index-1", 10) != Tally(
        {points.revision: 3}, {points.metadata_revision: 3}
    )
    await ready.sink.replace(points, collection, ())
    assert (await ready.sink.manifest(collection, "index-1"))["asset-1"].intact


async def test_other_programs_points_are_no_hits(ready: Bench, collection: str) -> None:
    theirs = await with_foreign(ready, collection, asset_points())

    hits = await ready.sink.search(collection, np.ones(8, np.float32), ["index-1"], 20)

    assert len(hits) == 3
    assert len(await ready.stored(collection)) == 3 + len(theirs)


@pytest.mark.parametrize("segments", [0, 2, 5])
async def test_a_replace_leaves_other_programs_points_alone(ready: Bench, collection: str, segments: int) -> None:
    theirs = await with_foreign(ready, collection, asset_points())
    new = asset_points(segments=segments, seed=1)

    await ready.sink.replace(new, collection, ())

    stored = await ready.stored(collection)
    assert set(stored) == {*new.ids, *theirs}
    assert {key: stored[key].payload for key in theirs} == {key: it.payload for key, it in theirs.items()}


async def test_a_delete_leaves_other_programs_points_alone(ready: Bench, collection: str) -> None:
    theirs = await with_foreign(ready, collection, asset_points())

    await ready.sink.delete([collection], "index-1", "asset-1")
    await ready.sink.delete([collection], "index-1", "note-1")

    assert set(await ready.stored(collection)) == set(theirs)


async def test_a_patch_leaves_other_programs_points_alone(ready: Bench, collection: str) -> None:
    theirs = await with_foreign(ready, collection, asset_points())

    await ready.sink.set_payload(collection, "index-1", "asset-1", {"filename": "new.mp4", "asset_id": None})

    stored = await ready.stored(collection)
    assert {key: stored[key].payload for key in theirs} == {key: it.payload for key, it in theirs.items()}
    assert {point.payload["filename"] for key, point in stored.items() if key not in theirs} == {"new.mp4"}


async def test_an_alias_and_its_target_are_one_collection(ready: Bench, collection: str) -> None:
    """Moving an asset between a collection and its alias deletes nothing."""
    name, points = f"{collection}-alias", asset_points()
    await ready.alias(collection, name)
    await ready.sink.replace(points, collection, ())

    await ready.sink.replace(points, name, [collection])
    await ready.sink.replace(points, collection, [name, collection])

    assert set(await ready.stored(collection)) == set(points.ids)
    real, alias = await ready.sink.inspect(collection), await ready.sink.inspect(name)
    assert real
    assert alias == replace(real, name=name)
    assert [info.name for info in await ready.sink.collections() if info.name.startswith(collection)] == [collection]


async def test_what_an_alias_says_is_done_to_its_target(ready: Bench, collection: str) -> None:
    name, points = f"{collection}-alias", asset_points()
    await ready.alias(collection, name)

    assert (await ready.sink.ensure(spec(name), {})).name == name
    await ready.sink.replace(points, name, ())
    await ready.sink.set_payload(name, "index-1", "asset-1", {"filename": "new.mp4"})

    assert await ready.sink.count(collection, "index-1", "asset-1") == 3
    assert set(await ready.sink.manifest(name, "index-1")) == {"asset-1"}

    await ready.sink.delete([name], "index-1", "asset-1")

    assert await ready.stored(collection) == {}


async def test_owners_are_kept_for_each_index(ready: Bench, collection: str) -> None:
    """Independent of each other, even if two are set at once."""
    async with asyncio.TaskGroup() as group:
        group.create_task(ready.sink.set_owner(collection, "index-1", ME))
        group.create_task(ready.sink.set_owner(collection, "index two", OTHER))
    named = await ready.sink.inspect(collection)
    await ready.sink.set_owner(collection, "index-1", OTHER)
    await ready.sink.set_owner(collection, "index two", None)
    changed = await ready.sink.inspect(collection)

    assert named
    assert changed
    assert named.owners == {"index-1": ME, "index two": OTHER}
    assert changed.owners == {"index-1": OTHER}
    assert changed.instance_id == named.instance_id


async def test_a_tally_counts_by_revision_and_metadata_revision(ready: Bench, collection: str) -> None:
    one, two = asset_points(segments=4), asset_points("asset-2", 2, filename="other.mp4")
    for points in (one, two):
        await ready.sink.replace(points, collection, ())

    tally = await ready.sink.tally(collection, "index-1", 10)

    assert tally == Tally({one.revision: 4, two.revision: 2}, {one.metadata_revision: 4, two.metadata_revision: 2})
    assert await ready.sink.tally(collection, "index-2", 10) == Tally({}, {})
    assert await ready.sink.tally(f"{collection}-gone", "index-1", 10) == Tally({}, {})


async def test_a_tally_of_too_many_values_is_none(ready: Bench, collection: str) -> None:
    for name in ("asset-1", "asset-2", "asset-3"):
        await ready.sink.replace(asset_points(name), collection, ())

    assert await ready.sink.tally(collection, "index-1", 2) is None
    assert await ready.sink.tally(collection, "index-1", 3) is not None


async def test_a_manifest_of_some_revisions_reads_no_others(ready: Bench, collection: str) -> None:
    one, two, three = (asset_points(f"asset-{i}", i) for i in (1, 2, 3))
    for points in (one, two, three):
        await ready.sink.replace(points, collection, ())
    only = Tally({one.revision: 9}, {three.metadata_revision: 9})

    found = await ready.sink.manifest(collection, "index-1", only)

    assert {name: asset.points for name, asset in found.items()} == {"asset-1": 1, "asset-3": 3}
    assert await ready.sink.manifest(collection, "index-1", Tally({}, {})) == {}
