"""Who may ask the status listener: requests that name this machine, and that have the token if there is one.

A web page in a browser on this machine can reach a loopback listener under a name of its own (DNS rebinding). Its
requests name that host, so a loopback listener refuses every name that is not its own.

A browser cannot send a Bearer token by itself, so the token is also accepted as the password of HTTP Basic. Browsers
then send it with every request, also with those that a page of another site makes: those are refused.
"""

import base64
import binascii
import hmac
import ipaddress
import re

import structlog
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.telemetry.repeats import Repeats
from connector.web.response_headers import SecurityHeaders

PUBLIC = frozenset({"/livez", "/readyz"})
"""Paths for container platforms, which have no token."""

_HOST = re.compile(r"(?:\[(?P<address>[^\]]+)\]|(?P<name>[^:\[\]]*))(?::\d*)?", re.ASCII)

log = structlog.get_logger(__name__)


class Guard:
    """An ASGI application that passes permitted requests on. Every response has the security headers.

    `host` is the address that the listener is bound to.
    """

    def __init__(self, app: ASGIApp, host: str, token: str | None = None) -> None:
        self._app, self._host, self._token = app, host.lower(), token
        self._refusals = Repeats()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await SecurityHeaders(refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._is_addressed(scope, headers.get("host", "")):
            self._log("the Host header names another host, as in a DNS rebinding attack")
            return _refused(403, "foreign_host", "the Host header does not name this machine: use its loopback address")
        if self._token and scope["path"] not in PUBLIC and not _has_token(headers, self._token):
            self._log("the token is missing or wrong")
            return _challenge()
        if scope["path"] not in PUBLIC and _is_from_another_site(headers):
            self._log("a page of another site sent it")
            return _refused(403, "foreign_site", "a page of another site sent this request")
        return None

    def _is_addressed(self, scope: Scope, host: str) -> bool:
        """Only a loopback listener knows all of its names. Without the header the request is not from a browser."""
        local = (scope.get("server") or ("", None))[0]
        if not is_loopback(self._host) and (is_address(self._host) or not is_loopback(local)):
            return True
        name = host_name(host)
        return not host or name == self._host or is_loopback(name)

    def _log(self, reason: str) -> None:
        """Limit how often this is logged, because any program that reaches the listener can trigger it."""
        left_out = self._refusals.admit(reason)
        if left_out is not None:
            log.warning("request.refused", reason=reason, left_out=left_out)


def host_name(header: str) -> str:
    """The host that a Host header names, in lower case; empty if the header is invalid.

    Without the port, the brackets of an IPv6 address, and a dot at the end.
    """
    found = _HOST.fullmatch(header.strip().lower())
    return (found["address"] or found["name"].rstrip(".")) if found else ""


def is_address(host: str) -> bool:
    """True for a numeric address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """True for localhost, names below it, and the loopback addresses."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    if not is_address(host):
        return False
    address = ipaddress.ip_address(host)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _has_token(headers: Headers, token: str) -> bool:
    """Compares in constant time."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    given, scheme = given.strip(), scheme.lower()
    if scheme == "basic":
        given = _password(given)
    return hmac.compare_digest(given.encode(), token.encode()) and scheme in {"bearer", "basic"}


def _password(credentials: str) -> str:
    """Of HTTP Basic, with any user name; empty if the credentials are invalid."""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _is_from_another_site(headers: Headers) -> bool:
    """True if a browser says so. Following a link is permitted."""
    site, mode = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-mode", "")
    return site not in {"none", "same-origin"} and mode != "navigate"


def _challenge() -> Response:
    """One header line per scheme, as browsers need it."""
    advice = "send Authorization: Bearer with CONNECTOR_HTTP_TOKEN, or the token as the password of HTTP Basic"
    response = _refused(401, "token_required", advice)
    for challenge in ("Bearer", 'Basic realm="connector", charset="UTF-8"'):
        response.headers.append("WWW-Authenticate", challenge)
    return response


def _refused(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status)
