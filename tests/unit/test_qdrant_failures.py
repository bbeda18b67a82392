"""Every exception of Qdrant's client is translated, by type and status."""

import inspect
import sqlite3
from http import HTTPStatus
from types import ModuleType

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
import pytest
from httpx import ConnectError, Headers
from qdrant_client.common import client_exceptions
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http import exceptions as http_exceptions
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from connector.domain.errors import (
    AuthenticationFailed,
    ConnectorError,
    PointsRejected,
    RateLimited,
    SinkMismatch,
    SinkUnavailable,
    Unavailable,
)
from connector.qdrant.failures import (
    CollectionExists,
    CollectionMissing,
    EmbeddedExists,
    EmbeddedMissing,
    FailureKind,
    kind_of,
    translated,
    translation,
)
from tests.comparing import differences

SAMPLES: dict[type[Exception], Exception] = {
    UnexpectedResponse: UnexpectedResponse(500, "Internal", b"", Headers()),
    ResponseHandlingException: ResponseHandlingException(ConnectError("refused")),
    ResourceExhaustedResponse: ResourceExhaustedResponse("slow down", 3),
}


def rest(status: int | None, content: bytes = b"") -> UnexpectedResponse:
    return UnexpectedResponse(status, "Reason", content, Headers())


def rpc(code: grpc.StatusCode, details: str = "words") -> Exception:
    empty = grpc.aio.Metadata()
    error: Exception = grpc.aio.AioRpcError(code, empty, empty, details=details)
    return error


def exceptions_of(module: ModuleType) -> list[type[Exception]]:
    return [
        found
        for _, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, Exception) and found.__module__ == module.__name__
    ]


@pytest.mark.parametrize("kind", [*exceptions_of(http_exceptions), *exceptions_of(client_exceptions)])
def test_every_exception_class_of_the_client_is_mapped(kind: type[Exception]) -> None:
    """Fails if a new version of the client adds one."""
    error = SAMPLES[kind] if kind in SAMPLES else kind()

    assert isinstance(translation(error, "do", "it"), ConnectorError)


@pytest.mark.parametrize("code", list(grpc.StatusCode))
def test_every_grpc_status_is_mapped(code: grpc.StatusCode) -> None:
    assert isinstance(kind_of(rpc(code)), FailureKind)


@pytest.mark.parametrize("status", [None, *(status.value for status in HTTPStatus if status >= 300), 599])
def test_every_http_status_is_mapped(status: int | None) -> None:
    """Redirects and unknown statuses are not final."""
    kind = kind_of(rest(status))

    assert (
        kind is FailureKind.TRANSIENT
        if status is None or status < 400 or status > 501
        else isinstance(kind, FailureKind)
    )


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (rest(400), SinkMismatch),
        (rest(401), AuthenticationFailed),
        (rest(403), AuthenticationFailed),
        (rest(404), CollectionMissing),
        (rest(408), Unavailable),
        (rest(409), CollectionExists),
        (rest(413), SinkMismatch),
        (rest(429), RateLimited),
        (rest(500), Unavailable),
        (rest(503), Unavailable),
        (rpc(grpc.StatusCode.INVALID_ARGUMENT), SinkMismatch),
        (rpc(grpc.StatusCode.UNAUTHENTICATED), AuthenticationFailed),
        (rpc(grpc.StatusCode.PERMISSION_DENIED), AuthenticationFailed),
        (rpc(grpc.StatusCode.NOT_FOUND), CollectionMissing),
        (rpc(grpc.StatusCode.ALREADY_EXISTS), CollectionExists),
        (rpc(grpc.StatusCode.RESOURCE_EXHAUSTED), RateLimited),
        (rpc(grpc.StatusCode.DEADLINE_EXCEEDED), Unavailable),
        (rpc(grpc.StatusCode.UNAVAILABLE), Unavailable),
        (grpc.RpcError(), Unavailable),
        (grpc.aio.UsageError(), Unavailable),
        (TimeoutError(), Unavailable),
        (EmbeddedMissing("x"), CollectionMissing),
        (EmbeddedExists("x"), CollectionExists),
        (ValueError("wrong dimension"), SinkMismatch),
        (RuntimeError("in use"), SinkUnavailable),
        (PermissionError("read only"), SinkUnavailable),
        (sqlite3.OperationalError("disk full"), SinkUnavailable),
    ],
    ids=str,
)
def test_what_a_failure_means(error: Exception, ours: type[ConnectorError]) -> None:
    assert type(translation(error, "do", "it")) is ours


@pytest.mark.parametrize(
    "error", [rest(400), rest(422), rpc(grpc.StatusCode.INVALID_ARGUMENT), ValueError("x")], ids=str
)
def test_a_refusal_concerns_what_the_caller_says(error: Exception) -> None:
    assert isinstance(translation(error, "do", "it", PointsRejected), PointsRejected)


def test_the_time_to_wait_is_kept() -> None:
    told = translation(ResourceExhaustedResponse("slow down", 7), "do", "it")
    untold = translation(rest(429), "do", "it")

    assert isinstance(told, RateLimited)
    assert isinstance(untold, RateLimited)
    assert differences(told, retry_after=7.0, side="sink") == {}
    assert untold.retry_after is None


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (rest(400, b'{"status":{"error":"Wrong input: dim"},"time":0}'), "HTTP 400 Reason: Wrong input: dim"),
        (rest(502, b"<html>Bad gateway</html>"), "HTTP 502 Reason: <html>Bad gateway</html>"),
        (rest(500, b'{"status":"error"}'), 'HTTP 500 Reason: {"status":"error"}'),
        (rpc(grpc.StatusCode.INVALID_ARGUMENT, "Wrong input"), "INVALID_ARGUMENT: Wrong input"),
        (ResponseHandlingException(ConnectError("refused")), "ConnectError: refused"),
        (TimeoutError(), "TimeoutError"),
    ],
    ids=str,
)
def test_the_other_sides_own_words_are_in_the_message(error: Exception, words: str) -> None:
    assert words in str(translation(error, "write", "collection c"))


def test_what_is_no_failure_of_qdrant_passes_unchanged() -> None:
    """A bug in the connector must not look like an outage."""
    with pytest.raises(KeyError), translated("do", "it"):
        raise KeyError("bug")
    with pytest.raises(TypeError, match="KeyError is not an exception of Qdrant's client"):
        kind_of(KeyError("bug"))


def test_the_cause_is_kept_for_the_log() -> None:
    cause = rest(500)

    with pytest.raises(Unavailable) as raised, translated("do", "it"):
        raise cause

    assert raised.value.__cause__ is cause
