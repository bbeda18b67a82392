"""Streams of events on a real socket: limited in number and in life, and not kept for readers that are gone."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.web.connections import ConnectionBounds
from connector.web.event_stream import EventStream, StreamBounds, event
from connector.web.listener import listening

GET = b"GET /%s HTTP/1.1\r\nhost: x\r\n\r\n"
BOUNDS = ConnectionBounds(most=4, request_sec=60.0, answer_sec=0.2, grace_sec=0.05, last_event_sec=0.5)
LARGE = "x" * 1_000_000
CHUNK = b"data: one\n\n\r\n"

Talk = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Streams:
    """`go` lets every stream send its next event; `ended` is released when one has ended."""

    bounds: StreamBounds
    port: int = 0
    go: asyncio.Condition = field(default_factory=asyncio.Condition)
    ended: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    data: str = "one"
    sent: int = 0
    talks: list[asyncio.StreamWriter] = field(default_factory=list)

    async def events(self) -> AsyncGenerator[bytes, None]:
        try:
            yield event("first", self.data)
            while True:
                async with self.go:
                    await self.go.wait()
                self.sent += 1
                yield event("next", self.data)
        finally:
            self.ended.release()

    async def two_events(self) -> AsyncGenerator[bytes, None]:
        yield event("first", self.data)
        async with self.go:
            await self.go.wait()
        yield event("last", self.data)

    async def flood(self) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                self.sent += 1
                yield event("large", LARGE)
        finally:
            self.ended.release()

    async def stream(self, _: Request) -> Response:
        return EventStream(self.events(), self.bounds)

    async def large(self, _: Request) -> Response:
        return EventStream(self.flood(), self.bounds)

    async def ending(self, _: Request) -> Response:
        return EventStream(self.two_events(), self.bounds)

    async def plain(self, _: Request) -> Response:
        return Response(b"fine")

    async def next(self) -> None:
        async with self.go:
            self.go.notify_all()

    async def open(self, path: bytes = b"events") -> Talk:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.talks.append(writer)
        writer.write(GET % path)
        return reader, writer


@asynccontextmanager
async def streams(most: int = 2, life_sec: float = 60.0, write_sec: float = 0.2) -> AsyncIterator[Streams]:
    place = Streams(StreamBounds(most, life_sec, write_sec))
    ways = {"/events": place.stream, "/large": place.large, "/ending": place.ending, "/plain": place.plain}
    app = Starlette(routes=[Route(path, endpoint) for path, endpoint in ways.items()])
    try:
        async with asyncio.timeout(30), listening(app, "127.0.0.1", 0, setting="X", bounds=BOUNDS) as port:
            place.port = port
            yield place
    finally:
        for writer in place.talks:
            writer.close()


async def until(reader: asyncio.StreamReader, text: bytes) -> bytes:
    return await reader.readuntil(text)


async def rest(reader: asyncio.StreamReader) -> bytes:
    with suppress(ConnectionError):
        return await reader.read()
    return b""


async def test_events_arrive_one_by_one() -> None:
    async with streams() as place:
        reader, _ = await place.open()
        head = await until(reader, CHUNK)
        await place.next()
        second = await until(reader, CHUNK)

    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"content-type: text/event-stream; charset=utf-8\r\n" in head
    assert b"cache-control: no-store\r\n" in head
    assert b"retry: 2000\n\n" in head
    assert b"event: next\n" in second


async def test_a_stream_outlives_the_limit_on_responses() -> None:
    """The connection is idle for longer than a response may take, and goes on."""
    async with streams() as place:
        reader, _ = await place.open()
        await until(reader, CHUNK)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2 * BOUNDS.answer_sec):
                await reader.read(1)
        await place.next()
        assert b"event: next" in await until(reader, CHUNK)


async def test_a_stream_has_an_end_and_its_connection_goes_on() -> None:
    async with streams(life_sec=0.05) as place:
        reader, writer = await place.open()
        assert b"event: first" in await until(reader, b"\r\n0\r\n\r\n")
        writer.write(GET % b"plain")
        assert (await until(reader, b"fine")).startswith(b"HTTP/1.1 200 ")
        assert place.bounds.in_use == 0


async def test_more_streams_than_permitted_are_refused_and_other_requests_are_not() -> None:
    async with streams(most=2) as place:
        for _ in range(2):
            await until((await place.open())[0], CHUNK)
        refused, _ = await place.open()
        head = await until(refused, b"\r\n\r\n")
        plain, _ = await place.open(b"plain")
        answer = await until(plain, b"fine")

    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 30\r\n" in head
    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_a_reader_that_leaves_makes_room() -> None:
    async with streams(most=1) as place:
        reader, writer = await place.open()
        await until(reader, CHUNK)
        writer.close()
        await place.ended.acquire()
        again, _ = await place.open()
        assert b"event: first" in await until(again, CHUNK)


async def test_a_reader_that_takes_nothing_in_is_dropped() -> None:
    """After a bounded number of events, which its connection holds; the slot is free again."""
    async with streams(most=1) as place:
        reader, _ = await place.open(b"large")
        await place.ended.acquire()
        assert place.sent < 30
        assert len(await rest(reader)) < 30_000_000
        again, _ = await place.open()
        assert b"event: first" in await until(again, CHUNK)


async def test_the_listener_ends_soon_although_a_stream_does_not() -> None:
    loop = asyncio.get_running_loop()
    async with streams() as place:
        reader, _ = await place.open()
        await until(reader, CHUNK)
        began = loop.time()
    assert loop.time() - began < 1.0
    assert await rest(reader) == b""


async def test_a_stream_ends_properly_although_the_listener_ends_first() -> None:
    """What it says last must arrive: why it ends."""
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(streams())
        reader, _ = await place.open(b"ending")
        await until(reader, CHUNK)
        idle, _ = await place.open(b"plain")
        await until(idle, b"fine")
        async with asyncio.TaskGroup() as group:
            group.create_task(stack.aclose())
            assert await rest(idle) == b"", "the listener has told its connections to end"
            await place.next()
            assert b"event: last\ndata: one\n\n\r\n0\r\n\r\n" in await rest(reader)


@pytest.mark.parametrize("data", ["a\nb", "a\r\nb", "a\rb"])
def test_no_text_ends_an_event(data: str) -> None:
    assert event("name", data) == b"event: name\ndata: a\ndata: b\n\n"


def test_an_event_of_what_cannot_be_encoded() -> None:
    assert event("name", "a\ud800b") == b"event: name\ndata: a?b\n\n"
