"""Error responses -> errors: reads the body, and decides by status, never by message text."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from connector.domain.errors import AuthenticationFailed, RateLimited, Unavailable
from connector.domain.masking import masked
from connector.twelvelabs import rate_headers
from connector.twelvelabs.calls import Call, Refused

_CLIENT_CLOSED_REQUEST = 499
_TRY_AGAIN = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, _CLIENT_CLOSED_REQUEST}
_REDIRECTS = range(HTTPStatus.MULTIPLE_CHOICES, HTTPStatus.BAD_REQUEST)
_REFUSALS = range(HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR)
_LONGEST_TEXT = 300
_KEY_ADVICE: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "Check TWELVELABS_API_KEY: it must be a valid key of the account that owns the indexes",
    HTTPStatus.FORBIDDEN: "The key may not do this: check the account's plan and region, and who owns the index",
}
_URL_ADVICE = "Check TWELVELABS_BASE_URL and any proxy in between"


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """An error body. `own` is false if a proxy or the CDN wrote it, not the API."""

    code: str = ""
    message: str = ""
    retry_after: float | None = None
    own: bool = True


class RetryableError(Exception):
    """A failed attempt that may be retried after `at_least` seconds."""

    def __init__(self, error: Unavailable | RateLimited, at_least: float | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.at_least = at_least or 0.0


def error_from_response(
    call: Call, status: int, headers: Mapping[str, str], body: bytes | bytearray, wall: float
) -> Exception:
    """`wall` is our time in seconds since the epoch. Returns a RetryableError if a retry may help."""
    found = _error_body(body)
    says = _describe(status, found)
    if status in _KEY_ADVICE:
        return AuthenticationFailed(call.operation, call.subject, says, _KEY_ADVICE[status])
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        seconds = rate_headers.retry_after(headers, found.retry_after, wall)
        return RetryableError(rate_limited(call, says, seconds), seconds)
    if status in _REDIRECTS:
        return call.unavailable(f"{says}: redirects are not followed", _URL_ADVICE)
    if status in _TRY_AGAIN or status not in _REFUSALS:
        return RetryableError(call.unavailable(says), rate_headers.retry_after(headers, found.retry_after, wall))
    if not found.own:
        return RetryableError(call.unavailable(f"{says} with a page that is not from the API", _URL_ADVICE))
    return Refused(status, found.code, says)


def rate_limited(call: Call, says: str, seconds: float | None) -> RateLimited:
    advice = "The connector waits automatically; set CONNECTOR_REQUESTS_PER_MINUTE to leave quota to other programs"
    return RateLimited(call.operation, call.subject, says, advice, side="source", retry_after=seconds)


def _describe(status: int, found: ErrorBody) -> str:
    """One masked line of limited length, because this external text goes to logs and terminals and may quote a key."""
    parts = ("TwelveLabs responded", str(status), found.code, f"({found.message})" if found.message else "")
    text = masked(" ".join(part for part in parts if part))
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _LONGEST_TEXT else f"{line[:_LONGEST_TEXT]}…"


def _error_body(body: bytes | bytearray) -> ErrorBody:
    """Read both formats, `{code, message}` and `{error: {code, message, details}}`, and the empty body."""
    try:
        document = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return ErrorBody(own=not body.lstrip().startswith(b"<"))
    if not isinstance(document, dict):
        return ErrorBody()
    nested = document.get("error", document)
    inner: dict[str, Any] = nested if isinstance(nested, dict) else {"message": nested}
    details = inner.get("details")
    retry_after = details.get("retryAfter") if isinstance(details, dict) else None
    return ErrorBody(_text(inner.get("code")), _text(inner.get("message")), rate_headers.finite_number(retry_after))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
