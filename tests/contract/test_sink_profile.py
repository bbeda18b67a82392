"""The keys that a payload profile derives: written with the points, and written, kept true and removed afterwards."""

from typing import Any

import numpy as np
import pytest

from connector.domain.holding import Holdings, add_points, payload_keys
from connector.domain.metadata import MetadataLimits
from connector.domain.payload_profile import DERIVED_KEYS, derived_keys
from tests.contract.asset_points import INDEX, asset_points
from tests.contract.sinks import Bench
from tests.contract.test_sink import assert_holds

WORDS = ("", "net", "")
METADATA: dict[str, Any] = {"category": "sports", "none": None, "nested": {"list": [1, 2.5, None]}}


async def patched(bench: Bench, collection: str, profile: Any, **facts: Any) -> None:
    """The metadata of asset-1 with these facts."""
    points = asset_points(words=WORDS, payload_profile=profile, **facts)
    payload = {**points.asset_payload, "asset_id": None}
    await bench.sink.set_payload(collection, INDEX.index_id, "asset-1", payload, profile)


async def test_points_are_written_with_the_derived_keys(ready: Bench, collection: str) -> None:
    points = asset_points(words=WORDS, metadata=METADATA, payload_profile="frameworks")

    await ready.sink.replace(points, collection, ())

    stored = await ready.stored(collection)
    assert_holds(stored, points)
    for point in stored.values():
        assert derived_keys("frameworks", point.payload).items() <= point.payload.items()
    assert {it.payload["page_content"] for it in stored.values()} == {
        "match.mp4 0:00\N{EN DASH}0:06",
        "match.mp4 0:06\N{EN DASH}0:12 net",
        "match.mp4 0:12\N{EN DASH}0:18",
    }


@pytest.mark.parametrize("before", ["none", "frameworks"])
async def test_new_metadata_is_in_the_derived_keys_too(ready: Bench, collection: str, before: Any) -> None:
    """Each point gets its own text and times; vectors, other assets and the keys of others stay."""
    points = asset_points(words=WORDS, payload_profile=before)
    neighbour = asset_points("asset-2", payload_profile=before)
    for one in (points, neighbour):
        await ready.sink.replace(one, collection, ())
    await ready.sink.set_payload(collection, INDEX.index_id, "asset-1", {"theirs": {"a": [1]}}, before)
    vectors = {key: it.vectors for key, it in (await ready.stored(collection)).items()}

    await patched(ready, collection, "frameworks", filename="new.mp4", metadata=METADATA)

    stored = await ready.stored(collection)
    wanted = asset_points(words=WORDS, filename="new.mp4", metadata=METADATA, payload_profile="frameworks")
    for row, key in enumerate(points.ids):
        flat = wanted.payload(row, tuple(wanted.vectors)) | {"asset_id": None, "theirs": {"a": [1]}}
        assert stored[key].payload == flat | derived_keys("frameworks", flat)
        assert stored[key].payload["document"].startswith("new.mp4 ")
    assert_holds({key: stored[key] for key in neighbour.ids}, neighbour)
    for key, point in stored.items():
        np.testing.assert_equal(point.vectors, vectors[key])


async def test_without_the_profile_the_derived_keys_disappear(ready: Bench, collection: str) -> None:
    points, neighbour = (
        asset_points(name, words=WORDS, payload_profile="frameworks") for name in ("asset-1", "asset-2")
    )
    for one in (points, neighbour):
        await ready.sink.replace(one, collection, ())
    await ready.sink.set_payload(collection, INDEX.index_id, "asset-1", {"theirs": 1}, "frameworks")

    for _ in range(2):
        await patched(ready, collection, "none")

    stored = await ready.stored(collection)
    plain = asset_points(words=WORDS)
    for row, key in enumerate(points.ids):
        assert stored[key].payload == plain.payload(row, tuple(plain.vectors)) | {"theirs": 1, "asset_id": None}
    assert_holds({key: stored[key] for key in neighbour.ids}, neighbour)


async def test_a_single_key_of_this_name_is_somebody_elses(ready: Bench, collection: str) -> None:
    await ready.sink.replace(asset_points(), collection, ())
    await ready.sink.set_payload(collection, INDEX.index_id, "asset-1", {"document": "theirs"})

    await patched(ready, collection, "none")

    assert {it.payload["document"] for it in (await ready.stored(collection)).values()} == {"theirs"}


@pytest.mark.parametrize("lists", [False, True], ids=["objects", "lists"])
async def test_the_deepest_metadata_is_stored_twice(ready: Bench, collection: str, lists: bool) -> None:
    value: Any = "deep"
    for _ in range(MetadataLimits.of("frameworks").depth - 1):
        value = [value] if lists else {"a": value}
    points = asset_points(words=WORDS, metadata={"a": value}, payload_profile="frameworks")

    await ready.sink.replace(points, collection, ())
    assert_holds(await ready.stored(collection), points)
    await patched(ready, collection, "frameworks", metadata={"a": value, "b": 1})

    stored = [it.payload for it in (await ready.stored(collection)).values()]
    assert [it["metadata"]["user_metadata"] for it in stored] == [{"a": value, "b": 1}] * 3


async def test_large_metadata_is_written_in_several_requests(ready: Bench, collection: str) -> None:
    await ready.sink.replace(asset_points(words=WORDS), collection, ())

    await patched(ready, collection, "frameworks", metadata={"text": "x" * (5 * 1024 * 1024)})

    stored = [it.payload for it in (await ready.stored(collection)).values()]
    assert [len(it["metadata"]["user_metadata"]["text"]) for it in stored] == [5 * 1024 * 1024] * 3


async def test_what_was_derived_is_what_a_verify_expects(ready: Bench, collection: str) -> None:
    points = asset_points(words=WORDS, metadata=METADATA, payload_profile="frameworks")
    await ready.sink.replace(asset_points(words=WORDS), collection, ())
    await ready.sink.set_payload(collection, "index-1", "asset-1", points.asset_payload, "frameworks")

    found: Holdings = {}
    async for page in ready.sink.payloads(collection, "index-1", payload_keys("frameworks")):
        add_points(found, page, "marengo9.9")

    assert found["asset-1"].altered(points.metadata_revision, 3) == 0
    assert set(DERIVED_KEYS) <= next(iter((await ready.stored(collection)).values())).payload.keys()
