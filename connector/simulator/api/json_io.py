"""Reads requests and writes responses, for all endpoints."""

from collections.abc import Container, Iterable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from connector.simulator.api.api_errors import ApiError, invalid, not_provided, unknown_parameter

_DEEPEST = 100
_TOO_DEEP = f"it is nested more than {_DEEPEST} levels deep"


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return raw_answer(msgspec.json.encode(value), status, headers)


def raw_answer(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status, dict(headers or {}), media_type="application/json")


def empty(status: int = 204) -> Response:
    return Response(status_code=status)


def decoded(text: bytes | str) -> Any:
    """Parse JSON. Raises ValueError for invalid JSON and for nesting too deep to write again."""
    try:
        value = msgspec.json.decode(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    layer = [value]
    for _ in range(_DEEPEST):
        layer = [inner for outer in layer for inner in _children(outer)]
    if layer:
        raise ValueError(_TOO_DEEP)
    return value


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


async def json_object(request: Request) -> dict[str, Any]:
    """Raises ApiError 400 if the body is not a JSON object."""
    try:
        value = decoded(await request.body())
    except ValueError as error:
        raise ApiError(400, "parameter_invalid", f"The request body is not valid JSON: {error}.") from error
    if not isinstance(value, dict):
        raise ApiError(400, "parameter_invalid", "The request body must be a JSON object.")
    return value


def required(body: Mapping[str, Any], name: str, kind: type) -> Any:
    """Raises ApiError 400 if the value is absent or has another type."""
    if body.get(name) is None:
        raise not_provided(name)
    value = body[name]
    if not isinstance(value, kind) or value == "":
        raise invalid(
            name, f"It must be a non-empty {kind.__name__}." if kind is str else f"It must be a {kind.__name__}."
        )
    return value


def refuse_unknown_keys(body: Mapping[str, Any], known: Container[str]) -> None:
    """Raises ApiError 400 parameter_unknown."""
    for name in body:
        if name not in known:
            raise unknown_parameter(name)


def metadata_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Read `user_metadata`: string, number, boolean, list of strings or null values. Raises ApiError 400."""
    return checked_metadata(required(body, "user_metadata", dict))


def checked_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """Raises ApiError 400 that names the key with an invalid value."""
    for name, value in metadata.items():
        listed = isinstance(value, list) and all(isinstance(item, str) for item in value)
        if not (listed or value is None or isinstance(value, str | int | float | bool)):
            raise invalid(f"user_metadata.{name}", "It must be a string, a number, a boolean or an array of strings.")
    return metadata
