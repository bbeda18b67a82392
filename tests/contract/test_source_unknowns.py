"""The adapter against every undocumented behaviour of the real API: the simulator's knobs, one by one."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from connector.domain.errors import IndexGone, MalformedAsset
from connector.domain.points import build
from connector.domain.source_model import Index, RetrievedAsset
from connector.simulator import AssetSpec, IndexSpec, Scenario
from tests.contract.source_worlds import SimulatedWorld, simulated


@pytest.fixture
async def world() -> AsyncIterator[SimulatedWorld]:
    async with simulated() as world:
        yield world


async def made(world: SimulatedWorld, model: str = "marengo3.0", assets: int = 1) -> tuple[Index, list[str]]:
    index_id = world.add_index(model)
    names = [world.add(index_id) for _ in range(assets)]
    return await world.source.index(index_id), names


def shapes(found: RetrievedAsset | None) -> dict[str, int]:
    assert found is not None
    assert found.columns is not None
    return {column.option: len(column.vectors) for column in found.columns}


async def test_an_insert_while_the_listing_is_read_does_no_harm(world: SimulatedWorld) -> None:
    """The new asset comes last in an ascending walk: one walk is enough."""
    index, _ = await made(world, assets=120)
    world.control.set_knobs(page_drift="insert")

    found = await world.source.snapshot(index)

    assert found.complete
    assert list(found.assets) == world.control.asset_ids(index.index_id)
    assert world.source.requests(index.index_id) == 1 + 3


async def test_a_delete_while_the_listing_is_read_is_noticed(world: SimulatedWorld) -> None:
    """It hides a row from that walk; the next walk is complete."""
    index, names = await made(world, assets=120)
    hold = world.control.hold("GET /indexes/*/indexed-assets?page=2")
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(world.source.snapshot(index))
        await hold.reached()
        world.remove(index.index_id, names[0])
        hold.release()

    found = reading.result()
    assert found.complete
    assert list(found.assets) == names[1:]
    assert world.source.requests(index.index_id) == 1 + 3 + 3


async def test_a_listing_that_never_holds_still_is_incomplete(world: SimulatedWorld) -> None:
    """The number of walks is limited; together they saw every asset."""
    index, _ = await made(world, assets=120)
    world.control.set_knobs(page_drift="delete")

    found = await world.source.snapshot(index)

    assert not found.complete
    assert found.assets.keys() > set(world.control.asset_ids(index.index_id))
    assert world.source.requests(index.index_id) == 1 + 3 * 3


async def test_ties_in_another_order_at_every_page_hide_no_asset_for_ever() -> None:
    """Equal created_at, shuffled per request: another walk finds missed rows, or the snapshot is incomplete."""
    assets = tuple(AssetSpec(filename=f"{number}.mp4") for number in range(60))
    scenario = Scenario(indexes=(IndexSpec(name="ties", created_every=0.0, assets=assets),))
    async with simulated(scenario) as world:
        world.control.set_knobs(tie_order="shuffled")
        index_id = world.control.index_ids[0]
        index = await world.source.index(index_id)
        found = await world.source.snapshot(index)

    everything = set(world.control.asset_ids(index_id))
    assert found.assets.keys() <= everything
    assert found.complete == (found.assets.keys() == everything)


@pytest.mark.parametrize("past_end", ["empty", "null"])
async def test_a_page_past_the_end_is_the_end(past_end: str, world: SimulatedWorld) -> None:
    index, _ = await made(world, assets=0)
    world.control.set_knobs(past_end=past_end)

    assert await world.source.snapshot(index) is not None
    assert (await world.source.snapshot(index)).complete


@pytest.mark.parametrize("status", ["404", "400"])
async def test_a_missing_index_is_gone_however_it_is_said(status: str, world: SimulatedWorld) -> None:
    world.control.set_knobs(missing_index=status)
    index, _ = await made(world)
    world.control.expire_index(index.index_id)

    with pytest.raises(IndexGone, match=index.index_id):
        await world.source.index(index.index_id)
    with pytest.raises(IndexGone, match=index.index_id):
        await world.source.snapshot(index)


@pytest.mark.parametrize("answer", ["200_no_embedding", "400"])
async def test_an_unready_asset_is_a_wait_however_it_is_said(answer: str, world: SimulatedWorld) -> None:
    world.control.set_knobs(not_ready_embedding=answer)
    index, (name,) = await made(world)
    world.set_status(index.index_id, name, "indexing")

    found = await world.source.retrieve(index, name, None, transcript=True)

    assert found is not None
    assert (found.asset.status, found.columns) == ("indexing", None)


async def test_an_unready_asset_that_answers_404_still_exists(world: SimulatedWorld) -> None:
    """Retrieving finds nothing, but existence is asked without embeddings, so nothing would be deleted."""
    world.control.set_knobs(not_ready_embedding="404")
    index, (name,) = await made(world)
    world.set_status(index.index_id, name, "indexing")

    assert await world.source.retrieve(index, name, None, transcript=True) is None
    assert await world.source.exists(index.index_id, name)


async def test_an_embedding_that_lags_is_not_an_empty_one(world: SimulatedWorld) -> None:
    """Right after an asset is ready there may be no embedding; later there is."""
    world.control.set_knobs(ready_lag_s=30)
    index, (name,) = await made(world)
    lagging = await world.source.retrieve(index, name, None, transcript=True)
    world.control.advance(31)
    there = await world.source.retrieve(index, name, None, transcript=True)

    assert lagging is not None
    assert (lagging.asset.status, lagging.columns) == ("ready", None)
    assert shapes(there) == {"visual": 2, "audio": 2, "transcription": 2}


async def test_an_embedding_without_segments_is_an_empty_one(world: SimulatedWorld) -> None:
    world.control.set_knobs(empty_segments=True)
    index, (name,) = await made(world)

    found = await world.source.retrieve(index, name, None, transcript=True)

    assert shapes(found) == {}
    assert found is not None
    assert found.model == "marengo3.0"


@pytest.mark.parametrize("disabled", ["400", "omit"])
@pytest.mark.parametrize(("old", "new"), [("marengo2.7", "marengo3.0"), ("marengo3.0", "marengo2.7")])
async def test_a_migrated_asset_is_found_whether_foreign_options_are_refused_or_left_out(
    disabled: str, old: str, new: str, world: SimulatedWorld
) -> None:
    index, (name,) = await made(world, old)
    world.control.set_knobs(disabled_option=disabled)
    world.migrate(index.index_id, new)

    found = await world.source.retrieve(index, name, None, transcript=True)

    assert found is not None
    assert found.model == new
    assert len(shapes(found)) == {"marengo3.0": 3, "marengo2.7": 2}[new]
    assert world.source.requests(index.index_id) == 3


async def test_a_null_vector_makes_the_asset_malformed(world: SimulatedWorld) -> None:
    world.control.set_knobs(null_float=1.0)
    index, (name,) = await made(world)

    with pytest.raises(MalformedAsset, match=rf"{name}.*segment 0"):
        await world.source.retrieve(index, name, None, transcript=True)


async def points(world: SimulatedWorld, index: Index, name: str, **knobs: Any) -> tuple[str, tuple[str, ...]]:
    world.control.set_knobs(**knobs)
    found = await world.source.retrieve(index, name, None, transcript=True)
    assert found is not None
    made = build(found, index, "fingerprint")
    return made.revision, made.ids


async def test_the_order_of_segments_does_not_matter(world: SimulatedWorld) -> None:
    """Every order gives the same points and the same revision."""
    index, (name,) = await made(world)
    orders = [
        await points(world, index, name, segment_order=order) for order in ("by_option", "interleaved", "shuffled")
    ]

    assert orders[0] == orders[1] == orders[2]


async def test_audio_on_its_own_time_grid_makes_points_of_its_own(world: SimulatedWorld) -> None:
    index, (name,) = await made(world)
    shared = await points(world, index, name, audio_grid="shared")
    own = await points(world, index, name, audio_grid="own")

    assert len(own[1]) > len(shared[1])


@pytest.mark.parametrize("spelling", ["millis", "seconds", "offset"])
async def test_timestamps_stay_as_they_were_sent(spelling: str, world: SimulatedWorld) -> None:
    world.control.set_knobs(timestamps=spelling)
    index, (name,) = await made(world)

    listed = (await world.source.snapshot(index)).assets[name]
    retrieved = await world.source.retrieve(index, name, (), transcript=False)

    assert retrieved is not None
    assert retrieved.asset == listed
    assert listed.created_at == world.control.asset(index.index_id, name)["created_at"]


@pytest.mark.parametrize("headers", ["new", "old", "both", "none"])
@pytest.mark.parametrize("body", ["flat", "nested", "empty"])
@pytest.mark.parametrize("retry_after", [True, False])
async def test_a_rate_limit_in_any_spelling_is_waited_out(
    headers: str, body: str, retry_after: bool, world: SimulatedWorld
) -> None:
    """One listing needs more requests than a rate limit window allows, and still ends complete."""
    index, names = await made(world, assets=51)
    world.time.on_sleep = lambda: world.control.set_knobs(rate_limit=None)
    world.control.set_knobs(
        rate_limit=1, rate_limit_window_s=30, rate_limit_headers=headers, rate_limit_body=body, retry_after=retry_after
    )

    found = await world.source.snapshot(index)

    assert found.complete
    assert list(found.assets) == names
    assert world.time.sleeps
