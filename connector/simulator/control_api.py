"""The control operations over HTTP, without a key: `POST /_control/<operation>` with the arguments as a JSON object.

GET /_control/ lists the operations with all their arguments. Read with GET: /_control/state, /knobs,
/requests?pattern=&since=, /deliveries, /indexes/{id}/assets and /indexes/{id}/assets/{id}. POST /_control/hold answers
{"hold": n}, then GET /_control/holds/{n}?timeout=s waits until a request is held (408 if none comes) and
POST /_control/holds/{n}/release lets it go. Mistakes answer 400 {"error": text}.
"""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from connector.simulator.api.json_io import answer, decoded
from connector.simulator.control import CHANGEABLE, Control
from connector.simulator.faults.fault_board import Hold
from connector.simulator.world.knobs import Knobs
from connector.simulator.world.scenario import AssetSpec, FaultSpec

OPERATIONS = (
    "add_index",
    "add_asset",
    "update_asset",
    "set_status",
    "restart",
    "reindex",
    "migrate",
    "expire_index",
    "delete_index",
    "delete_asset",
    "patch_metadata",
    "advance",
    "set_knobs",
    "inject",
    "clear_faults",
    "clear_requests",
    "set_webhook",
    "emit",
)
_KEYWORDS: dict[str, tuple[str, ...]] = {
    "add_asset": AssetSpec.__struct_fields__,
    "update_asset": CHANGEABLE,
    "set_knobs": Knobs.__struct_fields__,
    "inject": tuple(name for name in FaultSpec.__struct_fields__ if name != "match"),
}
"""What the operations with `**keywords` accept."""

_NOT_SENT = "rewrite"  # a Python function
_LONGEST_WAIT = 600.0


class ControlApi:
    def __init__(self, control: Control) -> None:
        self._control = control
        self._holds: list[Hold] = []

    def routes(self) -> list[Route]:
        return [
            Route("/", self.overview, methods=["GET"]),
            Route("/state", self.state, methods=["GET"]),
            Route("/knobs", self.knobs, methods=["GET"]),
            Route("/requests", self.requests, methods=["GET"]),
            Route("/deliveries", self.deliveries, methods=["GET"]),
            Route("/indexes/{index}/assets", self.assets, methods=["GET"]),
            Route("/indexes/{index}/assets/{asset}", self.asset, methods=["GET"]),
            Route("/hold", self.hold, methods=["POST"]),
            Route("/holds/{number:int}", self.wait, methods=["GET"]),
            Route("/holds/{number:int}/release", self.release, methods=["POST"]),
            Route("/{operation}", self.operate, methods=["POST"]),
        ]

    async def overview(self, _request: Request) -> Response:
        named = {name: inspect.signature(getattr(self._control, name)) for name in (*OPERATIONS, "hold")}
        return answer({"operations": {name: _accepted(name, signature) for name, signature in named.items()}})

    async def state(self, _request: Request) -> Response:
        control = self._control
        indexes = [control.index(index) for index in control.index_ids]
        return answer({"now": control.now, "indexes": indexes, "requests": control.requests.total})

    async def knobs(self, _request: Request) -> Response:
        return answer(self._control.knobs)

    async def requests(self, request: Request) -> Response:
        query = request.query_params
        entries = self._control.requests.matching(query.get("pattern", "**"), int(query.get("since", "0")))
        return answer({"total": self._control.requests.total, "requests": entries})

    async def deliveries(self, _request: Request) -> Response:
        return answer(self._control.deliveries)

    async def assets(self, request: Request) -> Response:
        return answer(self._control.asset_ids(request.path_params["index"]))

    async def asset(self, request: Request) -> Response:
        return answer(self._control.asset(request.path_params["index"], request.path_params["asset"]))

    async def hold(self, request: Request) -> Response:
        self._holds.append(_call(self._control.hold, await request.body()))
        return answer({"hold": len(self._holds)})

    async def wait(self, request: Request) -> Response:
        hold, seconds = self._hold(request), float(request.query_params.get("timeout", "30"))
        if not seconds >= 0:
            raise ValueError(f"timeout={seconds}: give a number of seconds >= 0")
        try:
            async with asyncio.timeout(min(seconds, _LONGEST_WAIT)):
                return answer({"reached": await hold.reached()})
        except TimeoutError:
            return answer({"error": f"no matching request within {seconds:g} s"}, 408)

    async def release(self, request: Request) -> Response:
        self._hold(request).release()
        return answer({"released": True})

    async def operate(self, request: Request) -> Response:
        name = request.path_params["operation"]
        if name not in OPERATIONS:
            raise ValueError(f"no operation {name!r}; there are {', '.join(OPERATIONS)}, hold")
        return answer({"result": _call(getattr(self._control, name), await request.body())})

    def _hold(self, request: Request) -> Hold:
        number: int = request.path_params["number"]
        if not 1 <= number <= len(self._holds):
            raise ValueError(f"no hold {number}; POST /_control/hold makes one")
        return self._holds[number - 1]


def control_application(control: Control) -> Starlette:
    app = Starlette(routes=[Mount("/_control", routes=ControlApi(control).routes())])
    app.add_exception_handler(ValueError, _mistake)
    return app


async def _mistake(_request: Request, error: Exception) -> Response:
    return answer({"error": str(error)}, 400)


def _accepted(name: str, signature: inspect.Signature) -> list[str]:
    """The names of all arguments that the operation accepts over HTTP."""
    declared = [key for key, it in signature.parameters.items() if it.kind is not it.VAR_KEYWORD and key != _NOT_SENT]
    return list(dict.fromkeys((*declared, *_KEYWORDS.get(name, ()))))


def _call(operation: Callable[..., Any], body: bytes) -> Any:
    """Call the operation with the JSON object's keys as arguments. Raises ValueError that names an invalid argument."""
    arguments = _arguments(operation, body)
    try:
        bound = inspect.signature(operation).bind(**arguments)
    except TypeError as error:
        raise ValueError(f"{operation.__name__}: {error}") from error
    return operation(*bound.args, **bound.kwargs)


def _arguments(operation: Callable[..., Any], body: bytes) -> dict[str, Any]:
    hints = {name: hint for name, hint in get_type_hints(operation).items() if name != _NOT_SENT}
    named = inspect.signature(operation).parameters
    given = msgspec.convert(decoded(body or b"{}"), dict[str, Any])
    if _NOT_SENT in given:
        raise ValueError(f"{operation.__name__}: {_NOT_SENT} is a Python function and cannot be sent")
    return {name: _converted(name, value, hints) if name in named else value for name, value in given.items()}


def _converted(name: str, value: Any, hints: dict[str, Any]) -> Any:
    try:
        return msgspec.convert(value, hints[name])
    except msgspec.ValidationError as error:
        raise ValueError(f"{name}: {error}") from error
