"""The Sink contract for collections: created, adopted or refused, never altered."""

import asyncio

import pytest

from connector.domain.errors import ConfigError, SinkMismatch
from connector.domain.sink_model import LAYOUT_VERSION, CollectionSpec
from tests.comparing import differences
from tests.contract.asset_points import DIMENSION, OPTIONS, asset_points, spec
from tests.contract.sinks import Bench

FITTING = dict.fromkeys(OPTIONS, DIMENSION)


async def test_an_absent_collection_is_created_and_stamped(bench: Bench, collection: str) -> None:
    assert await bench.sink.inspect(collection) is None

    instance_id = (await bench.sink.ensure(spec(collection), {})).instance_id

    info = await bench.sink.inspect(collection)
    assert info
    assert info.vectors == dict.fromkeys(OPTIONS, (DIMENSION, "Cosine"))
    assert differences(info, points=0, model="marengo9.9", layout_version=LAYOUT_VERSION) == {}
    assert info.instance_id == instance_id
    assert instance_id


async def test_ensure_may_be_repeated_and_keeps_the_instance(bench: Bench, collection: str) -> None:
    """Even with points in it, or if fewer vectors are required than exist."""
    first = (await bench.sink.ensure(spec(collection), {"category": "keyword"})).instance_id
    await bench.sink.replace(asset_points(), collection, ())

    again = (await bench.sink.ensure(spec(collection), {"category": "keyword"})).instance_id
    fewer = (await bench.sink.ensure(CollectionSpec(collection, "marengo9.9", DIMENSION, ("audio",)), {})).instance_id

    assert first == again == fewer
    assert await bench.sink.count(collection, "index-1") == 3


async def test_every_new_collection_is_another_instance(bench: Bench, collection: str) -> None:
    """So the ledger notices that a collection was dropped and created again."""
    ids = [(await bench.sink.ensure(spec(f"{collection}-{i}"), {})).instance_id for i in range(3)]

    assert len(set(ids)) == 3


async def test_ensuring_one_collection_twice_at_once_gives_one_instance(bench: Bench, collection: str) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(bench.sink.ensure(spec(collection), {})) for _ in range(4)]

    assert len({task.result().instance_id for task in tasks}) == 1


async def test_an_empty_collection_of_the_user_is_adopted(bench: Bench, collection: str) -> None:
    """It fits, and has more vectors than required."""
    await bench.make(collection, {**FITTING, "theirs": 3}, "Cosine")

    instance_id = (await bench.sink.ensure(spec(collection), {})).instance_id

    info = await bench.sink.inspect(collection)
    assert info
    assert (info.model, info.instance_id) == ("marengo9.9", instance_id)
    assert info.vectors["theirs"] == (3, "Cosine")
    await bench.sink.replace(asset_points(), collection, ())
    assert (await bench.sink.ensure(spec(collection), {})).instance_id == instance_id


@pytest.mark.parametrize(
    ("vectors", "distance", "points", "reason"),
    [
        (FITTING, "Cosine", 2, "holds 2 points that this connector did not write"),
        ({**FITTING, "audio": 4}, "Cosine", 0, "vector audio has dimension 4, not 8"),
        ({"visual": DIMENSION, "audio": DIMENSION}, "Cosine", 0, "no vector named transcription"),
        (FITTING, "Dot", 0, "vector visual has distance Dot, not Cosine"),
    ],
)
async def test_what_does_not_fit_is_refused_with_the_difference(
    bench: Bench, collection: str, vectors: dict[str, int], distance: str, points: int, reason: str
) -> None:
    """And stays exactly as it was."""
    await bench.make(collection, vectors, distance, points=points)
    before, stored = await bench.sink.inspect(collection), await bench.stored(collection)

    with pytest.raises(SinkMismatch, match=reason) as refused:
        await bench.sink.ensure(spec(collection), {})

    assert refused.value.subject == collection
    assert await bench.sink.inspect(collection) == before
    assert set(await bench.stored(collection)) == set(stored)
    assert before
    assert before.instance_id is None


async def test_another_models_collection_is_refused(bench: Bench, collection: str) -> None:
    """Even with equal dimensions, which prove nothing."""
    await bench.sink.ensure(spec(collection), {})

    with pytest.raises(SinkMismatch, match=r"belongs to model marengo9\.9, not marengo9\.8"):
        await bench.sink.ensure(spec(collection, model="marengo9.8"), {})


async def test_collections_lists_ours_by_name(bench: Bench, collection: str) -> None:
    for suffix in ("b", "a"):
        await bench.sink.ensure(spec(f"{collection}-{suffix}"), {})
    await bench.make(f"{collection}-c", FITTING, "Cosine")

    found = [info.name for info in await bench.sink.collections() if info.name.startswith(collection)]

    assert found == [f"{collection}-a", f"{collection}-b"]


async def test_a_metadata_index_of_unknown_type_is_a_configuration_error(bench: Bench, collection: str) -> None:
    """Reported before anything is created."""
    with pytest.raises(ConfigError, match=r"category: unknown type 'string'.*keyword, integer"):
        await bench.sink.ensure(spec(collection), {"category": "string"})

    assert await bench.sink.inspect(collection) is None


async def test_the_version_is_told(bench: Bench) -> None:
    version = await bench.sink.version()

    assert version == "fake" or any(character.isdigit() for character in version)


async def test_a_closed_sink_connects_again_when_used(bench: Bench, collection: str) -> None:
    """Closing loses no stored data."""
    await bench.sink.ensure(spec(collection), {})
    await bench.sink.replace(asset_points(), collection, ())

    await bench.sink.close()

    assert await bench.sink.count(collection, "index-1") == 3
