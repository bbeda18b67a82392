"""A server on a real socket that sends scripted responses byte by byte, even ones that no framework would send."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as received; header names in lower case."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class ScriptedServer:
    """Answers request n with `answers[n]`, then repeats the last one; None hangs until the server ends."""

    answers: list[bytes | None]
    port: int = 0
    requests: list[Sent] = field(default_factory=list)
    ending: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1.3"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer = self._answer(await _request(reader))
            if answer is None:
                await self.ending.wait()
            else:
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _answer(self, request: Sent) -> bytes | None:
        self.requests.append(request)
        return self.answers[min(len(self.requests), len(self.answers)) - 1]


@asynccontextmanager
async def scripted(answers: Iterable[bytes | None]) -> AsyncIterator[ScriptedServer]:
    """Listens on a free loopback port; every connection serves one request."""
    script = ScriptedServer(list(answers))
    server = await asyncio.start_server(script.handle, "127.0.0.1", 0)
    script.port = server.sockets[0].getsockname()[1]
    try:
        async with server:
            yield script
    finally:
        script.ending.set()


def answer(
    status: int = 200, body: Any = None, *, headers: dict[str, str] | None = None, cut: int = 0, zipped: bool = False
) -> bytes:
    """A complete HTTP response with a `body` of bytes or JSON; the last `cut` bytes are announced but never sent."""
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    raw = gzip.compress(raw) if zipped else raw
    lines = [f"HTTP/1.1 {status} Scripted", f"content-length: {len(raw)}", "connection: close"]
    lines += ["content-encoding: gzip"] if zipped else []
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + raw[: len(raw) - cut]


async def _request(reader: asyncio.StreamReader) -> Sent:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    address = urlsplit(target)
    return Sent(method, address.path, parse_qsl(address.query, keep_blank_values=True), headers, body)
