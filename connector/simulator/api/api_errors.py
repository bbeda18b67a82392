"""Error responses of the simulated service, and their two body formats."""

from typing import Any


class ApiError(Exception):
    """An error response of the service."""

    def __init__(self, status: int, code: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details


_NESTED_CODES = {
    "too_many_requests": "RATE_LIMIT_EXCEEDED",
    "internal_server_error": "INTERNAL_SERVER_ERROR",
    "content_too_large": "CONTENT_TOO_LARGE",
}
_STATUS_CODES = {
    400: "parameter_invalid",
    401: "api_key_invalid",
    403: "api_not_allowed",
    404: "resource_not_exist",
    408: "request_canceled_or_timed_out",
    409: "conflict",
    413: "content_too_large",
    429: "too_many_requests",
}


def for_status(status: int) -> ApiError:
    """The service's usual error for this status."""
    code = _STATUS_CODES.get(status, "internal_server_error" if status >= 500 else "request_failed")
    return ApiError(status, code, f"The request failed with status {status}.")


def flat_body(error: ApiError) -> dict[str, Any]:
    """`{"code", "message"}`: indexes, assets, tasks, embed v1."""
    return {"code": error.code, "message": error.message}


def nested_body(error: ApiError) -> dict[str, Any]:
    """`{"error": {"code", "message", "details"}}`: embed-v2."""
    default = "INTERNAL_SERVER_ERROR" if error.status >= 500 else "VALIDATION_ERROR"
    code = _NESTED_CODES.get(error.code, error.code.upper() if error.status in {401, 403, 404} else default)
    body: dict[str, Any] = {"code": code, "message": error.message}
    if error.details is not None:
        body["details"] = error.details
    return {"error": body}


def body_for(path: str, error: ApiError) -> dict[str, Any]:
    return nested_body(error) if path.startswith("/embed-v2") else flat_body(error)


def invalid(parameter: str, cause: str) -> ApiError:
    return ApiError(400, "parameter_invalid", f"The {parameter} parameter is invalid. {cause}")


def not_provided(parameter: str) -> ApiError:
    return ApiError(400, "parameter_not_provided", f"The {parameter} parameter is required but was not provided.")


def unknown_parameter(parameter: str) -> ApiError:
    return ApiError(400, "parameter_unknown", f"The request contains the unknown parameter {parameter}.")


def missing(collection: str, identifier: str, status: int = 404) -> ApiError:
    return ApiError(status, "resource_not_exist", f"Resource with id {identifier} does not exist in {collection}.")
