"""The contract of the `Source` port: every implementation, the fake too, passes it."""

from collections.abc import AsyncIterator

import numpy as np
import pytest

from connector.domain.errors import (
    AuthenticationFailed,
    ConfigError,
    ConnectorError,
    IndexGone,
    MalformedAsset,
    RateLimited,
    Unavailable,
)
from connector.ports import Source
from tests.contract.source_worlds import WORLDS, Trouble, World, world_of

OPTIONS = {"marengo3.0": {"visual", "audio", "transcription"}, "marengo2.7": {"visual-text", "audio"}}
DIMENSION = {"marengo3.0": 512, "marengo2.7": 1024}


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with world_of(request.param) as world:
        yield world


async def test_indexes_lists_all_of_them_in_a_stable_order(world: World) -> None:
    """Including the one without a Marengo model, whose model is None."""
    made = [world.add_index("marengo3.0"), world.add_index(None), world.add_index("marengo2.7", ("visual",))]

    found = await world.source.indexes()

    assert [index.index_id for index in found] == made
    assert [index.model for index in found] == ["marengo3.0", None, "marengo2.7"]
    assert found[2].model_options == ("visual",)
    assert await world.source.indexes() == found


async def test_more_indexes_than_a_page_holds_are_all_found(world: World) -> None:
    made = [world.add_index("marengo3.0") for _ in range(53)]

    assert [index.index_id for index in await world.source.indexes()] == made


async def test_an_index_is_the_same_in_the_list_and_alone(world: World) -> None:
    index_id = world.add_index("marengo3.0")

    assert [await world.source.index(index_id)] == await world.source.indexes()


async def test_an_index_that_is_gone_is_said_to_be_gone(world: World) -> None:
    """On look-up and on listing; the other index stays."""
    gone, other = world.add_index("marengo3.0"), world.add_index("marengo3.0")
    index = await world.source.index(gone)
    world.remove_index(gone)

    with pytest.raises(IndexGone, match=gone):
        await world.source.index(gone)
    with pytest.raises(IndexGone, match=gone):
        await world.source.snapshot(index)
    assert (await world.source.index(other)).index_id == other


@pytest.mark.parametrize("index_id", ["", "a/b", "a b", "a?b", "a#b", "a%2fb", "..", ".", "a\n", "\x00", "ä"])
async def test_what_cannot_be_an_index_id_is_a_mistake_in_the_settings(index_id: str, world: World) -> None:
    with pytest.raises(ConfigError, match="index id"):
        await world.source.index(index_id)

    assert world.source.requests() == 0


@pytest.mark.parametrize("asset_id", ["", "a/b", "..", "a?b", "a b"])
async def test_what_cannot_be_an_asset_id_concerns_that_asset_only(asset_id: str, world: World) -> None:
    index = await world.source.index(world.add_index("marengo3.0"))
    with pytest.raises(MalformedAsset):
        await world.source.retrieve(index, asset_id, None, transcript=True)
    with pytest.raises(MalformedAsset):
        await world.source.exists(index.index_id, asset_id)


async def test_a_snapshot_holds_every_asset_whatever_its_status(world: World) -> None:
    index_id = world.add_index("marengo3.0")
    statuses = ["ready", "pending", "queued", "validating", "indexing", "failed", "levitating"]
    made = {world.add(index_id): status for status in statuses}
    for asset_id, status in made.items():
        world.set_status(index_id, asset_id, status)

    found = await world.source.snapshot(await world.source.index(index_id))

    assert found.complete
    assert {name: asset.status for name, asset in found.assets.items()} == made
    assert all(name == asset.indexed_asset_id for name, asset in found.assets.items())


@pytest.mark.parametrize("count", [0, 50, 51, 123])
async def test_a_snapshot_of_any_size_is_complete(count: int, world: World) -> None:
    index_id = world.add_index("marengo3.0")
    made = [world.add(index_id) for _ in range(count)]

    found = await world.source.snapshot(await world.source.index(index_id))

    assert found.complete
    assert list(found.assets) == made


async def test_a_snapshot_says_what_is_known_of_an_asset(world: World) -> None:
    index_id = world.add_index("marengo3.0")
    asset_id = world.add(index_id)

    asset = (await world.source.snapshot(await world.source.index(index_id))).assets[asset_id]

    assert asset.filename is not None
    assert asset.filename.endswith(".mp4")
    assert isinstance(asset.width, int)
    assert isinstance(asset.height, int)
    assert all((asset.asset_id, asset.created_at, asset.updated_at, asset.duration_sec, asset.fps, asset.size_bytes))


async def test_a_snapshot_shows_that_something_changed(world: World) -> None:
    """Nothing else differs: two listings of the same data are equal."""
    index_id = world.add_index("marengo3.0")
    changed, same, removed = world.add(index_id), world.add(index_id), world.add(index_id)
    index = await world.source.index(index_id)
    before = await world.source.snapshot(index)
    assert await world.source.snapshot(index) == before

    world.change(index_id, changed)
    world.remove(index_id, removed)
    after = await world.source.snapshot(index)

    assert after.assets.keys() == {changed, same}
    assert after.assets[same] == before.assets[same]
    assert after.assets[changed] != before.assets[changed]


async def test_only_what_is_gone_does_not_exist(world: World) -> None:
    """An asset that is not ready or failed still exists; in another index it never existed."""
    index_id, other = world.add_index("marengo3.0"), world.add_index("marengo3.0")
    ready, failed, removed = world.add(index_id), world.add(index_id), world.add(index_id)
    world.set_status(index_id, failed, "failed")
    world.remove(index_id, removed)
    source, index = world.source, await world.source.index(index_id)

    assert [await source.exists(index_id, name) for name in (ready, failed, removed)] == [True, True, False]
    assert not await source.exists(other, ready)
    assert await source.retrieve(index, removed, None, transcript=True) is None


@pytest.mark.parametrize("model", ["marengo3.0", "marengo2.7"])
async def test_text_becomes_a_vector_of_the_model(model: str, world: World) -> None:
    first, again, other = [await world.source.embed_text(model, text) for text in ("a dog", "a dog", "a cat")]

    assert first.shape == (DIMENSION[model],)
    assert first.dtype == np.float32
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


async def test_a_model_that_cannot_embed_text_is_a_mistake_in_the_settings(world: World) -> None:
    with pytest.raises(ConfigError, match="no-such-model"):
        await world.source.embed_text("no-such-model", "a dog")


@pytest.mark.parametrize(
    ("trouble", "error"),
    [("outage", Unavailable), ("key refused", AuthenticationFailed), ("rate limited", RateLimited)],
)
async def test_trouble_of_the_source_has_one_error_in_every_method(
    trouble: Trouble, error: type[ConnectorError], world: World
) -> None:
    index_id = world.add_index("marengo3.0")
    asset_id = world.add(index_id)
    index = await world.source.index(index_id)
    world.begin(trouble)

    with pytest.raises(error):
        await world.source.indexes()
    with pytest.raises(error):
        await world.source.index(index_id)
    with pytest.raises(error):
        await world.source.snapshot(index)
    with pytest.raises(error):
        await world.source.retrieve(index, asset_id, None, transcript=True)
    with pytest.raises(error):
        await world.source.exists(index_id, asset_id)
    with pytest.raises(error):
        await world.source.embed_text("marengo3.0", "a dog")


async def test_requests_are_counted_by_index_and_together(world: World) -> None:
    first, second = world.add_index("marengo3.0"), world.add_index("marengo3.0")
    source: Source = world.source
    await source.index(first)
    await source.index(first)
    await source.index(second)
    await source.indexes()

    assert source.requests(first) == 2
    assert source.requests(second) == 1
    assert source.requests() == 4
