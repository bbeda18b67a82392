"""The pages of the status listener on a real socket, over a fake ledger, and what an answer must have."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from typing import Any

import httpx

from connector.ports import CheckpointStore
from connector.web.access import Guard
from connector.web.health import web_app
from connector.web.listener import listening
from connector.web.pages.page_routes import page_routes
from connector.web.pages.status_site import StatusSite
from tests.builders import index_settings
from tests.fakes.ledger import FakeCheckpointStore


class _Inline(HTMLParser):
    """Collects what the Content-Security-Policy forbids, and elements that no template has."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"style", "img", "iframe", "object", "base"} or (tag == "script" and "src" not in given):
            self.found.append(tag)
        self.found += [name for name in given if name == "style" or name.startswith("on")]
        self.found += [tag for name in ("href", "src") if re.match(r"\s*(javascript|data):", given.get(name) or "")]


def inline(text: str) -> list[str]:
    """What a page has inline; empty for a page that is safe."""
    parser = _Inline()
    parser.feed(text)
    return parser.found


NOW = 1_800_000_000.0
LIVE = {
    "version": "1.0.0",
    "pid": 1,
    "started_at": "2027-01-15T07:00:00.000Z",
    "limited_by": None,
    "state": "running",
    "indexes": {},
}


class PageSite:
    """What the daemon would say; `http` asks the pages."""

    def __init__(self, ledger: CheckpointStore | None = None) -> None:
        self.ledger = ledger or FakeCheckpointStore()
        self.now = NOW
        self.live: dict[str, Any] = {**LIVE}
        self.why: dict[str, str] = {}
        self.stopping = asyncio.Event()
        self.http = httpx.AsyncClient(trust_env=False)

    async def reasons(self) -> Mapping[str, str]:
        return self.why

    async def status(self, _: object) -> dict[str, Any]:
        return {}

    @property
    def site(self) -> StatusSite:
        return StatusSite(self.ledger, lambda: self.now, lambda: self.live, self.reasons, index_settings, self.stopping)

    async def page(self, path: str, status: int = 200) -> str:
        answer = await self.http.get(path)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        return answer.text


@asynccontextmanager
async def page_site(ledger: CheckpointStore | None = None) -> AsyncIterator[PageSite]:
    place = PageSite(ledger)

    async def no_reasons() -> dict[str, str]:
        return {}

    app = Guard(web_app(lambda: 0.0, no_reasons, place.status, page_routes(place.site)), "127.0.0.1")
    async with place.http, listening(app, "127.0.0.1", 0, setting="CONNECTOR_HTTP_PORT") as port:
        place.http.base_url = httpx.URL(f"http://127.0.0.1:{port}")
        yield place
