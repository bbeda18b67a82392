"""The daemon's HTTP endpoints: /livez, /readyz, /api/status and what is added. Read-only; on loopback by default."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connector.domain.errors import ConnectorError
from connector.domain.page import Page, read_page
from connector.web.pages.error_pages import internal_error

LOOP_STALLED_SEC = 30.0

Status = Callable[[Page], Awaitable[dict[str, Any]]]


def web_app(
    heartbeat_age: Callable[[], float],
    reasons: Callable[[], Awaitable[dict[str, str]]],
    status: Status,
    others: Sequence[BaseRoute] = (),
) -> Starlette:
    """`heartbeat_age` returns seconds; `reasons` returns why the daemon cannot work now, empty if it can.

    `others` are served besides.
    """

    async def livez(_: Request) -> Response:
        """Check the event loop only: a restart would not repair a dependency."""
        age = heartbeat_age()
        return JSONResponse({"heartbeat_age_sec": round(age, 3)}, 200 if age < LOOP_STALLED_SEC else 503)

    async def readyz(_: Request) -> Response:
        why = await reasons()
        return JSONResponse({"ready": not why, "reasons": why}, 503 if why else 200)

    async def api_status(request: Request) -> Response:
        try:
            return JSONResponse(await status(read_page(request.query_params)))
        except ValueError as error:
            return JSONResponse({"error": {"code": "usage_error", "message": str(error)}}, 400)
        except ConnectorError as error:
            return JSONResponse({"error": {"code": error.code, "message": str(error)}}, 503)

    endpoints = [Route("/livez", livez), Route("/readyz", readyz), Route("/api/status", api_status)]
    app = Starlette(routes=[*endpoints, *others], exception_handlers={Exception: _crashed})
    # A redirect would repeat the host that the request names.
    app.router.redirect_slashes = False
    return app


def _crashed(request: Request, _: Exception) -> Response:
    """The server logs the traceback."""
    if request.url.path.startswith("/api/"):
        message = "a bug in the connector: the log has the traceback"
        return JSONResponse({"error": {"code": "internal_error", "message": message}}, 500)
    return internal_error(time.time())
