"""Serves a library over HTTP from bodies prepared and compressed beforehand, so that it is never the bottleneck.

The simulator makes each body when it is asked, which would take more time than what is measured here.
"""

import asyncio
import json
import sys
import time
import zlib
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from benchmarks.library import INDEX_ID, Library

INDEXES = "/v1.3/indexes"
PREFIX = f"{INDEXES}/{INDEX_ID}"
COUNTERS = "/counters"
_GZIP, _LEVEL = 31, 1
_LONGEST_REQUEST = 64 * 1024
Answer = tuple[int, bytes, bool]
"""Status, body, and whether the body is compressed."""


class PreparedSource:
    """The responses, and counters since they were last read: requests, bytes, time of the first request."""

    def __init__(self, library: Library) -> None:
        self._index = orjson.dumps(library.index())
        self._items = [(item, orjson.dumps(item)) for item in library.items()]
        self._texts = [text for _, text in self._items]
        self._details = {item["_id"]: orjson.dumps(library.details(item)) for item, _ in self._items}
        self._bodies = {name: compressed(body) for name, body in library.bodies()}
        self._counters: dict[str, float] = {}
        self.take_counters()

    def answer(self, target: str) -> Answer:
        parts = urlsplit(target)
        query = parse_qs(parts.query)
        if parts.path == COUNTERS:
            return 200, json.dumps(self.take_counters()).encode(), False
        status, body, packed = self._resource(parts.path, query)
        self._counters["requests"] += 1
        self._counters["bytes"] += len(body)
        self._counters["first_at"] = self._counters["first_at"] or time.monotonic()
        return status, body, packed

    def take_counters(self) -> Mapping[str, float]:
        """`first_at` is a time of the monotonic clock, which all processes of the machine share."""
        taken, self._counters = self._counters, {"requests": 0, "listings": 0, "bytes": 0, "first_at": 0.0}
        return taken

    def _resource(self, whole_path: str, query: Mapping[str, list[str]]) -> Answer:
        if whole_path == INDEXES:
            return 200, _listing([self._index], query), False
        path = whole_path.removeprefix(PREFIX)
        if not path:
            return 200, self._index, False
        if path == "/indexed-assets":
            self._counters["listings"] += query.get("page", ["1"]) == ["1"]
            return 200, self._page(query), False
        name = path.removeprefix("/indexed-assets/")
        if name not in self._details:
            return 404, b'{"code":"resource_not_exists","message":"There is no such resource."}', False
        if "embedding_option" in query:
            return 200, self._bodies[name], True
        return 200, self._details[name], False

    def _page(self, query: Mapping[str, list[str]]) -> bytes:
        filtered = "created_at" in query or "updated_at" in query
        rows = [text for item, text in self._items if _matches(item, query)] if filtered else self._texts[:]
        if query.get("sort_option", ["desc"])[0] == "desc":
            rows.reverse()
        return _listing(rows, query)


def _listing(rows: Sequence[bytes], query: Mapping[str, list[str]]) -> bytes:
    """One page of the rows."""
    number, limit = int(query.get("page", ["1"])[0]), int(query.get("page_limit", ["10"])[0])
    pages = -(-len(rows) // limit)
    info = {"page": number, "limit_per_page": limit, "total_page": pages, "total_results": len(rows)}
    shown = b",".join(rows[(number - 1) * limit : number * limit])
    return b'{"data":[' + shown + b'],"page_info":' + orjson.dumps(info) + b"}"


def _matches(item: Mapping[str, Any], query: Mapping[str, list[str]]) -> bool:
    since = {key: query[key][0] for key in ("created_at", "updated_at") if key in query}
    return all(item[key] >= moment for key, moment in since.items())


def compressed(body: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, wbits=_GZIP)
    return packer.compress(body) + packer.flush()


class _Connection(asyncio.Protocol):
    """HTTP/1.1 for requests without a body, which is all that these programs send."""

    def __init__(self, source: PreparedSource, after_sec: float) -> None:
        self._source, self._after_sec = source, after_sec
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head, self._received = self._received[:end], self._received[end + 4 :]
            self._respond(head)
        if len(self._received) > _LONGEST_REQUEST:
            self._transport.close()

    def _respond(self, head: bytes) -> None:
        status, body, packed = self._source.answer(head.split(b" ", 2)[1].decode("ascii"))
        if packed and b"gzip" not in head.lower():
            body, packed = zlib.decompress(body, wbits=_GZIP), False
        lines = [
            f"HTTP/1.1 {status} {'OK' if status == 200 else 'Not Found'}",
            f"date: {formatdate(usegmt=True)}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            *(["content-encoding: gzip"] if packed else []),
        ]
        answer = ("\r\n".join(lines).encode() + b"\r\n\r\n", body)
        if self._after_sec:
            asyncio.get_running_loop().call_later(self._after_sec, self._transport.writelines, answer)
        else:
            self._transport.writelines(answer)


async def serve(library: Library) -> None:
    """Prints the port when the bodies are ready; ends when it is killed."""
    source = PreparedSource(library)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(source, library.answers_after_sec), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    sizes = json.loads(sys.argv[1])
    asyncio.run(serve(Library(**{**sizes, "segments": tuple(sizes["segments"])})))
