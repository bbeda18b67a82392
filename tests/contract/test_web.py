"""The daemon's own HTTP endpoints on a real socket, and their listener."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from connector.domain.errors import ConfigError, ConnectorError, LedgerUnavailable
from connector.domain.page import Page
from connector.web.health import LOOP_STALLED_SEC, web_app
from connector.web.listener import listening

STATUS = {"ledger": "ledger.sqlite3", "daemon": {"pid": 1}, "indexes": [{"index_id": "ä", "lag_sec": None}]}


class Place:
    """The answers of the daemon."""

    def __init__(self) -> None:
        self.age = 0.0
        self.why: dict[str, str] = {}
        self.trouble: ConnectorError | None = None
        self.pages: list[Page] = []
        self.app = web_app(lambda: self.age, self.reasons, self.status)
        self.http = httpx.AsyncClient(trust_env=False)

    async def reasons(self) -> dict[str, str]:
        return self.why

    async def status(self, page: Page) -> dict[str, Any]:
        self.pages.append(page)
        if self.trouble:
            raise self.trouble
        return STATUS

    async def get(self, path: str) -> tuple[int, Any]:
        answer = await self.http.get(path)
        return answer.status_code, answer.json()


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    place = Place()
    async with place.http, listening(place.app, "127.0.0.1", 0, setting="CONNECTOR_HTTP_PORT") as port:
        place.http.base_url = httpx.URL(f"http://127.0.0.1:{port}")
        yield place


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that is already in use."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@pytest.mark.parametrize(
    ("age", "status"), [(0.0, 200), (LOOP_STALLED_SEC - 0.5, 200), (LOOP_STALLED_SEC, 503), (86_400.0, 503)]
)
async def test_the_daemon_lives_while_its_heart_beats(place: Place, age: float, status: int) -> None:
    place.age = age

    assert await place.get("/livez") == (status, {"heartbeat_age_sec": age})


async def test_what_it_depends_on_is_no_matter_of_life(place: Place) -> None:
    """A restart would not help."""
    place.why, place.trouble = {"sink": "down"}, LedgerUnavailable("read ledger", "file", "gone")

    assert (await place.get("/livez"))[0] == 200


async def test_it_is_ready_unless_there_is_a_reason(place: Place) -> None:
    assert await place.get("/readyz") == (200, {"ready": True, "reasons": {}})
    place.why = {"source": "key refused", "sink": "connection refused"}
    assert await place.get("/readyz") == (503, {"ready": False, "reasons": place.why})
    place.why = {}
    assert await place.get("/readyz") == (200, {"ready": True, "reasons": {}})


async def test_the_status_is_the_json_of_the_command(place: Place) -> None:
    assert await place.get("/api/status") == (200, STATUS)


async def test_the_status_is_paged(place: Place) -> None:
    for query in ("", "?offset=5", "?offset=5&limit=7&other=x"):
        assert await place.get(f"/api/status{query}") == (200, STATUS)
    assert place.pages == [Page(), Page(5, 100), Page(5, 7)]


@pytest.mark.parametrize(
    "query", ["offset=-1", "offset=x", "limit=0", "limit=1001", "limit=", "limit=5&offset=9999999"]
)
async def test_a_page_that_is_none_is_refused(place: Place, query: str) -> None:
    status, body = await place.get(f"/api/status?{query}")

    assert (status, body["error"]["code"], place.pages) == (400, "usage_error", [])


async def test_a_status_that_cannot_be_read_says_why(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.trouble = LedgerUnavailable("read ledger", "file", "disk gone", "Mount it")

    status, body = await place.get("/api/status")

    assert (status, body) == (
        503,
        {"error": {"code": "ledger_unavailable", "message": "read ledger file: disk gone. Mount it."}},
    )
    assert caplog.records == []


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/api/status"])
async def test_nothing_here_changes_anything(place: Place, path: str) -> None:
    assert [(await place.http.request(method, path)).status_code for method in ("POST", "PUT", "DELETE")] == [405] * 3


async def test_other_paths_are_not_found(place: Place) -> None:
    paths = ("/", "/livez/", "/livez/x", "/api", "/webhooks")

    assert [(await place.http.get(path)).status_code for path in paths] == [404] * 5


async def test_a_taken_port_is_a_mistake_in_the_settings(taken: int) -> None:
    with pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{taken}: .*in use.*Set CONNECTOR_HTTP_PORT") as refused:
        async with listening(Place().app, "127.0.0.1", taken, setting="CONNECTOR_HTTP_PORT"):
            pytest.fail("it listens")
    assert refused.value.code == "config_error"


async def test_the_second_of_two_listeners_fails_by_name_too(taken: int) -> None:
    """The first one is closed, and the original error is still reported."""
    async with AsyncExitStack() as stack:
        stack.enter_context(pytest.raises(ConfigError, match="Set CONNECTOR_WEBHOOK_PORT"))
        first = listening(Place().app, "127.0.0.1", 0, setting="CONNECTOR_HTTP_PORT")
        port = await stack.enter_async_context(first)
        second = listening(Place().app, "127.0.0.1", taken, setting="CONNECTOR_WEBHOOK_PORT")
        await stack.enter_async_context(second)
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0


async def test_a_host_that_is_none_is_a_mistake_in_the_settings() -> None:
    with pytest.raises(ConfigError, match="CONNECTOR_HTTP_PORT"):
        async with listening(Place().app, "no such host", 0, setting="CONNECTOR_HTTP_PORT"):
            pytest.fail("it listens")


async def test_a_listener_takes_no_signals_and_frees_its_port() -> None:
    """The daemon drains on them; afterwards another listener can use the same port at once."""
    async with listening(Place().app, "127.0.0.1", 0, setting="CONNECTOR_HTTP_PORT") as port:
        pass
    async with listening(Place().app, "127.0.0.1", port, setting="CONNECTOR_HTTP_PORT") as again:
        assert again == port


async def test_a_request_in_hand_is_answered_before_the_end() -> None:
    place, asked, answer_now = Place(), asyncio.Event(), asyncio.Event()

    async def reasons() -> dict[str, str]:
        asked.set()
        await answer_now.wait()
        return {}

    app = web_app(lambda: 0.0, reasons, place.status)
    listener = listening(app, "127.0.0.1", 0, setting="CONNECTOR_HTTP_PORT")
    async with place.http, asyncio.TaskGroup() as group, listener as port:
        asking = group.create_task(place.get(f"http://127.0.0.1:{port}/readyz"))
        await asked.wait()
        asyncio.get_running_loop().call_soon(answer_now.set)

    assert asking.result() == (200, {"ready": True, "reasons": {}})
