"""/metrics on a real socket: formats, the token, and whatever arrives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from connector.domain.page import Page
from connector.telemetry.exposition import OPENMETRICS_TYPE, TEXT_TYPE, exposition
from connector.telemetry.metrics import Metrics
from connector.web.access import Guard
from connector.web.health import web_app
from connector.web.listener import listening
from connector.web.metrics_route import metrics_route
from tests.scraped import read

TOKEN = "a-token-of-the-test"


async def no_reasons() -> dict[str, str]:
    return {}


async def no_status(_: Page) -> dict[str, Any]:
    return {}


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    metrics = Metrics()

    async def scrape(accept: str) -> tuple[bytes, str]:
        return await asyncio.to_thread(exposition, metrics.registry, accept)

    app = Guard(web_app(lambda: 0.0, no_reasons, no_status, [metrics_route(scrape)]), "127.0.0.1", TOKEN)
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(listening(app, "127.0.0.1", 0, setting="CONNECTOR_HTTP_PORT"))
        client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False)
        client.headers["authorization"] = f"Bearer {TOKEN}"
        yield await stack.enter_async_context(client)


async def test_it_is_text_unless_openmetrics_is_preferred(http: httpx.AsyncClient) -> None:
    plain, chosen = await http.get("/metrics"), await http.get("/metrics", headers={"accept": OPENMETRICS_TYPE})

    assert (plain.status_code, plain.headers["content-type"]) == (200, TEXT_TYPE)
    assert (chosen.status_code, chosen.headers["content-type"]) == (200, OPENMETRICS_TYPE)
    assert chosen.text.endswith("# EOF\n")
    assert read(plain.text).names >= {"connector_build_info", "connector_rate_limit_waits_total"}


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", f"Basic {TOKEN}", "Bearer"])
async def test_it_asks_for_the_token(http: httpx.AsyncClient, authorization: str | None) -> None:
    del http.headers["authorization"]
    answer = await http.get("/metrics", headers={"authorization": authorization} if authorization else {})

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_required")


async def test_a_foreign_host_is_refused(http: httpx.AsyncClient) -> None:
    assert (await http.get("/metrics", headers={"host": "evil.example"})).status_code == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_it_can_only_be_read(http: httpx.AsyncClient, method: str) -> None:
    assert (await http.request(method, "/metrics")).status_code == 405


@pytest.mark.parametrize("path", ["/metrics/", "/metrics/x", "/Metrics"])
async def test_other_paths_are_not_found(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code == 404


@pytest.mark.parametrize(
    "accept", ["", "*/*;q=nan", "application/openmetrics-text;version=99;q=é", ",;=" * 100, "\x7f"]
)
async def test_any_accept_header_is_answered(http: httpx.AsyncClient, accept: str) -> None:
    answer = await http.get("/metrics?x=1&name[]=y", headers=[(b"accept", accept.encode("latin-1"))])

    assert answer.status_code == 200
