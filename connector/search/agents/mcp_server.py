"""The tools as an MCP server; the transports are elsewhere."""

import asyncio
from collections.abc import Mapping
from typing import Any

import mcp_types as types
from anyio.lowlevel import checkpoint_if_cancelled
from mcp.server import Server, ServerRequestContext
from mcp.shared.exceptions import MCPError

from connector import __version__
from connector.search.agents.agent_tools import AgentTools, ToolAnswer
from connector.search.agents.tool_specs import BY_NAME, INSTRUCTIONS, TOOLS, ToolSpec

Context = ServerRequestContext[dict[str, object]]


def mcp_server(tools: AgentTools) -> Server[dict[str, object]]:
    """Offers tools only: no resources, prompts or logging."""

    async def list_tools(_: Context, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_described(tool) for tool in TOOLS])

    async def call_tool(_: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        if params.name not in BY_NAME:
            known = ", ".join(BY_NAME)
            raise MCPError(code=types.INVALID_PARAMS, message=f"Unknown tool {params.name[:100]!r}. Tools: {known}")
        answer = await _answer(tools, params.name, params.arguments)
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=answer.text)],
            structured_content=answer.content,
            is_error=answer.content is None,
        )

    return Server(
        "twelvelabs-qdrant-connector",
        version=__version__,
        title="Video moments (TwelveLabs and Qdrant)",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def _answer(tools: AgentTools, tool: str, arguments: Mapping[str, Any] | None) -> ToolAnswer:
    try:
        return await tools.call(tool, arguments)
    except asyncio.CancelledError:
        # gRPC raises one of its own. The package would not know it, and would end the connection: raise that of anyio.
        await checkpoint_if_cancelled()
        raise


def _described(tool: ToolSpec) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.input_schema,
        output_schema=tool.output_schema,
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=True,
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=tool.is_open_world,
        ),
    )
