"""The one place where exceptions of Qdrant's client become ours: by type and status, never by message."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
from pydantic import ValidationError
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
    """The collection that was addressed does not exist."""


class CollectionExists(SinkMismatch):
    """The collection that was to be created exists."""


class EmbeddedMissing(Exception):
    """Embedded storage has no such collection; its client raises a bare ValueError for this and for bad content."""


class EmbeddedExists(Exception):
    """Embedded storage already has this collection."""


class Kind(Enum):
    """What a failure means for the caller."""

    TRANSIENT = auto()
    LIMITED = auto()
    AUTHENTICATION = auto()
    MISSING = auto()
    EXISTS = auto()
    REFUSED = auto()
    STORAGE = auto()


_BY_STATUS = {
    400: Kind.REFUSED,
    401: Kind.AUTHENTICATION,
    403: Kind.AUTHENTICATION,
    404: Kind.MISSING,
    405: Kind.REFUSED,
    406: Kind.REFUSED,
    409: Kind.EXISTS,
    410: Kind.MISSING,
    411: Kind.REFUSED,
    413: Kind.REFUSED,
    414: Kind.REFUSED,
    415: Kind.REFUSED,
    422: Kind.REFUSED,
    429: Kind.LIMITED,
    501: Kind.REFUSED,
}
_BY_CODE = {
    grpc.StatusCode.OK: Kind.TRANSIENT,
    grpc.StatusCode.CANCELLED: Kind.TRANSIENT,
    grpc.StatusCode.UNKNOWN: Kind.TRANSIENT,
    grpc.StatusCode.INVALID_ARGUMENT: Kind.REFUSED,
    grpc.StatusCode.DEADLINE_EXCEEDED: Kind.TRANSIENT,
    grpc.StatusCode.NOT_FOUND: Kind.MISSING,
    grpc.StatusCode.ALREADY_EXISTS: Kind.EXISTS,
    grpc.StatusCode.PERMISSION_DENIED: Kind.AUTHENTICATION,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Kind.LIMITED,
    grpc.StatusCode.FAILED_PRECONDITION: Kind.REFUSED,
    grpc.StatusCode.ABORTED: Kind.TRANSIENT,
    grpc.StatusCode.OUT_OF_RANGE: Kind.REFUSED,
    grpc.StatusCode.UNIMPLEMENTED: Kind.REFUSED,
    grpc.StatusCode.INTERNAL: Kind.TRANSIENT,
    grpc.StatusCode.UNAVAILABLE: Kind.TRANSIENT,
    grpc.StatusCode.DATA_LOSS: Kind.TRANSIENT,
    grpc.StatusCode.UNAUTHENTICATED: Kind.AUTHENTICATION,
}
# First match counts: subclasses stand before their bases. The client asserts that an answer holds a result, and does
# not wrap what a body that is no JSON makes it raise.
_BY_TYPE: dict[type[Exception], Kind] = {
    ResourceExhaustedResponse: Kind.LIMITED,
    ResponseHandlingException: Kind.TRANSIENT,
    ApiException: Kind.TRANSIENT,
    QdrantException: Kind.TRANSIENT,
    grpc.RpcError: Kind.TRANSIENT,
    grpc.aio.BaseError: Kind.TRANSIENT,
    EmbeddedMissing: Kind.MISSING,
    EmbeddedExists: Kind.EXISTS,
    sqlite3.Error: Kind.STORAGE,
    json.JSONDecodeError: Kind.TRANSIENT,
    UnicodeDecodeError: Kind.TRANSIENT,
    AssertionError: Kind.TRANSIENT,
    TimeoutError: Kind.TRANSIENT,
    OSError: Kind.STORAGE,
    RuntimeError: Kind.STORAGE,
    ValueError: Kind.REFUSED,
}


def kind_of(error: Exception) -> Kind:
    """Raises TypeError for what is no failure of Qdrant or of its client."""
    if isinstance(error, UnexpectedResponse):
        return _BY_STATUS.get(error.status_code or 0, Kind.TRANSIENT)
    if isinstance(error, grpc.aio.AioRpcError):
        return _BY_CODE[error.code()]
    for base, kind in _BY_TYPE.items():
        if isinstance(error, base):
            return kind
    raise TypeError(f"{type(error).__name__} is no failure of Qdrant")


@contextmanager
def translated(operation: str, subject: str, refused: type[ConnectorError] = SinkMismatch) -> Iterator[None]:
    """Failures of Qdrant come out as ours; `refused` is raised for what Qdrant will never accept."""
    try:
        yield
    except tuple(_BY_TYPE) as error:
        raise translation(error, operation, subject, refused) from error


def translation(
    error: Exception, operation: str, subject: str, refused: type[ConnectorError] = SinkMismatch
) -> ConnectorError:
    words, kind = _words(error), kind_of(error)
    if kind is Kind.LIMITED:
        wait = float(error.retry_after_s) if isinstance(error, ResourceExhaustedResponse) else None
        return RateLimited(operation, subject, words, side="sink", retry_after=wait)
    if kind is Kind.TRANSIENT:
        return Unavailable(operation, subject, words, "Check that Qdrant runs and QDRANT_URL is right", side="sink")
    if kind is Kind.REFUSED:
        return refused(operation, subject, f"Qdrant refused it: {words}")
    final, prefix, advice = _FINAL[kind]
    return final(operation, subject, prefix + words, advice)


_FINAL: dict[Kind, tuple[type[ConnectorError], str, str]] = {
    Kind.AUTHENTICATION: (AuthenticationFailed, "Qdrant refused the key: ", "Check QDRANT_API_KEY"),
    Kind.MISSING: (
        CollectionMissing,
        "the collection does not exist (was it dropped while running?): ",
        "The next cycle creates it again",
    ),
    Kind.EXISTS: (CollectionExists, "it exists already: ", ""),
    Kind.STORAGE: (
        SinkUnavailable,
        "",
        "Check the directory's permissions, its free space, and that no other process uses it",
    ),
}


def _words(error: Exception) -> str:
    """What the other side said, without the vendor's decoration; masked before a cut could halve a secret."""
    if isinstance(error, UnexpectedResponse):
        return f"HTTP {error.status_code} {error.reason_phrase}: {masked(_status_error(error))[:_WORDS]}".rstrip(": ")
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name}: {masked(error.details() or '')[:_WORDS]}".rstrip(": ")
    cause = error.source if isinstance(error, ResponseHandlingException) else error
    if isinstance(cause, ValidationError) and cause is not error:
        return "the answer is none that this program's Qdrant client understands"
    return f"{type(cause).__name__}: {masked(str(cause))[:_WORDS]}".rstrip(": ")


def _status_error(error: UnexpectedResponse) -> str:
    """Qdrant answers `{"status": {"error": words}}`, a proxy in between anything."""
    try:
        return str(error.structured()["status"]["error"])
    except (ValueError, LookupError, TypeError):
        return error.content.decode(errors="replace")
