"""MCP over streamable HTTP, for clients that are programs: pages of a browser are refused."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from mcp.server import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.domain.errors import ConfigError
from connector.web.access import Guard, is_loopback
from connector.web.listener import listening

PATH = "/mcp"
_LONGEST_REQUEST = 1024 * 1024
_MOST_SESSIONS = 200
_IDLE_SEC = 1800.0


def check_token(host: str, token: str | None) -> None:
    """Raises ConfigError if others than this machine could connect without a token."""
    if not token and not is_loopback(host):
        cause = "other machines could read everything there without a token"
        advice = "Set CONNECTOR_HTTP_TOKEN, or use --host 127.0.0.1"
        raise ConfigError("listen on", f"--host {host}", cause, advice)


@asynccontextmanager
async def serving_http(
    server: Server[dict[str, object]], host: str, port: int, token: str | None
) -> AsyncIterator[int]:
    """Serve until the block ends; yield the port. Raises ConfigError if it cannot listen, or like `check_token`."""
    check_token(host, token)
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        max_request_body_size=_LONGEST_REQUEST,
        session_idle_timeout=_IDLE_SEC,
        max_sessions=_MOST_SESSIONS,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        host=host,
    )
    guarded = Guard(ProgramsOnly(app), host, token)
    async with server.session_manager.run(), listening(guarded, host, port, setting="--port") as bound:
        yield bound


class ProgramsOnly:
    """Refuses requests of web pages, and streams that would never carry a message.

    `Guard` has checked the Host header and the token. An Origin header comes from a browser: it must be this server.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = _refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)


def _refusal(scope: Scope) -> Response | None:
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
        error = {"code": "foreign_site", "message": "a page of another site sent this request"}
        return JSONResponse({"error": error}, 403)
    if scope["path"] == PATH and scope["method"] == "GET":
        return Response("This server sends no messages of its own: use POST", 405, {"Allow": "POST, DELETE"})
    return None
