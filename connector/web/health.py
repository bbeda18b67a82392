"""The daemon's HTTP endpoints /livez, /readyz and /api/status. Read-only; on loopback by default."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connector.domain.errors import ConnectorError

LOOP_STALLED_SEC = 30.0

Status = Callable[[], Awaitable[dict[str, Any]]]


def web_app(
    heartbeat_age: Callable[[], float], reasons: Callable[[], Awaitable[dict[str, str]]], status: Status
) -> Starlette:
    """`heartbeat_age` returns seconds; `reasons` returns why the daemon cannot work now, empty if it can."""

    async def livez(_: Request) -> Response:
        """Check the event loop only: a restart would not repair a dependency."""
        age = heartbeat_age()
        return JSONResponse({"heartbeat_age_sec": round(age, 3)}, 200 if age < LOOP_STALLED_SEC else 503)

    async def readyz(_: Request) -> Response:
        why = await reasons()
        return JSONResponse({"ready": not why, "reasons": why}, 503 if why else 200)

    async def api_status(_: Request) -> Response:
        try:
            return JSONResponse(await status())
        except ConnectorError as error:
            return JSONResponse({"error": {"code": error.code, "message": str(error)}}, 503)

    app = Starlette(routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/api/status", api_status)])
    # A redirect would repeat the host that the request names.
    app.router.redirect_slashes = False
    return app
