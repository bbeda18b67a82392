"""Many calls of agents at once: what waits, what does not, and what is refused."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client

from connector.search.agents.agent_tools import AT_ONCE
from tests.e2e.agents import StuckStatus, answer, connected, refusal
from tests.e2e.search_world import CAPTIONS, SearchWorld, search_world

MODELS = 2


@pytest.fixture(scope="module")
def world(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchWorld]:
    with search_world(qdrant_binary, tmp_path_factory.mktemp("agents"), embedded=False) as running:
        yield running


@asynccontextmanager
async def held_searches(world: SearchWorld, client: Client, about: str) -> AsyncIterator[None]:
    """As many as run at once wait for TwelveLabs meanwhile, each for both models; they succeed afterwards."""
    holds = [world.simulator.control.hold("POST /embed*", nth) for nth in range(1, AT_ONCE * MODELS + 1)]
    async with asyncio.TaskGroup() as group:
        try:
            searches = [
                group.create_task(answer(client, "search_moments", text=f"{about} {number}", limit=1))
                for number in range(AT_ONCE)
            ]
            for hold in holds:
                await hold.reached()
            yield
        finally:
            for hold in holds:
                hold.release()
    assert [len(it.result()["moments"]) for it in searches] == [1] * AT_ONCE


async def test_searches_that_wait_for_twelvelabs_do_not_stop_the_other_tools(world: SearchWorld) -> None:
    place = {"index_id": world.newer, "indexed_asset_id": world.captioned[world.newer]}
    async with connected(world) as client, held_searches(world, client, "a lighthouse"):
        assert (await answer(client, "list_indexes"))["indexes"]
        assert (await answer(client, "similar_moments", start_sec=0, **place))["moments"]
        assert (await answer(client, "get_video", **place))["transcript"] == " ".join(CAPTIONS)


async def test_a_call_whose_turn_does_not_come_says_that_the_server_is_busy(world: SearchWorld) -> None:
    async with connected(world, wait_sec=0.1) as client, held_searches(world, client, "a ferry"):
        said = await refusal(client, "search_moments", text="one too many")

    assert "The server is busy: 8 other calls have been running" in said
    assert "Send fewer calls at once, and try again in a minute" in said
    assert "does not respond" not in said


async def test_a_cancelled_call_gives_its_turn_back(world: SearchWorld) -> None:
    status = StuckStatus()
    async with connected(world, status=status) as client, asyncio.TaskGroup() as group:
        stuck = [group.create_task(client.call_tool("coverage", {})) for _ in range(AT_ONCE)]
        waiting = group.create_task(answer(client, "list_indexes"))
        await status.began.wait()
        for call in stuck:
            call.cancel()
    assert waiting.result()["indexes"]


async def test_forty_calls_at_once_are_all_answered(world: SearchWorld) -> None:
    async with connected(world) as client, asyncio.TaskGroup() as group:
        calls = [
            group.create_task(answer(client, "search_moments", text=CAPTIONS[it % 4], indexes=[world.newer], limit=1))
            for it in range(40)
        ]
    assert [it.result()["moments"][0]["transcript"] for it in calls] == [CAPTIONS[it % 4] for it in range(40)]
