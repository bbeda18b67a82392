"""`connector mcp --collection ALIAS`: agents follow the alias that a reindex moves."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.e2e.agents import answer, refusal
from tests.e2e.reindex_world import ReindexWorld, reindex_world
from tests.fork_server import ROOT

NEW = "videos-v2-marengo3.0"
PATIENCE_SEC = 60.0


@pytest.fixture(scope="module")
def world(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReindexWorld]:
    with reindex_world(qdrant_binary, tmp_path_factory.mktemp("reindex")) as running:
        assert running.connector.run("sync").code == 0
        kept = ("--set", "CONNECTOR_TRANSCRIPT=false", "--create-alias")
        running.reindex("start", "videos", "--into", "videos-v2", *kept)
        yield running


@asynccontextmanager
async def agent(world: ReindexWorld, *arguments: str) -> AsyncIterator[Client]:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "connector", "mcp", *arguments],
        env={**world.connector.settings, "PYTHONPATH": str(ROOT)},
        cwd=world.connector.directory,
    )
    async with Client(stdio_client(server)) as client:
        yield client


async def bell(client: Client) -> dict[str, Any]:
    """The moment. Only the first collection has transcripts."""
    found = await answer(client, "search_moments", text="monks ring a bronze bell", limit=1)
    assert found["moments"][0]["filename"] == "bell.mp4"
    return dict(found["moments"][0])


async def test_agents_follow_an_alias(world: ReindexWorld) -> None:
    async with agent(world, "--collection", "videos") as client:
        before = await bell(client)
        (listed,) = (await answer(client, "list_indexes"))["indexes"]
        world.reindex("switch", "videos")
        assert world.alias_at() == NEW
        async with asyncio.timeout(PATIENCE_SEC):
            while (await bell(client))["transcript"]:
                pass
        video = await answer(client, "get_video", **{name: before[name] for name in ("index_id", "indexed_asset_id")})
        (moved,) = (await answer(client, "list_indexes"))["indexes"]

    assert before["transcript"] == "hear the bell"
    assert (listed["collection"], moved["collection"]) == ("videos", "videos")
    assert (listed["index_id"], moved["index_id"]) == (world.newer, world.newer)
    assert video["transcript"] == ""


async def test_an_unknown_collection_says_which_there_are(world: ReindexWorld) -> None:
    async with agent(world, "--collection", "vidoes") as client:
        said = await refusal(client, "search_moments", text="a bell")

    assert "vidoes: it does not exist. Collections of the connector: " in said
    assert "twelvelabs-marengo3.0" in said
