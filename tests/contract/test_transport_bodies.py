"""How bodies reach their reader: compressed or not, small or large, damaged, and what is told about them."""

import asyncio
import gzip
import json
import threading
from collections.abc import AsyncIterator

import pytest

from connector.domain.errors import SourceUnavailable, Unavailable
from connector.domain.events import Event, RequestEnded
from connector.twelvelabs.calls import Call
from connector.twelvelabs.listing_decoding import read_index
from connector.twelvelabs.rate_limiter import Limiter
from connector.twelvelabs.response_body import ResponseBody, joined
from connector.twelvelabs.retries import RequestLimits
from connector.twelvelabs.transport import ApiTransport
from tests.contract.transport_talks import CALL, GOOD, INDEX, KEY
from tests.fakes.clock import FakeTime
from tests.fakes.scripted_http import answer, scripted
from tests.virtual_time import until

GZIP = {"content-encoding": "gzip"}
LARGE = INDEX | {"note": "".join(chr(32 + number * number % 90) for number in range(200_000))}
PACKED = gzip.compress(json.dumps(LARGE).encode(), mtime=0)


async def ask(*answers: bytes, limits: RequestLimits | None = None) -> list[RequestEnded]:
    """Ask for an index, with retries; what was told about each request."""
    told: list[Event] = []
    clock = FakeTime().clock
    async with scripted(answers) as server:
        transport = ApiTransport(
            server.base_url, KEY, Limiter(clock=clock), limits=limits, clock=clock, observe=told.append
        )
        try:
            assert (await transport.send(CALL, read_index)).name == "news"
        finally:
            await transport.close()
    return [event for event in told if isinstance(event, RequestEnded)]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(json.dumps(LARGE).encode(), {}, id="as it is"),
        pytest.param(json.dumps(LARGE).encode(), {"content-encoding": "identity"}, id="identity"),
        pytest.param(json.dumps(LARGE).encode(), {"content-encoding": "unheard-of"}, id="unknown, so not decoded"),
        pytest.param(PACKED, GZIP, id="gzip"),
        pytest.param(PACKED, {"content-encoding": " GZIP "}, id="upper case"),
        pytest.param(gzip.compress(PACKED), {"content-encoding": "gzip, gzip"}, id="twice"),
        pytest.param(PACKED + b"garbage", GZIP, id="garbage at the end"),
        pytest.param(PACKED + gzip.compress(b"more"), GZIP, id="a second member"),
        pytest.param(PACKED[:-6], GZIP, id="without its end"),
    ],
)
async def test_the_size_told_is_that_of_the_json(body: bytes, headers: dict[str, str]) -> None:
    (ended,) = await ask(answer(200, body, headers=headers))

    assert (ended.status, ended.size_bytes, ended.error) == (200, len(json.dumps(LARGE)), None)


@pytest.mark.parametrize("data", [PACKED, gzip.compress(json.dumps(INDEX).encode(), mtime=0)], ids=["large", "small"])
@pytest.mark.parametrize("damage", ["middle", "checksum", "header", "cut"])
async def test_damaged_gzip_is_asked_for_again(data: bytes, damage: str) -> None:
    at = {"middle": len(data) // 2, "checksum": len(data) - 7, "header": 0, "cut": -1}[damage]
    bad = data[: len(data) // 2] if damage == "cut" else data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
    first, second = await ask(answer(200, bad, headers=GZIP), GOOD)

    assert first.error == Unavailable.code
    assert damage in {"cut", "middle"} or "127.0.0.1: DecodingError: Error -3 while decompressing data" in first.cause
    assert second.error is None


async def test_the_status_is_told_also_if_the_body_breaks_off() -> None:
    cut, silent, good = await ask(answer(200, LARGE)[:-20], b"", GOOD)

    assert [(it.status, it.error) for it in (cut, silent)] == [(200, Unavailable.code), (None, Unavailable.code)]
    assert (good.status, good.error) == (200, None)


@pytest.mark.parametrize("size", [70_000, 50_000_000])
async def test_a_bomb_is_not_unpacked(size: int) -> None:
    bomb = gzip.compress(b'"' + b"x" * size, 1)
    with pytest.raises(SourceUnavailable, match="larger than 60000 bytes"):
        await ask(answer(200, bomb, headers=GZIP), limits=RequestLimits(body=60_000))


@pytest.mark.parametrize(("data", "in_place"), [(INDEX, True), (LARGE, False)])
@pytest.mark.parametrize("zipped", [False, True])
async def test_a_large_body_is_read_in_a_thread(data: object, in_place: bool, zipped: bool) -> None:
    def where(_: ResponseBody, __: Call) -> bool:
        return threading.current_thread() is threading.main_thread()

    async with scripted([answer(200, data, zipped=zipped)]) as server:
        transport = ApiTransport(server.base_url, KEY, clock=FakeTime().clock)
        assert await transport.receive(CALL, where) is in_place
        await transport.close()


async def test_a_body_beyond_the_room_for_all_is_read() -> None:
    ends = await ask(answer(200, LARGE), limits=RequestLimits(bodies=1000))

    assert [end.error for end in ends] == [None]


async def test_large_bodies_are_read_one_by_one() -> None:
    started, go, body = list[str](), threading.Event(), b" " * (9 * 1024 * 1024)

    def read(_: ResponseBody, call: Call) -> None:
        started.append(call.subject)
        go.wait()

    async with scripted([answer(200, body)] * 2) as server:
        transport = ApiTransport(server.base_url, KEY, clock=FakeTime().clock)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(2):
                    group.create_task(transport.receive(CALL, read))
                await until(lambda: transport.in_memory.held == 2 * len(body) and bool(started), 30)
                for _ in range(20):
                    await asyncio.sleep(0)
                assert len(started) == 1
                go.set()
            assert len(started) == 2
        finally:
            go.set()
            await transport.close()


async def test_a_large_chunk_has_memory_of_its_own() -> None:
    """It is read like any other."""
    body, chunk = ResponseBody(10_000_000), bytes(range(256)) * 4096

    async def received() -> AsyncIterator[bytes]:
        for part in (chunk, chunk, b"last"):
            yield part

    async for part in joined(received()):
        body.add(part)
    assert [type(piece) for piece in body.pieces()] == [memoryview, bytes]
    assert bytes(body.whole()) == chunk + chunk + b"last"
