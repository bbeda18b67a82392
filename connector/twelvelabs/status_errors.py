"""Translates error responses into errors, by status, never by message text."""

import re
from collections.abc import Mapping
from http import HTTPStatus

from connector.domain.errors import AuthenticationFailed, RateLimited, Unavailable
from connector.domain.masking import masked
from connector.twelvelabs import rate_headers
from connector.twelvelabs.calls import Call, Refused

_CLIENT_CLOSED_REQUEST = 499
_TRY_AGAIN = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, _CLIENT_CLOSED_REQUEST}
_REDIRECTS = range(HTTPStatus.MULTIPLE_CHOICES, HTTPStatus.BAD_REQUEST)
_REFUSALS = range(HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR)
_LONGEST_TEXT = 300
_UNPRINTABLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_KEY_ADVICE: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "Check TWELVELABS_API_KEY: it must be a valid key of the account that owns the indexes",
    HTTPStatus.FORBIDDEN: "The key may not do this: check the account's plan and region, and who owns the index",
}
_URL_ADVICE = "Check TWELVELABS_BASE_URL and any proxy in between"


class RetryableError(Exception):
    """A failed attempt that may be retried after `at_least` seconds."""

    def __init__(self, error: Unavailable | RateLimited, at_least: float | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.at_least = at_least or 0.0


def problem(call: Call, status: int, headers: Mapping[str, str], body: bytes | bytearray, wall: float) -> Exception:
    """`wall` is our time in seconds since the epoch. Returns a RetryableError if a retry may help."""
    found = rate_headers.fault(body)
    says = _describe(status, found)
    if status in _KEY_ADVICE:
        return AuthenticationFailed(call.operation, call.subject, says, _KEY_ADVICE[status])
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        seconds = rate_headers.retry_after(headers, found, wall)
        return RetryableError(rate_limited(call, says, seconds), seconds)
    if status in _REDIRECTS:
        return call.unavailable(f"{says}: redirects are not followed", _URL_ADVICE)
    if status in _TRY_AGAIN or status not in _REFUSALS:
        return RetryableError(call.unavailable(says), rate_headers.retry_after(headers, found, wall))
    if not found.own:
        return RetryableError(call.unavailable(f"{says} with a page that is not from the API", _URL_ADVICE))
    return Refused(status, found.code, says)


def rate_limited(call: Call, says: str, seconds: float | None) -> RateLimited:
    advice = "The connector waits automatically; set CONNECTOR_REQUESTS_PER_MINUTE to leave quota to other programs"
    return RateLimited(call.operation, call.subject, says, advice, side="source", retry_after=seconds)


def _describe(status: int, fault: rate_headers.ErrorBody) -> str:
    """One masked line of limited length, because this external text goes to logs and terminals and may quote a key."""
    parts = ("TwelveLabs responded", str(status), fault.code, f"({fault.message})" if fault.message else "")
    line = _UNPRINTABLE.sub(" ", masked(" ".join(part for part in parts if part))).strip()
    return line if len(line) <= _LONGEST_TEXT else f"{line[:_LONGEST_TEXT]}…"
