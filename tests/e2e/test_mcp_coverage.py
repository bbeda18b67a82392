"""`coverage` names what is configured but was never synced, and only that."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client

from connector.cli.status_reading import read_status
from connector.domain.page import Page
from connector.search import AsyncVideoSearch
from connector.search.agents.agent_tools import AgentTools
from connector.search.agents.mcp_server import mcp_server
from connector.search.moment_links import link_maker
from connector.settings.connector_settings import given_only
from tests.e2e.agents import NOW, Status, answer, no_ledger, refusal, text
from tests.e2e.search_world import SearchWorld, search_world

NEVER = "66aa00000000000000000009"
SOURCES = pytest.mark.parametrize("source", ["ledger", "qdrant"])


@pytest.fixture(scope="module")
def world(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchWorld]:
    with search_world(qdrant_binary, tmp_path_factory.mktemp("agents"), embedded=False) as running:
        yield running


@asynccontextmanager
async def agent(world: SearchWorld, source: str, *indexes: str) -> AsyncIterator[Client]:
    settings = given_only(
        twelvelabs_api_key="k",
        connector_indexes=",".join(indexes),
        qdrant_url=world.server.url,
        qdrant_grpc_port=world.server.grpc_port,
        connector_data_dir=world.connector.directory / "data",
    )
    status: Status = no_ledger if source == "qdrant" else lambda: read_status(settings, Page(0, 1))
    async with AsyncVideoSearch.from_settings(settings) as search:
        tools = AgentTools(search, status, link_maker("", None), lambda: NOW)
        async with Client(mcp_server(tools)) as client:
            yield client


@SOURCES
async def test_an_index_that_was_never_synced_is_listed(world: SearchWorld, source: str) -> None:
    async with agent(world, source, NEVER, world.newer) as client:
        found = await answer(client, "coverage")
        shown = text(await client.call_tool("coverage", {}))
        only = await answer(client, "coverage", indexes=[NEVER])
        second = await answer(client, "coverage", offset=1)

    assert found["source"] == source
    assert [(it["index_id"], it["never_synced"]) for it in found["indexes"]] == [(world.newer, False), (NEVER, True)]
    never = found["indexes"][1]
    assert (never["applied"], never["segments"], never["last_success_at"], never["error"]) == (0, 0, None, None)
    assert f'index_id "{NEVER}", applied 0, segments 0, never_synced True' in shown
    assert f"never synced, so nothing of them can be found: {NEVER}." in " ".join(found["notes"])
    assert only["indexes"] == second["indexes"] == [never]


@SOURCES
async def test_what_is_not_configured_is_not_listed(world: SearchWorld, source: str) -> None:
    async with agent(world, source, NEVER) as client:
        (never,) = (await answer(client, "coverage"))["indexes"]
        said = await refusal(client, "coverage", indexes=[world.newer])
        unlisted = await refusal(client, "list_indexes")

    assert (never["index_id"], never["never_synced"]) == (NEVER, True)
    assert f"Known indexes: {NEVER}." in said
    assert "Run `connector sync` first" in unlisted


@SOURCES
async def test_with_every_index_offered_only_known_ones_are_listed(world: SearchWorld, source: str) -> None:
    async with agent(world, source, "*") as client:
        found = await answer(client, "coverage")

    assert {it["index_id"] for it in found["indexes"]} == {world.newer, world.older}
    assert [it for it in found["indexes"] if it["never_synced"]] == []
