"""Translates exceptions of Qdrant's client into ours, by type and status, never by message."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
from pydantic import ValidationError
from qdrant_client import models
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from connector.domain.errors import (
    AuthenticationFailed,
    ConnectorError,
    RateLimited,
    SinkMismatch,
    SinkUnavailable,
    Unavailable,
)
from connector.domain.masking import masked

_WORDS = 400


class CollectionMissing(SinkMismatch):
    """The collection does not exist."""


class CollectionExists(SinkMismatch):
    """The collection to create exists already."""


class EmbeddedMissing(Exception):
    """Embedded storage has no such collection; its client raises a bare ValueError for this and for invalid content."""


class EmbeddedExists(Exception):
    """Embedded storage already has this collection."""


class FailureKind(Enum):
    """The meaning of a failure for the caller."""

    TRANSIENT = auto()
    LIMITED = auto()
    AUTHENTICATION = auto()
    MISSING = auto()
    EXISTS = auto()
    REFUSED = auto()
    STORAGE = auto()


_BY_STATUS = {
    400: FailureKind.REFUSED,
    401: FailureKind.AUTHENTICATION,
    403: FailureKind.AUTHENTICATION,
    404: FailureKind.MISSING,
    405: FailureKind.REFUSED,
    406: FailureKind.REFUSED,
    409: FailureKind.EXISTS,
    410: FailureKind.MISSING,
    411: FailureKind.REFUSED,
    413: FailureKind.REFUSED,
    414: FailureKind.REFUSED,
    415: FailureKind.REFUSED,
    422: FailureKind.REFUSED,
    429: FailureKind.LIMITED,
    501: FailureKind.REFUSED,
}
_BY_CODE = {
    grpc.StatusCode.OK: FailureKind.TRANSIENT,
    grpc.StatusCode.CANCELLED: FailureKind.TRANSIENT,
    grpc.StatusCode.UNKNOWN: FailureKind.TRANSIENT,
    grpc.StatusCode.INVALID_ARGUMENT: FailureKind.REFUSED,
    grpc.StatusCode.DEADLINE_EXCEEDED: FailureKind.TRANSIENT,
    grpc.StatusCode.NOT_FOUND: FailureKind.MISSING,
    grpc.StatusCode.ALREADY_EXISTS: FailureKind.EXISTS,
    grpc.StatusCode.PERMISSION_DENIED: FailureKind.AUTHENTICATION,
    grpc.StatusCode.RESOURCE_EXHAUSTED: FailureKind.LIMITED,
    grpc.StatusCode.FAILED_PRECONDITION: FailureKind.REFUSED,
    grpc.StatusCode.ABORTED: FailureKind.TRANSIENT,
    grpc.StatusCode.OUT_OF_RANGE: FailureKind.REFUSED,
    grpc.StatusCode.UNIMPLEMENTED: FailureKind.REFUSED,
    grpc.StatusCode.INTERNAL: FailureKind.TRANSIENT,
    grpc.StatusCode.UNAVAILABLE: FailureKind.TRANSIENT,
    grpc.StatusCode.DATA_LOSS: FailureKind.TRANSIENT,
    grpc.StatusCode.UNAUTHENTICATED: FailureKind.AUTHENTICATION,
}
# The first match counts, so subclasses come before their bases. The client raises AssertionError for a response
# without a result, and does not wrap decoding errors of a body that is not JSON.
_BY_TYPE: dict[type[Exception], FailureKind] = {
    ResourceExhaustedResponse: FailureKind.LIMITED,
    ResponseHandlingException: FailureKind.TRANSIENT,
    ApiException: FailureKind.TRANSIENT,
    QdrantException: FailureKind.TRANSIENT,
    grpc.RpcError: FailureKind.TRANSIENT,
    grpc.aio.BaseError: FailureKind.TRANSIENT,
    EmbeddedMissing: FailureKind.MISSING,
    EmbeddedExists: FailureKind.EXISTS,
    sqlite3.Error: FailureKind.STORAGE,
    json.JSONDecodeError: FailureKind.TRANSIENT,
    UnicodeDecodeError: FailureKind.TRANSIENT,
    AssertionError: FailureKind.TRANSIENT,
    TimeoutError: FailureKind.TRANSIENT,
    OSError: FailureKind.STORAGE,
    RuntimeError: FailureKind.STORAGE,
    ValueError: FailureKind.REFUSED,
}


def kind_of(error: Exception) -> FailureKind:
    """Raises TypeError for an exception that does not come from Qdrant or its client."""
    if isinstance(error, UnexpectedResponse):
        return _BY_STATUS.get(error.status_code or 0, FailureKind.TRANSIENT)
    if isinstance(error, grpc.aio.AioRpcError):
        return _BY_CODE[error.code()]
    for base, kind in _BY_TYPE.items():
        if isinstance(error, base):
            return kind
    raise TypeError(f"{type(error).__name__} is not an exception of Qdrant's client")


def completed(result: models.UpdateResult) -> bool:
    return result.status is models.UpdateStatus.COMPLETED


def require_acknowledged(acknowledged: bool, collection: str) -> None:
    """Raise Unavailable if Qdrant responds 200 but only queued the write or stopped waiting for it."""
    if not acknowledged:
        cause = "Qdrant did not confirm that the write is complete"
        raise Unavailable("write to collection", collection, cause, side="sink")


@contextmanager
def translated(operation: str, subject: str, refused: type[ConnectorError] = SinkMismatch) -> Iterator[None]:
    """Translate exceptions of Qdrant's client; raise `refused` for requests that Qdrant will never accept."""
    try:
        yield
    except tuple(_BY_TYPE) as error:
        raise translation(error, operation, subject, refused) from error


def translation(
    error: Exception, operation: str, subject: str, refused: type[ConnectorError] = SinkMismatch
) -> ConnectorError:
    words, kind = _words(error), kind_of(error)
    if kind is FailureKind.LIMITED:
        wait = float(error.retry_after_s) if isinstance(error, ResourceExhaustedResponse) else None
        return RateLimited(operation, subject, words, side="sink", retry_after=wait)
    if kind is FailureKind.TRANSIENT:
        return Unavailable(operation, subject, words, "Check that Qdrant runs and QDRANT_URL is correct", side="sink")
    if kind is FailureKind.REFUSED:
        return refused(operation, subject, f"Qdrant rejected it: {words}")
    final, prefix, advice = _FINAL[kind]
    return final(operation, subject, prefix + words, advice)


_FINAL: dict[FailureKind, tuple[type[ConnectorError], str, str]] = {
    FailureKind.AUTHENTICATION: (AuthenticationFailed, "Qdrant rejected the key: ", "Check QDRANT_API_KEY"),
    FailureKind.MISSING: (
        CollectionMissing,
        "the collection does not exist (was it deleted during the run?): ",
        "The next cycle creates it again",
    ),
    FailureKind.EXISTS: (CollectionExists, "it already exists: ", ""),
    FailureKind.STORAGE: (
        SinkUnavailable,
        "",
        "Check the directory's permissions, its free space, and that no other process uses it",
    ),
}


def _words(error: Exception) -> str:
    """The error text without the vendor's decoration. Masks before truncating, so that no part of a secret remains."""
    if isinstance(error, UnexpectedResponse):
        return f"HTTP {error.status_code} {error.reason_phrase}: {masked(_status_error(error))[:_WORDS]}".rstrip(": ")
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name}: {masked(error.details() or '')[:_WORDS]}".rstrip(": ")
    cause = error.source if isinstance(error, ResponseHandlingException) else error
    if isinstance(cause, ValidationError) and cause is not error:
        return "unexpected response from Qdrant"
    return f"{type(cause).__name__}: {masked(str(cause))[:_WORDS]}".rstrip(": ")


def _status_error(error: UnexpectedResponse) -> str:
    """Qdrant responds with `{"status": {"error": text}}`; a proxy may respond with anything."""
    try:
        return str(error.structured()["status"]["error"])
    except (ValueError, LookupError, TypeError):
        return error.content.decode(errors="replace")
