"""Tells the observer how one request ended."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from connector.domain.errors import ConnectorError
from connector.domain.events import RequestEnded
from connector.ports import Observer
from connector.twelvelabs.calls import Call
from connector.twelvelabs.error_responses import RetryableError


@dataclass(slots=True)
class Response:
    """What is known of the response so far."""

    status: int | None = None
    size_bytes: int = 0


@contextmanager
def telling(observe: Observer, call: Call, monotonic: Callable[[], float]) -> Iterator[Response]:
    """Tell `observe` how the request in this block ended."""
    response, began_at = Response(), monotonic()
    error: BaseException | None = None
    try:
        yield response
    except BaseException as raised:
        error = raised.error if isinstance(raised, RetryableError) else raised
        raise
    finally:
        known = error if isinstance(error, ConnectorError) else None
        observe(
            RequestEnded(
                call.operation,
                call.subject,
                call.index_id,
                response.status,
                monotonic() - began_at,
                response.size_bytes,
                known.code if known else None,
                known.cause if known else "",
            )
        )
