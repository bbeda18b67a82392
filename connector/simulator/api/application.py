"""The endpoints under /v1.3 behind the gate, and the control API next to them."""

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.simulator.api.api_errors import ApiError, body_for
from connector.simulator.api.assets_api import AssetsApi
from connector.simulator.api.embed_api import EmbedApi
from connector.simulator.api.embed_tasks_api import EmbedTasksApi
from connector.simulator.api.embed_v2_tasks_api import EmbedV2TasksApi
from connector.simulator.api.indexed_assets_api import IndexedAssetsApi
from connector.simulator.api.indexes_api import IndexesApi
from connector.simulator.api.json_io import raw_answer
from connector.simulator.api.patterns import PREFIX
from connector.simulator.api.search_api import SearchApi
from connector.simulator.api.tasks_api import TasksApi
from connector.simulator.world.world import World

CONTROL_PREFIX = "/_control"


def service(world: World) -> Starlette:
    """The simulated API without faults, keys and limits."""
    app = Starlette(routes=[Mount(PREFIX, app=Router(routes_of(world), redirect_slashes=False))])
    app.add_exception_handler(ApiError, _refused)
    app.add_exception_handler(HTTPException, _unknown)
    return app


def routes_of(world: World) -> list[Route]:
    """All endpoints; their paths have no version prefix."""
    return [
        *IndexesApi(world).routes(),
        *IndexedAssetsApi(world).routes(),
        *TasksApi(world).routes(),
        *AssetsApi(world).routes(),
        *EmbedApi().routes(),
        *EmbedTasksApi(world).routes(),
        *EmbedV2TasksApi(world).routes(),
        *SearchApi(world).routes(),
    ]


def side_by_side(control: ASGIApp, gate: ASGIApp) -> ASGIApp:
    """Route requests under the control prefix to the control API, without key and log; all others to the gate."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = control if scope["path"].startswith(f"{CONTROL_PREFIX}/") else gate
        await chosen(scope, receive, send)

    return app


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, ApiError):
        raise error
    path = request.url.path.removeprefix(PREFIX)
    return raw_answer(msgspec.json.encode(body_for(path, error)), error.status)


async def _unknown(request: Request, error: Exception) -> Response:
    """Error for an unknown path, a wrong method or an unreadable form."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    if status == 400:
        return await _refused(request, ApiError(400, "parameter_invalid", "The request body is not a valid form."))
    code, message = ("not_found", "The requested path") if status == 404 else ("method_not_allowed", "This method")
    return await _refused(
        request, ApiError(status, code, f"{message} does not exist: {request.method} {request.url.path}")
    )
