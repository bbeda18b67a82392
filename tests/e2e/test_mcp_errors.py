"""What the tools for agents say when something is wrong: what it is, whose fault, and what to do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError

from connector.cli.status_reading import read_status
from connector.domain.errors import LedgerUnavailable
from connector.domain.page import Page
from connector.search import AsyncVideoSearch
from connector.search.agents.agent_tools import AgentTools
from connector.search.agents.mcp_server import mcp_server
from connector.search.moment_links import link_maker
from connector.settings.connector_settings import given_only
from tests.e2e.agents import NOW, StuckRequest, StuckStatus, answer, cancel_a_call, connected, refusal
from tests.e2e.search_world import SearchWorld, search_world
from tests.qdrant_server import free_port, server_for_tests

SEARCH = "search_moments"
SPAN = {"start_sec": 5, "end_sec": 1}
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def world(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchWorld]:
    with search_world(qdrant_binary, tmp_path_factory.mktemp("agents"), embedded=False) as running:
        yield running


@pytest.mark.parametrize(
    ("tool", "asked", "says"),
    [
        (SEARCH, {}, "argument text: it is missing. search_moments needs it"),
        (SEARCH, {"text": ""}, 'argument text: it is empty. Example: "goal celebration"'),
        (SEARCH, {"text": "  "}, "text: it is empty"),
        (SEARCH, {"text": "x" * 2001}, "argument text: it is longer than 2000"),
        (SEARCH, {"text": 3}, "argument text: 3 is not of type string"),
        (SEARCH, {"text": "x", "limits": 3}, "no such argument. Did you mean limit?"),
        (SEARCH, {"text": "x", "limit": 51}, "argument limit: 51 is above 50. Default: 10"),
        (SEARCH, {"text": "x", "limit": "3"}, 'argument limit: "3" is not of type integer'),
        (SEARCH, {"text": "x", "offset": -1}, "argument offset: -1 is below 0"),
        (SEARCH, {"text": "x", "options": ["smell"]}, '"smell" is not visual or audio or transcription or visual-text'),
        (SEARCH, {"text": "x", "indexes": ["stranger"]}, "index stranger: it has no points. Indexes with points: "),
        (SEARCH, {"text": "x", "indexes": []}, "argument indexes: it is empty"),
        (SEARCH, {"text": "x", "filters": {"categry": "sea"}}, "Did you mean category?"),
        (SEARCH, {"text": "x", "filters": {"batch": {"above": 3}}}, "not allowed: use gt, gte, lt, lte"),
        (SEARCH, {"text": "x", "filters": {"batch": {"gte": 3, "lt": 2}}}, "its range is inverted"),
        (SEARCH, {"text": "x", "filters": {"filename": 3}}, "filter filename: 3 is not text"),
        (SEARCH, {"text": "x", "time_range": SPAN}, "argument time_range: 5 to 1 is not a range of time"),
        (SEARCH, {"text": "x", "time_range": [1, 5]}, "argument time_range: [1, 5] is not of type object"),
        (SEARCH, {"text": "x", "after": "yesterday"}, "'yesterday' is not a date. Use a date, 2026-03-01"),
        (SEARCH, {"text": "x", "merge_gap_sec": -1}, "argument merge_gap_sec: -1 is below 0"),
        ("similar_moments", {"index_id": "a", "indexed_asset_id": "b"}, "argument start_sec: it is missing"),
        (
            "similar_moments",
            {"index_id": "a", "indexed_asset_id": "b", "start_sec": 1},
            "has none stored. Take index_id, indexed_asset_id and start_sec from a moment",
        ),
        ("get_video", {"index_id": "a"}, "argument indexed_asset_id: it is missing"),
        ("get_video", {"index_id": "a", "indexed_asset_id": "b"}, "index a: it has no points. Indexes with points: "),
        (
            "get_video",
            {"index_id": "a", "indexed_asset_id": "b", "time_range": SPAN},
            "start_sec must be below end_sec",
        ),
        ("get_video", {"index_id": "a", "indexed_asset_id": "b", "limit": 501}, "501 is above 500"),
        ("list_indexes", {"offset": 1.5}, "argument offset: 1.5 is not of type integer"),
        ("coverage", {"indexes": ["stranger"]}, "index stranger: it is not known here. Known indexes: "),
        ("coverage", {"index": "x"}, "no such argument. Did you mean indexes?"),
    ],
)
async def test_a_mistake_says_what_is_right(world: SearchWorld, tool: str, asked: dict[str, Any], says: str) -> None:
    async with connected(world) as client:
        assert says in await refusal(client, tool, **asked)


async def test_an_asset_of_a_known_index_that_is_not_stored(world: SearchWorld) -> None:
    async with connected(world) as client:
        said = await refusal(client, "get_video", index_id=world.newer, indexed_asset_id="stranger")

    assert f"asset stranger: index {world.newer} has no segment of it" in said


async def test_null_means_omitted(world: SearchWorld) -> None:
    async with connected(world) as client:
        found = await answer(client, SEARCH, text="goal", limit=None, filters=None, indexes=None)

    assert len(found["moments"]) == 10


async def test_an_unknown_tool_is_an_error_of_the_protocol(world: SearchWorld) -> None:
    async with connected(world) as client:
        with pytest.raises(MCPError, match="Unknown tool 'delete_video'"):
            await client.call_tool("delete_video", {})


async def test_only_configured_indexes_exist(world: SearchWorld) -> None:
    settings = given_only(
        twelvelabs_api_key="k",
        connector_indexes=world.newer,
        qdrant_url=world.server.url,
        qdrant_grpc_port=world.server.grpc_port,
        twelvelabs_base_url=world.simulator.base_url,
        connector_data_dir=world.connector.directory / "data",
    )
    async with AsyncVideoSearch.from_settings(settings) as search:
        tools = AgentTools(search, lambda: read_status(settings, Page(0, 1)), link_maker("", None), lambda: NOW)
        async with Client(mcp_server(tools)) as client:
            (listed,) = (await answer(client, "list_indexes"))["indexes"]
            (covered,) = (await answer(client, "coverage"))["indexes"]
            unknown = await refusal(client, "coverage", indexes=[world.older])
            found = await answer(client, SEARCH, text="goal", limit=50)
            place = {"index_id": world.older, "indexed_asset_id": world.captioned[world.older]}
            refused = [
                await refusal(client, SEARCH, text="goal", indexes=[world.older]),
                await refusal(client, "similar_moments", start_sec=0, **place),
                await refusal(client, "get_video", **place),
            ]

    assert listed["index_id"] == covered["index_id"] == world.newer
    assert f"index {world.older}: it is not known here. Known indexes: {world.newer}." in unknown
    assert {it["index_id"] for it in found["moments"]} == {world.newer}
    for said in refused:
        assert f"index {world.older}: it is not configured. Known indexes: {world.newer}" in said


async def test_without_a_key_everything_else_works(world: SearchWorld) -> None:
    async with connected(world, twelvelabs_api_key=None) as client:
        said = await refusal(client, SEARCH, text="goal")
        place = {"index_id": world.newer, "indexed_asset_id": world.captioned[world.newer]}
        assert (await answer(client, "similar_moments", start_sec=0, **place))["moments"]

    assert said.startswith("TWELVELABS_API_KEY is not set for this server")
    assert "similar_moments, get_video, list_indexes and coverage work without it" in said


@pytest.mark.usefixtures("no_waiting")
async def test_qdrant_is_down(world: SearchWorld) -> None:
    async with connected(world, qdrant_url=NOWHERE, qdrant_grpc_port=1) as client:
        for tool, asked in ((SEARCH, {"text": "goal"}), ("list_indexes", {}), ("coverage", {})):
            said = await refusal(client, tool, **asked)
            assert "Qdrant does not respond now; the arguments are not the cause. Try again in a minute." in said


async def test_twelvelabs_is_down(world: SearchWorld) -> None:
    hold = world.simulator.control.hold("POST /embed*")
    try:
        async with connected(world, call_sec=0.5) as client:
            said = await refusal(client, SEARCH, text="a text that was not embedded before")
    finally:
        hold.release()

    assert "TwelveLabs does not respond now; the arguments are not the cause. Try again in a minute." in said


async def test_a_wrong_key_is_not_the_agents_fault(world: SearchWorld, qdrant_binary: Path, tmp_path: Path) -> None:
    (tmp_path / "qdrant").mkdir()
    with server_for_tests(qdrant_binary, tmp_path / "qdrant", {"QDRANT__SERVICE__API_KEY": "a-key"}) as secured:
        secured.start()
        secured_place: dict[str, Any] = {
            "qdrant_url": secured.url,
            "qdrant_grpc_port": secured.grpc_port,
            "qdrant_api_key": "another",
        }
        async with connected(world, **secured_place) as client:
            said = await refusal(client, "list_indexes")

    assert "Check QDRANT_API_KEY" in said
    assert "a person has to correct the settings" in said
    assert "another" not in said


async def test_nothing_is_synced_yet(world: SearchWorld) -> None:
    async with connected(world, collections=(), collection="nothing-{model}", qdrant_grpc_port=free_port()) as client:
        await answer(client, "list_indexes")  # other names do not hide what the connector made
    async with connected(world, qdrant_url="embedded", data_dir=world.connector.directory / "empty") as client:
        for tool, asked in ((SEARCH, {"text": "goal"}), ("list_indexes", {}), ("coverage", {})):
            assert "Run `connector sync` first" in await refusal(client, tool, **asked)


async def test_a_ledger_that_cannot_be_read(world: SearchWorld) -> None:
    async def status() -> None:
        raise LedgerUnavailable("read ledger", "ledger.sqlite3", "it is locked")

    async with connected(world, status=status) as client:
        assert "it is locked. Try again in a minute." in await refusal(client, "coverage")


async def test_a_bug_is_no_traceback(world: SearchWorld) -> None:
    async def status() -> None:
        raise ZeroDivisionError("by zero")

    async with connected(world, status=status) as client:
        assert "ZeroDivisionError: by zero. This is a bug in the connector" in await refusal(client, "coverage")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("stuck", [StuckStatus, StuckRequest])
async def test_a_cancelled_call_stops_its_work(world: SearchWorld, mode: str, stuck: type[StuckStatus]) -> None:
    status = stuck()
    async with connected(world, mode, status=status) as client:
        await cancel_a_call(client, status)
        assert (await answer(client, "list_indexes"))["indexes"]
