"""An MCP client of a server in the same process, on a synced world."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import jsonschema
from mcp import Client
from mcp.server import Server
from mcp_types import CallToolResult, TextContent

from connector.search import AsyncVideoSearch
from connector.search.agents.agent_tools import CALL_SEC, WAIT_SEC, AgentTools
from connector.search.agents.mcp_server import mcp_server
from connector.search.agents.tool_specs import BY_NAME
from connector.search.moment_links import link_maker
from tests.e2e.search_world import SearchWorld

NOW = "2026-05-01T12:00:00Z"
Status = Callable[[], Awaitable[Mapping[str, Any] | None]]


async def no_ledger() -> None:
    return None


class StuckStatus:
    """Never answers."""

    def __init__(self) -> None:
        self.began, self.stopped = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> None:
        self.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped.set()


class StuckRequest(StuckStatus):
    """Ends as a request over gRPC does: with a CancelledError of its own, which does not say who cancelled."""

    async def __call__(self) -> None:
        with suppress(asyncio.CancelledError):
            await super().__call__()
        raise asyncio.CancelledError


async def cancel_a_call(client: Client, status: StuckStatus) -> None:
    """Fails by its time limit unless the work stops."""
    async with asyncio.TaskGroup() as tasks:
        call = tasks.create_task(client.call_tool("coverage", {}))
        await status.began.wait()
        call.cancel()
        await status.stopped.wait()


@asynccontextmanager
async def serving(
    world: SearchWorld,
    status: Status = no_ledger,
    call_sec: float = CALL_SEC,
    wait_sec: float = WAIT_SEC,
    **changes: Any,
) -> AsyncIterator[Server[dict[str, object]]]:
    async with AsyncVideoSearch(**world.arguments(link_base_url="https://videos.example", **changes)) as search:
        link = link_maker("https://videos.example", None)
        yield mcp_server(AgentTools(search, status, link, lambda: NOW, call_sec, wait_sec))


@asynccontextmanager
async def connected(world: SearchWorld, mode: str = "auto", **changes: Any) -> AsyncIterator[Client]:
    async with serving(world, **changes) as server, Client(server, mode=mode) as client:
        yield client


async def answer(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured content, which must fit the output schema."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text(result)
    content = result.structured_content
    jsonschema.validate(content, BY_NAME[tool].output_schema)
    found: dict[str, Any] = json.loads(json.dumps(content))
    return found


async def refusal(client: Client, tool: str, **arguments: Any) -> str:
    """What the tool says about an error."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert result.structured_content is None
    said = text(result)
    assert "Traceback" not in said
    return said


def text(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text
