"""The status listener refuses foreign hosts on loopback, and requests without the token, on a real socket."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from connector.domain.page import Page
from connector.web.access import Guard
from connector.web.health import web_app
from connector.web.listener import listening
from connector.web.response_headers import SECURITY_HEADERS

STATUS = {"indexes": ["secret"]}
ANYWHERE = "0.0.0.0"  # noqa: S104  what a container listens on
PATHS = ("/livez", "/readyz", "/api/status", "/nothing")

Serve = Callable[..., Any]


async def _no_reasons() -> dict[str, str]:
    return {}


async def _status(_: Page) -> dict[str, Any]:
    return STATUS


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a listener; returns a client of it."""
    async with AsyncExitStack() as stack:

        async def start(host: str = "127.0.0.1", token: str | None = None) -> httpx.AsyncClient:
            app = Guard(web_app(lambda: 0.0, _no_reasons, _status), host, token)
            port = await stack.enter_async_context(listening(app, host, 0, setting="CONNECTOR_HTTP_PORT"))
            where = {ANYWHERE: "127.0.0.1"}.get(host, host)
            client = httpx.AsyncClient(trust_env=False, base_url=f"http://{where}:{port}")
            return await stack.enter_async_context(client)

        yield start


def encoded(headers: Mapping[str, str | bytes]) -> dict[bytes, bytes]:
    return {name.encode(): value.encode() if isinstance(value, str) else value for name, value in headers.items()}


def basic(credentials: str, scheme: str = "Basic") -> str:
    return f"{scheme} {base64.b64encode(credentials.encode()).decode()}"


async def statuses(client: httpx.AsyncClient, **headers: str | bytes) -> dict[str, int]:
    return {path: (await client.get(path, headers=encoded(headers))).status_code for path in PATHS}


async def test_refusals_have_the_security_headers(serve: Serve) -> None:
    client = await serve(token="secret")
    refused = [await client.get("/"), await client.get("/", headers={"Host": "evil.example"})]

    assert [it.status_code for it in refused] == [401, 403]
    for answer in refused:
        assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


ALLOWED = {"/livez": 200, "/readyz": 200, "/api/status": 200, "/nothing": 404}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("named", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "10.0.0.1", ANYWHERE])
async def test_a_loopback_listener_refuses_a_foreign_host(serve: Serve, host: str, named: str) -> None:
    client = await serve(host)

    assert await statuses(client, host=named) == dict.fromkeys(PATHS, 403)
    refused = await client.get("/api/status", headers={"host": named})

    assert refused.json()["error"]["code"] == "foreign_host"
    assert "secret" not in refused.text
    assert named not in refused.text


@pytest.mark.parametrize(
    "named", ["127.0.0.1", "localhost:9000", "LOCALHOST", "[::1]:8080", "127.0.0.1:1", "a.localhost"]
)
async def test_a_loopback_listener_answers_to_every_name_of_this_machine(serve: Serve, named: str) -> None:
    """Whatever the port: it may be forwarded."""
    assert await statuses(await serve(), host=named) == ALLOWED


async def test_a_listener_for_all_addresses_answers_to_every_name(serve: Serve) -> None:
    """It does not know its names. In a container the port is forwarded to it."""
    assert await statuses(await serve(ANYWHERE), host="connector.example") == ALLOWED


async def test_a_request_without_a_host_is_not_from_a_browser(serve: Serve) -> None:
    client = await serve()
    with socket.create_connection(("127.0.0.1", client.base_url.port or 0)) as raw:
        raw.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
        raw.setblocking(False)
        answer = await asyncio.get_running_loop().sock_recv(raw, 1000)

    assert answer.startswith(b"HTTP/1.1 200")


NEEDED = {"/livez": 200, "/readyz": 200, "/api/status": 401, "/nothing": 401}


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer wrong",
        "Bearer tokentoken",
        "Basic token",
        "Basic",
        basic(":"),
        basic("token"),
        basic("token:"),
        basic(":wrong"),
        basic(":token:"),
        "Basic \xf6",
        "Digest token",
        "token",
        "Bearer t\xf6ken",
    ],
)
@pytest.mark.parametrize("host", ["127.0.0.1", ANYWHERE])
async def test_with_a_token_only_the_health_checks_are_for_everybody(
    serve: Serve, host: str, header: str | None
) -> None:
    client = await serve(host, token="token")
    headers = {} if header is None else {"authorization": header.encode("latin-1")}

    assert await statuses(client, **headers) == NEEDED
    refused = await client.get("/api/status", headers=encoded(headers))
    assert refused.headers.get_list("WWW-Authenticate") == ["Bearer", 'Basic realm="connector", charset="UTF-8"']
    assert refused.json()["error"]["code"] == "token_required"
    assert "secret" not in refused.text


@pytest.mark.parametrize(
    "header",
    [
        "Bearer token",
        "bearer token",
        "BEARER  token",
        basic(":token"),
        basic("anybody:token"),
        basic("x:token", "BASIC "),
    ],
)
async def test_the_token_opens_it(serve: Serve, header: str) -> None:
    client = await serve(token="token")

    assert await statuses(client, authorization=header) == ALLOWED
    assert (await client.get("/api/status", headers={"authorization": header})).json() == STATUS


async def test_the_token_does_not_excuse_a_foreign_host(serve: Serve) -> None:
    client = await serve(token="token")

    assert (await statuses(client, authorization="Bearer token", host="evil.example"))["/api/status"] == 403


async def test_a_token_may_have_colons_and_letters_beyond_ascii(serve: Serve) -> None:
    client = await serve(token="t:ö:ken")

    assert await statuses(client, authorization=basic("user:t:ö:ken")) == ALLOWED
    assert await statuses(client, authorization=basic("user:t")) == NEEDED


@pytest.mark.parametrize(("site", "mode"), [("cross-site", "no-cors"), ("same-site", "cors"), ("cross-site", "")])
async def test_a_page_of_another_site_cannot_use_the_token_of_the_browser(serve: Serve, site: str, mode: str) -> None:
    client = await serve(token="token")
    headers = {"authorization": basic(":token"), "sec-fetch-site": site, "sec-fetch-mode": mode}

    refused = await client.get("/api/status", headers=headers)

    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "foreign_site")
    assert (await client.get("/livez", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("site", "mode"), [("same-origin", "cors"), ("none", "navigate"), ("cross-site", "navigate"), ("none", "")]
)
async def test_own_pages_and_links_are_permitted(serve: Serve, site: str, mode: str) -> None:
    answer = await (await serve()).get("/api/status", headers={"sec-fetch-site": site, "sec-fetch-mode": mode})

    assert answer.status_code == 200
