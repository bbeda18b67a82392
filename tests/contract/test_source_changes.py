"""The contract of `Source` for polls; every implementation, including the fake, passes it."""

from collections.abc import AsyncIterator

import pytest

from connector.domain.errors import AuthenticationFailed, ConnectorError, IndexGone, Unavailable
from connector.domain.source_model import IN_PROGRESS, Changes, Index, IndexedAsset, IndexingTask, Progress
from connector.domain.timestamps import epoch
from tests.contract.source_worlds import WORLDS, Trouble, World, world_of

UNKNOWN = "6" * 24


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with world_of(request.param) as world:
        yield world


class Poller:
    """An index with three assets, polled once; `since` is the latest date seen."""

    def __init__(self, world: World) -> None:
        self.world, self.source = world, world.source
        self.index_id = world.add_index("marengo3.0")
        self.names = [world.add(self.index_id) for _ in range(3)]
        self.since = 0.0

    async def look(self) -> None:
        found = await self.source.snapshot(await self.index())
        self.since = max(_date(asset) for asset in found.assets.values())

    async def index(self) -> Index:
        return await self.source.index(self.index_id)

    async def changes(self) -> Changes:
        return await self.source.changes(await self.index(), self.since)

    async def progress(self, *pending: str) -> Progress:
        return await self.source.progress(await self.index(), pending)

    async def news(self) -> dict[str, str]:
        """Status by id of what is new or changed."""
        found = await self.changes()
        return {name: it.status for name, it in found.assets.items() if _date(it) > self.since}


def _date(asset: IndexedAsset) -> float:
    return max(epoch(asset.created_at or ""), epoch(asset.updated_at or ""))


@pytest.fixture
async def poller(world: World) -> Poller:
    poller = Poller(world)
    await poller.look()
    return poller


async def test_without_a_date_everything_is_news(poller: Poller) -> None:
    found = await poller.source.changes(await poller.index(), None)

    assert set(found.assets) == set(poller.names)
    assert found.assets == (await poller.source.snapshot(await poller.index())).assets


async def test_nothing_changed_is_no_news(poller: Poller) -> None:
    assert await poller.news() == {}


async def test_only_what_bears_the_date_or_a_later_one_is_shown(poller: Poller) -> None:
    """The caller decides the start: no source adds an overlap."""
    latest = poller.world.add(poller.index_id)
    await poller.look()

    assert set((await poller.changes()).assets) == {latest}


async def test_a_new_asset_is_news_whatever_its_status(poller: Poller) -> None:
    made = {}
    for status in ("ready", *IN_PROGRESS, "failed", "levitating"):
        name = poller.world.add(poller.index_id)
        poller.world.set_status(poller.index_id, name, status)
        made[name] = status

    assert await poller.news() == made


async def test_a_touched_asset_is_news(poller: Poller) -> None:
    poller.world.change(poller.index_id, poller.names[0])

    assert await poller.news() == {poller.names[0]: "ready"}


async def test_more_news_than_a_page_holds_is_all_found(poller: Poller) -> None:
    made = {poller.world.add(poller.index_id) for _ in range(120)}

    assert set(await poller.news()) == made


async def test_pending_assets_are_in_progress_or_have_a_row(poller: Poller) -> None:
    """A deleted one is neither."""
    slow, done, gone = [poller.world.add(poller.index_id) for _ in range(3)]
    for name in (slow, done, gone):
        poller.world.set_status(poller.index_id, name, "indexing")
    poller.world.set_status(poller.index_id, done, "ready")
    poller.world.remove(poller.index_id, gone)

    found = await poller.progress(slow, done, gone)

    assert {name: row.status for name, row in found.assets.items()} == {done: "ready"}
    assert found.pending == {slow}


async def test_nothing_pending_is_not_asked_about(poller: Poller) -> None:
    index = await poller.index()
    requests = poller.source.requests()

    assert await poller.source.progress(index, ()) == Progress({}, frozenset())
    assert poller.source.requests() == requests


async def test_pending_assets_of_any_kind_of_progress_are_on_their_way(poller: Poller) -> None:
    made = [poller.world.add(poller.index_id) for _ in IN_PROGRESS]
    for name, status in zip(made, IN_PROGRESS, strict=True):
        poller.world.set_status(poller.index_id, name, status)
    assert await poller.progress(*made, UNKNOWN) == Progress({}, frozenset(made))


async def test_another_index_is_not_looked_at(poller: Poller) -> None:
    other = poller.world.add_index("marengo3.0")
    poller.world.add(other)

    assert await poller.news() == {}


async def test_an_index_that_is_gone_is_said_to_be_gone(poller: Poller) -> None:
    index = await poller.index()
    poller.world.remove_index(poller.index_id)

    with pytest.raises(IndexGone, match=poller.index_id):
        await poller.source.changes(index, poller.since)
    with pytest.raises(IndexGone, match=poller.index_id):
        await poller.source.progress(index, poller.names)


async def test_one_row_is_as_the_listing_shows_it(poller: Poller) -> None:
    index = await poller.index()
    listed = (await poller.source.snapshot(index)).assets
    gone = poller.names[0]
    poller.world.remove(poller.index_id, gone)

    assert await poller.source.asset(index, poller.names[1]) == listed[poller.names[1]]
    assert await poller.source.asset(index, gone) is None


async def test_a_task_names_its_index_and_its_asset(poller: Poller) -> None:
    other = poller.world.add_index("marengo3.0")
    asset_id = poller.world.add(other)
    task = poller.world.task_of(other, asset_id)

    assert await poller.source.task(task) == IndexingTask(other, asset_id)
    assert await poller.source.task(UNKNOWN) is None


@pytest.mark.parametrize("task_id", ["", "a/b", "..", "a?b", "a b", "a\n", "ä"])
async def test_what_cannot_be_a_task_id_is_no_task(poller: Poller, task_id: str) -> None:
    """It comes from the internet, so it is not even requested."""
    requests = poller.source.requests()

    assert await poller.source.task(task_id) is None
    assert poller.source.requests() - requests <= 1


@pytest.mark.parametrize(("trouble", "error"), [("outage", Unavailable), ("key refused", AuthenticationFailed)])
async def test_trouble_has_the_same_error_here(poller: Poller, trouble: Trouble, error: type[ConnectorError]) -> None:
    index = await poller.index()
    await poller.source.ping()
    poller.world.begin(trouble)

    with pytest.raises(error):
        await poller.source.changes(index, poller.since)
    with pytest.raises(error):
        await poller.source.progress(index, poller.names)
    with pytest.raises(error):
        await poller.source.asset(index, poller.names[0])
    with pytest.raises(error):
        await poller.source.task("some-task")
    with pytest.raises(error):
        await poller.source.ping()
