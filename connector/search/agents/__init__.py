"""The MCP server: tools with which agents search the stored videos. Read-only (docs/mcp.md).

Only `mcp_server`, `mcp_http` and `stdio_pipes` know the protocol; the tools themselves know nothing of it.
"""
