"""`connector mcp` over streamable HTTP: who may ask, and what becomes of calls and sessions."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from connector.search import ConfigError
from connector.search.agents.mcp_http import serving_http
from tests.e2e.agents import Status, StuckStatus, answer, cancel_a_call, no_ledger, refusal, serving
from tests.e2e.search_world import CAPTIONS, SearchWorld, search_world

ANY_ADDRESS = "0.0.0.0"  # noqa: S104  refused, or with a token
TOKEN = "a-token-of-the-listener"
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
ACCEPTED = {"accept": "application/json, text/event-stream"}
MODES = pytest.mark.parametrize("mode", ["auto", "legacy"])


@pytest.fixture(scope="module")
def world(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchWorld]:
    with search_world(qdrant_binary, tmp_path_factory.mktemp("agents"), embedded=False) as running:
        yield running


@asynccontextmanager
async def listening(
    world: SearchWorld, status: Status = no_ledger, host: str = "127.0.0.1", token: str | None = None
) -> AsyncIterator[str]:
    async with serving(world, status) as server, serving_http(server, host, 0, token) as port:
        yield f"http://127.0.0.1:{port}/mcp"


async def said(url: str, **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient() as client:
        return await client.post(url, json=HELLO, headers={**ACCEPTED, **headers})


@MODES
async def test_the_tools_over_http(world: SearchWorld, mode: str) -> None:
    async with listening(world) as url, Client(url, mode=mode) as client:
        found = await answer(client, "search_moments", text=CAPTIONS[2], limit=1)
        assert "argument text: it is missing" in await refusal(client, "search_moments")

    assert found["moments"][0]["transcript"] == CAPTIONS[2]


@MODES
async def test_a_cancelled_call_stops_its_work(world: SearchWorld, mode: str) -> None:
    status = StuckStatus()
    async with listening(world, status) as url, Client(url, mode=mode) as client:
        await cancel_a_call(client, status)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"host": "evil.example"}, 403, "foreign_host"),
        ({"host": "127.0.0.1.evil.example:80"}, 403, "foreign_host"),
        ({"origin": "http://evil.example"}, 403, "foreign_site"),
        ({"origin": "null"}, 403, "foreign_site"),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}, 403, "foreign_site"),
    ],
)
async def test_pages_of_other_sites_are_refused(
    world: SearchWorld, headers: dict[str, str], status: int, code: str
) -> None:
    async with listening(world) as url:
        response = await said(url, **headers)
        welcome = await said(url, host="localhost")

    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert welcome.status_code == 200


async def test_the_token_is_asked_for(world: SearchWorld) -> None:
    async with listening(world, token=TOKEN) as url:
        responses = [await said(url), await said(url, authorization="Bearer another")]
        headers = {"authorization": f"Bearer {TOKEN}"}
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            assert (await answer(client, "list_indexes"))["indexes"]

    assert [it.status_code for it in responses] == [401, 401]
    assert "Bearer" in responses[0].headers["www-authenticate"]
    assert TOKEN not in responses[1].text


async def test_other_machines_need_a_token(world: SearchWorld) -> None:
    with pytest.raises(ConfigError, match="Set CONNECTOR_HTTP_TOKEN, or use --host"):
        async with listening(world, host=ANY_ADDRESS):
            pass
    async with listening(world, host=ANY_ADDRESS, token=TOKEN) as url:
        assert (await said(url, authorization=f"Bearer {TOKEN}", host="videos.example")).status_code == 200


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"method": "GET"}, 405),
        ({"method": "POST", "content": b"{", "headers": {"content-type": "application/json"}}, 400),
        ({"method": "POST", "content": b"{}", "headers": {"content-type": "text/plain"}}, 400),
        ({"method": "POST", "json": {"padding": "x" * 2_000_000}}, 413),
        ({"method": "PUT"}, 405),
    ],
)
async def test_what_is_no_request_is_refused(world: SearchWorld, asked: dict[str, Any], status: int) -> None:
    headers = {**ACCEPTED, **asked.pop("headers", {})}
    async with listening(world) as url, httpx2.AsyncClient() as client:
        response = await client.request(url=url, headers=headers, **asked)
        elsewhere = await client.post(url.replace("/mcp", "/"), json=HELLO, headers=ACCEPTED)

    assert response.status_code == status
    assert elsewhere.status_code == 404
