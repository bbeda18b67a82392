"""What clients can do to a listener on a real socket without ever completing a request."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import product

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from connector.web.connections import ConnectionBounds, most_connections
from connector.web.listener import listening

HEAD = b"GET / HTTP/1.1\r\nhost: x\r\n"
GET = HEAD + b"\r\n"
POST = b"POST /body HTTP/1.1\r\nhost: x\r\n"
HALVES = {
    "nothing": b"",
    "half a head": HEAD,
    "half a body": POST + b"content-length: 9\r\n\r\nhalf",
    "half a chunk": POST + b"transfer-encoding: chunked\r\n\r\n9\r\nhalf",
    "a body that nobody reads": b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf",
    "a request, and nothing more": GET,
    "a request, and half of another": GET + HEAD,
}
LARGE = b"x" * 8_000_000
BOUNDS = ConnectionBounds(most=4, request_sec=60.0, answer_sec=60.0, grace_sec=0.05)

Talk = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Place:
    """An application behind a bounded listener, and its clients."""

    port: int = 0
    answer_now: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    interrupted: asyncio.Event = field(default_factory=asyncio.Event)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def plain(self, _: Request) -> Response:
        return Response(b"fine")

    async def body(self, request: Request) -> Response:
        try:
            return Response(await request.body())
        except ClientDisconnect:
            self.interrupted.set()
            return Response(status_code=400)

    async def slow(self, _: Request) -> Response:
        self.asked.release()
        await self.answer_now.wait()
        return Response(b"late")

    async def large(self, _: Request) -> Response:
        return Response(LARGE)

    @property
    def app(self) -> Starlette:
        paths: dict[str, Callable[[Request], object]] = {
            "/": self.plain, "/body": self.body, "/slow": self.slow, "/large": self.large
        }  # fmt: skip
        return Starlette(routes=[Route(path, endpoint, methods=["GET", "POST"]) for path, endpoint in paths.items()])

    async def send(self, data: bytes) -> Talk:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.stack.push_async_callback(hang_up, writer)
        writer.write(data)
        return reader, writer

    async def ask(self, data: bytes = GET) -> bytes:
        """The status line of the answer."""
        reader, _ = await self.send(data)
        return await reader.readline()


@asynccontextmanager
async def place_with(bounds: ConnectionBounds) -> AsyncIterator[Place]:
    place = Place()
    served = listening(place.app, "127.0.0.1", 0, setting="CONNECTOR_HTTP_PORT", bounds=bounds)
    async with asyncio.timeout(30), served as place.port, place.stack:
        yield place


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def ended(talk: Talk) -> bytes:
    """The data received before the server closed the connection."""
    reader, _ = talk
    try:
        return await reader.read()
    except ConnectionError:
        return b""


@pytest.mark.parametrize("sent", HALVES.values(), ids=HALVES)
async def test_those_who_wait_make_room(sent: bytes) -> None:
    """However many clients wait: one with a complete request is answered long before they time out."""
    async with place_with(BOUNDS) as place:
        for _ in range(5 * BOUNDS.most):
            await place.send(sent)

        assert [await place.ask() for _ in range(3)] == [b"HTTP/1.1 200 OK\r\n"] * 3


@pytest.mark.parametrize("sent", HALVES.values(), ids=HALVES)
async def test_a_request_that_is_not_complete_in_time_ends_its_connection(sent: bytes) -> None:
    async with place_with(ConnectionBounds(most=4, request_sec=0.2)) as place:
        answer = await ended(await place.send(sent))

        assert answer.count(b"200 OK") == sent.count(GET) + (sent == HALVES["a body that nobody reads"])
        assert await place.ask() == b"HTTP/1.1 200 OK\r\n"


async def test_sending_more_of_it_gives_a_request_no_more_time() -> None:
    async with place_with(ConnectionBounds(most=4, request_sec=0.2)) as place:
        talk = await place.send(POST + b"content-length: 1000000\r\n\r\n")
        async with asyncio.TaskGroup() as group:
            ending = group.create_task(ended(talk))
            while not ending.done():
                talk[1].write(b"x")
                await asyncio.sleep(0)

        assert ending.result() == b""
        await place.interrupted.wait()


async def test_an_answer_that_nobody_takes_ends_its_connection() -> None:
    """Otherwise it would stay forever: only clients without a complete request are closed to make room."""
    async with place_with(ConnectionBounds(most=1, answer_sec=0.2)) as place:
        await place.send(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")

        assert await place.ask() == b"HTTP/1.1 200 OK\r\n"


async def test_those_who_are_being_answered_do_not_make_room() -> None:
    async with place_with(BOUNDS) as place, asyncio.TaskGroup() as group:
        slow = [group.create_task(place.ask(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n")) for _ in range(BOUNDS.most)]
        for _ in slow:
            await place.asked.acquire()
        last = group.create_task(place.ask())
        place.answer_now.set()

    assert [task.result() for task in (*slow, last)] == [b"HTTP/1.1 200 OK\r\n"] * (BOUNDS.most + 1)


async def test_a_connection_that_is_kept_alive_is_kept_while_there_is_room() -> None:
    async with place_with(BOUNDS) as place:
        reader, writer = await place.send(GET)
        for _ in range(3):
            assert b"200 OK" in await reader.readuntil(b"fine")
            writer.write(GET)


MALFORMED = [
    b"\x16\x03\x01\x00\xa5\x01",
    b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: [\r\ncontent-length: -1\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\nno header\r\n\r\n",
    POST + b"transfer-encoding: chunked\r\n\r\nZZ\r\n",
    POST + b"transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nZZ\r\n",
    GET.replace(b"\r\n\r\n", b"\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n"),
    GET + b"nonsense\r\n\r\n",
    b"x" * 100_000,
]


@pytest.mark.parametrize(("sent", "pieces"), list(product(MALFORMED, [1, 3])))
async def test_a_malformed_request_is_refused_and_no_error_of_ours(
    sent: bytes, pieces: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether the mistake is in the head, or in the body after the handler started."""
    async with place_with(BOUNDS) as place:
        size = -(-len(sent) // pieces)
        reader, writer = await place.send(sent[:size])
        for start in range(size, len(sent), size):
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(sent[start : start + size])
        answer = await ended((reader, writer))
        assert await place.ask() == b"HTTP/1.1 200 OK\r\n"

    assert b" 500 " not in answer
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_body_that_becomes_malformed_is_answered_with_400() -> None:
    async with place_with(BOUNDS) as place:
        assert await place.ask(POST + b"transfer-encoding: chunked\r\n\r\nZZ\r\n") == b"HTTP/1.1 400 Bad Request\r\n"


async def test_a_websocket_is_not_offered_and_not_talked_about(caplog: pytest.LogCaptureFixture) -> None:
    upgrade = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
    async with place_with(BOUNDS) as place:
        assert await place.ask(upgrade) == b"HTTP/1.1 200 OK\r\n"

    assert caplog.records == []


async def test_half_requests_do_not_hold_up_the_end() -> None:
    async with place_with(BOUNDS) as place, asyncio.timeout(2.0):
        talk = await place.send(HALVES["half a body"])
        await place.ask()

    assert await ended(talk) == b""


def test_a_listener_takes_a_small_share_of_the_descriptors() -> None:
    assert 8 <= most_connections() <= 64
