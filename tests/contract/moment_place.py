"""The asset page and the search on a real socket; what the daemon would find is given by the test."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from typing import Any

import httpx

from connector.domain.errors import ConnectorError
from connector.domain.stored_segments import StoredSegment
from connector.engine.text_search import ModelMoments
from connector.web.access import Guard
from connector.web.asset_view import AssetView
from connector.web.health import web_app
from connector.web.listener import listening
from connector.web.pages.moment_routes import moment_routes
from connector.web.pages.moment_site import MomentSite

NOW = 1_800_000_000.0
TIME = "2027-01-15T07:00:00.000Z"


def document(**given: Any) -> dict[str, Any]:
    """An applied asset."""
    applied = {
        "fingerprint": "print-1",
        "revision": "revision-1",
        "metadata_revision": "metadata-1",
        "points": 2,
        "collection": "twelvelabs-marengo3.0",
        "applied_at": TIME,
        "shallow_at": TIME,
        "deep_at": TIME,
    }
    plain = {
        "index_id": "index-1",
        "index_name": "Matches",
        "indexed_asset_id": "asset-1",
        "asset_id": "upload-1",
        "filename": "match.mp4",
        "model": "marengo3.0",
        "state": "applied",
        "priority": None,
        "collections": ["twelvelabs-marengo3.0"],
        "applied": applied,
        "attempt": None,
        "listed": {"status": "ready"},
        "delete": None,
        "withheld_because": None,
        "facts": {
            "created_at": TIME,
            "indexed_at": TIME,
            "duration_sec": 12.0,
            "fps": 29.97,
            "width": 1280,
            "height": 720,
            "size_bytes": 12_345_678,
        },
        "user_metadata": {"category": "sports"},
        "qdrant": {"error": None, "points": 2, "truncated": False},
    }
    return plain | given


def segment(start: float, end: float, *options: str, transcript: str = "") -> StoredSegment:
    return StoredSegment(start, end, "clip", options or ("visual",), transcript)


SEGMENTS = (segment(0, 6, "visual", "audio", transcript="the net, nil"), segment(6, 12, "visual"))


class MomentPlace:
    """`assets` by (index id, asset id); `lists` is what a search finds; `asked` are the searches."""

    http: httpx.AsyncClient
    """Asks the pages; only within `moment_place`."""

    def __init__(self) -> None:
        self.assets: dict[tuple[str, str], AssetView] = {}
        self.lists: list[ModelMoments] = []
        self.names: dict[str, str | None] = {"index-1": "Matches"}
        self.error: ConnectorError | None = None
        self.asked: list[tuple[str, tuple[str, ...], int]] = []

    def put(self, *segments: StoredSegment, **given: Any) -> AssetView:
        view = AssetView(document(**given), segments)
        self.assets[view.document["index_id"], view.document["indexed_asset_id"]] = view
        return view

    async def asset(self, index_id: str, indexed_asset_id: str) -> AssetView | None:
        if self.error:
            raise self.error
        return self.assets.get((index_id, indexed_asset_id))

    async def find(self, text: str, indexes: Sequence[str], limit: int) -> list[ModelMoments]:
        self.asked.append((text, tuple(indexes), limit))
        if self.error:
            raise self.error
        return self.lists

    async def indexes(self) -> dict[str, str | None]:
        return self.names

    async def page(self, path: str, status: int = 200, headers: Mapping[str, str] | None = None) -> "Parsed":
        answer = await self.http.get(path, headers=headers)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        return Parsed(answer.text)

    async def json(self, path: str, status: int = 200) -> Any:
        answer = await self.http.get(path)
        assert answer.status_code == status, answer.text
        return answer.json()


@asynccontextmanager
async def moment_place() -> AsyncIterator[MomentPlace]:
    place = MomentPlace()

    async def nothing(*_: object) -> dict[str, Any]:
        return {}

    site = MomentSite(lambda: NOW, place.asset, place.find, place.indexes)
    app = Guard(web_app(lambda: 0.0, nothing, nothing, moment_routes(site)), "127.0.0.1")
    async with (
        listening(app, "127.0.0.1", 0, setting="CONNECTOR_HTTP_PORT") as port,
        httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}") as place.http,
    ):
        yield place


class Parsed(HTMLParser):
    """A page as a browser reads it: its visible text, and the attributes of its elements by tag."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source, self._parts = source, list[str]()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(source)
        self.text = " ".join(" ".join(self._parts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self._parts.append(data)

    def all(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        """The attributes of the elements with this tag and all of these attributes; `class_` is one of the classes."""
        wanted = {key.rstrip("_"): value for key, value in attributes.items()}
        return [
            found
            for name, found in self.elements
            if name == tag and all(value in (found.get(key) or "").split() for key, value in wanted.items())
        ]

    def links(self) -> list[str]:
        return [href for it in self.all("a") if (href := it.get("href"))]
