"""Searches on the status page: beside a backfill they neither wait long nor take the requests of the sync."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.app import App
from connector.daemon.text_searches import SearchBounds, TextSearches
from connector.domain.arrays import Float32
from connector.domain.errors import ConfigError, ConnectorError, RateLimited, Unavailable
from connector.domain.sink_model import CollectionInfo
from connector.engine.text_search import ModelMoments
from connector.settings.connector_settings import given_only
from connector.web.connections import ConnectionBounds
from tests import virtual_time
from tests.engine.limited_daemon import PER_MINUTE, REQUEST_SEC, LimitedDaemon, backfilling
from tests.engine.world import INDEX, World
from tests.fakes.sink import FakeSink
from tests.fakes.source import FakeSource


class Silent(FakeSource):
    """Never answers a text."""

    async def embed_text(self, model: str, text: str) -> Float32:
        await asyncio.Event().wait()
        return await super().embed_text(model, text)


class SilentSink(FakeSink):
    async def collections(self) -> list[CollectionInfo]:
        await asyncio.Event().wait()
        return await super().collections()


async def synced(source: FakeSource | None = None, sink: FakeSink | None = None, indexes: str = "*") -> App:
    """Four assets of three segments each, in Qdrant."""
    world = World()
    world.source = source or world.source
    world.source.add_index(INDEX)
    for name in "abcd":
        world.source.add(INDEX, name)
    assert (await world.cycle()).upserted == 4
    if sink:
        world.sink = sink
    settings = given_only(twelvelabs_api_key="key", connector_indexes=indexes)
    return App(settings, world.source, world.sink, world.ledger, world.engine())


def searches(app: App, **bounds: Any) -> TextSearches:
    return TextSearches(app, SearchBounds(**bounds), asyncio.get_running_loop().time)


async def seconds(work: Awaitable[object]) -> float:
    began = asyncio.get_running_loop().time()
    await work
    return asyncio.get_running_loop().time() - began


def with_backfill(directory: Path, scenario: Callable[[LimitedDaemon], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with backfilling(directory) as daemon:
            return await scenario(daemon)

    return virtual_time.run(run())


def error_of(found: list[ModelMoments]) -> ConnectorError:
    (only,) = found
    assert only.error is not None
    return only.error


def test_a_search_does_not_wait_behind_a_backfill(tmp_path: Path) -> None:
    async def scenario(daemon: LimitedDaemon) -> float:
        search = TextSearches(daemon.app, clock=daemon.now)
        return max([await seconds(search.find(f"text {number}", (), 3)) for number in range(5)])

    assert with_backfill(tmp_path, scenario) <= 2 * REQUEST_SEC


def test_searches_leave_half_of_the_requests_to_the_sync(tmp_path: Path) -> None:
    async def scenario(daemon: LimitedDaemon) -> tuple[int, int, RateLimited]:
        limited = given_only(
            twelvelabs_api_key="key", connector_indexes=daemon.index_id, connector_requests_per_minute=PER_MINUTE
        )
        search, began, number = TextSearches(replace(daemon.app, settings=limited), clock=daemon.now), daemon.now(), 0
        while daemon.now() < began + 120:
            found = await search.find(f"text {number}", (), 3)
            number += 1
            if isinstance(found[0].error, RateLimited):
                refused = found[0].error
                await asyncio.sleep(1)
        return len(daemon.sent("embed text with", began)), len(daemon.sent("retrieve asset", began)), refused

    embedded, retrieved, refused = with_backfill(tmp_path, scenario)

    assert PER_MINUTE - 2 <= embedded <= PER_MINUTE + 1, "half of two minutes"
    assert retrieved >= 0.4 * 2 * PER_MINUTE
    assert "30 searches within a minute are the limit" in refused.cause
    assert refused.retry_after is not None
    assert 0 < refused.retry_after <= 60


def test_a_search_gives_up_if_the_rate_limit_admits_no_request(tmp_path: Path) -> None:
    """And the turn that it waited for is not lost for others."""

    async def scenario(daemon: LimitedDaemon) -> tuple[list[ModelMoments], float]:
        daemon.transport._limiter.pause(60.0)
        began = daemon.now()
        return await TextSearches(daemon.app, clock=daemon.now).find("text", (), 3), daemon.now() - began

    found, waited = with_backfill(tmp_path, scenario)

    error = error_of(found)
    assert isinstance(error, RateLimited)
    assert "admitted no request within 10 seconds" in error.cause
    assert waited == pytest.approx(10.0, abs=0.01)


def test_the_same_text_again_costs_no_request(tmp_path: Path) -> None:
    async def scenario(daemon: LimitedDaemon) -> tuple[list[list[ModelMoments]], int]:
        search, began = TextSearches(daemon.app, clock=daemon.now), daemon.now()
        found = [await search.find("text", (), limit) for limit in (3, 3, 5)]
        return found, len(daemon.sent("embed text with", began))

    found, requests = with_backfill(tmp_path, scenario)

    assert requests == 1
    assert found[0][0].hits == found[1][0].hits
    assert found[0][0].hits


def test_no_response_of_the_source_ends_the_search() -> None:
    async def scenario() -> tuple[list[ModelMoments], float]:
        app, began = await synced(Silent()), asyncio.get_running_loop().time()
        return await searches(app).find("text", (), 3), asyncio.get_running_loop().time() - began

    found, waited = virtual_time.run(scenario())

    error = error_of(found)
    assert isinstance(error, Unavailable)
    assert "no response of TwelveLabs within 15 seconds" in error.cause
    assert waited == pytest.approx(15.0)


def test_no_response_of_qdrant_ends_the_search() -> None:
    async def scenario() -> None:
        await searches(await synced(sink=SilentSink())).find("text", (), 3)

    with pytest.raises(Unavailable, match="no result within 40 seconds"):
        virtual_time.run(scenario())


def test_more_searches_than_can_wait_are_refused_at_once() -> None:
    async def scenario() -> list[object]:
        search = searches(await synced(Silent()), at_once=1, waiting=2, slot_sec=100)
        return await asyncio.gather(  # noqa: TID251  the results and the errors in the order of the calls
            *(search.find(f"text {number}", (), 3) for number in range(5)), return_exceptions=True
        )

    found = virtual_time.run(scenario())

    assert [isinstance(it, RateLimited) for it in found] == [False, False, False, True, True]
    assert "3 searches are in progress or waiting" in str(found[-1])


def test_a_search_that_waits_for_others_gives_up_before_its_client_does() -> None:
    async def scenario() -> tuple[Sequence[object], float]:
        search, began = searches(await synced(Silent()), at_once=1), asyncio.get_running_loop().time()
        found = await asyncio.gather(  # noqa: TID251  the results and the errors in the order of the calls
            *(search.find(f"text {number}", (), 3) for number in range(4)), return_exceptions=True
        )
        return found, asyncio.get_running_loop().time() - began

    found, waited = virtual_time.run(scenario())

    assert [isinstance(it, RateLimited) for it in found[2:]] == [True, True]
    assert "no other search ended within 15 seconds" in str(found[-1])
    assert waited <= 30.1


def test_all_that_a_search_may_wait_for_is_less_than_its_client_waits() -> None:
    bounds = SearchBounds()

    assert bounds.slot_sec + bounds.whole_sec < ConnectionBounds().answer_sec


def test_a_search_that_ended_makes_room() -> None:
    async def scenario() -> int:
        search = searches(await synced(), at_once=1, waiting=0)
        return len([await search.find(f"text {number}", (), 3) for number in range(3)])

    assert virtual_time.run(scenario()) == 3


@pytest.mark.parametrize("indexes", ["*", INDEX])
def test_an_index_can_be_chosen_without_a_request(indexes: str) -> None:
    async def scenario() -> tuple[dict[str, str | None], list[ModelMoments], int]:
        app = await synced(indexes=indexes)
        search, before = searches(app), app.source.requests()
        with pytest.raises(ConfigError, match=f"unknown: the connector does not know it. Known indexes: {INDEX}"):
            await search.find("text", ["unknown"], 3)
        assert app.source.requests() == before
        return await search.names(), await search.find("text", [INDEX], 3), app.source.requests() - before

    names, found, requests = virtual_time.run(scenario())

    assert names == {INDEX: f"name of {INDEX}"}
    assert {hit.index_id for it in found for hit in it.hits} == {INDEX}
    assert requests == 1


def test_an_index_that_has_no_points_is_known_but_finds_nothing() -> None:
    async def scenario() -> tuple[dict[str, str | None], list[ModelMoments]]:
        search = searches(await synced(indexes=f"{INDEX},new"))
        return await search.names(), await search.find("text", ["new"], 3)

    names, found = virtual_time.run(scenario())

    assert list(names) == [INDEX, "new"]
    assert found == []
