"""The webhook endpoint on a real socket: genuine events start a poll, all others are refused and do no harm."""

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from connector.web.listener import listening
from connector.web.signatures import signature
from connector.web.webhooks import MAX_BODY_BYTES, PATH, Recent, Webhooks

SECRET, NOW = "whsec_test", 1_800_000_000.0
FILLED = b'{"type":"index.task.ready","padding":"'


class Place:
    """The endpoint, the polls that it started, and a client."""

    def __init__(self) -> None:
        self.woken: list[str | None] = []
        self.now = NOW
        self.app = Webhooks(SECRET, lambda: self.now, self.woken.append).app
        self.port = 0
        self.http = httpx.AsyncClient(trust_env=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"

    async def post(self, body: bytes | AsyncIterator[bytes], signed: str | None) -> int:
        headers = {} if signed is None else {b"TL-Signature": signed.encode("latin-1")}
        return (await self.http.post(self.url, content=body, headers=headers)).status_code

    async def send(self, event: Any, at: float = NOW, secret: str = SECRET) -> int:
        """Bytes are sent unchanged, other values as JSON; signed."""
        body = event if isinstance(event, bytes) else msgspec.json.encode(event)
        return await self.post(body, sign(body, at, secret))


def sign(body: bytes, at: float = NOW, secret: str = SECRET) -> str:
    timestamp = str(int(at))
    return f"t={timestamp},v1={signature(secret, timestamp, body)}"


def ready(event_id: str | None = "whe_1", task: Any = "task-1", **others: Any) -> dict[str, Any]:
    """As in the vendor's documentation."""
    data = {"id": task, "status": "ready", "models": [{"name": "marengo3.0", "options": ["visual"]}], "tags": ["x"]}
    return {"id": event_id, "type": "index.task.ready", "created_at": "2026-08-01T17:22:18Z", "data": data, **others}


def filled(size: int) -> bytes:
    return FILLED + b"x" * (size - len(FILLED) - 2) + b'"}'


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    """Sent chunked, so no header gives its length."""
    for start in range(0, len(body), 4096):
        yield body[start : start + 4096]


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    place = Place()
    async with place.http, listening(place.app, "127.0.0.1", 0, setting="CONNECTOR_WEBHOOK_PORT") as place.port:
        yield place


async def test_a_genuine_event_wakes_with_its_task(place: Place) -> None:
    assert await place.send(ready()) == 204
    assert place.woken == ["task-1"]


async def test_an_event_that_was_not_signed_with_the_secret_is_refused(place: Place) -> None:
    body = msgspec.json.encode(ready())

    assert await place.send(ready(), secret="whsec_other") == 401
    assert await place.post(body, None) == 401
    assert await place.post(body, "nonsense") == 401
    assert await place.post(body, "t=²,v1=é") == 401
    assert await place.post(body + b" ", sign(body)) == 401
    assert place.woken == []


@pytest.mark.parametrize(("late", "status"), [(300, 204), (-300, 204), (301, 401), (-301, 401)])
async def test_an_old_event_is_refused(place: Place, late: float, status: int) -> None:
    assert await place.send(ready(), at=NOW - late) == status
    assert len(place.woken) == (status == 204)


async def test_a_replay_is_accepted_and_ignored(place: Place) -> None:
    """The sender may repeat, with a new signature, what it thinks was lost; other events may come in between."""
    assert await place.send(ready("whe_1", "task-1")) == 204
    assert await place.send(ready("whe_2", "task-2")) == 204
    assert await place.send(ready("whe_1", "task-1"), at=NOW + 60) == 204
    assert place.woken == ["task-1", "task-2"]


async def test_a_refused_event_does_not_use_up_its_id(place: Place) -> None:
    assert await place.send(ready(), secret="whsec_other") == 401
    assert await place.send(ready()) == 204
    assert place.woken == ["task-1"]


async def test_events_without_an_id_are_never_replays(place: Place) -> None:
    await place.send(ready(None, "task-1"))
    await place.send(ready(None, "task-1"))

    assert place.woken == ["task-1", "task-1"]


def test_the_oldest_ids_are_forgotten_in_the_end() -> None:
    """The memory of seen ids is limited."""
    recent = Recent(2)

    assert [recent.add_if_new(name) for name in "aabacab"] == [True, False, True, False, True, True, True]


@pytest.mark.parametrize(
    "event",
    [
        {"id": "whe_1", "type": "index.task.failed", "data": {"id": "task-1"}},
        {"id": "whe_1", "type": "analyze.task.ready", "data": {"id": "task-1", "attempts": 3}},
        {"id": "whe_1", "type": "asset.renamed", "data": ["a", "list"]},
        {"id": "whe_1", "type": "asset.renamed", "data": "text"},
        {"id": 17, "type": "asset.counted", "data": {"id": 17}},
        {"id": "whe_1", "type": None},
        {"id": "whe_1", "type": 5},
        {},
    ],
)
async def test_events_that_are_not_known_are_accepted_and_ignored(place: Place, event: dict[str, Any]) -> None:
    """Whatever they contain: if refused, they would be sent again and again."""
    assert await place.send(event) == 204
    assert place.woken == []


@pytest.mark.parametrize(
    "data", [{"data": None}, {"data": {}}, {"data": {"id": None}}, {"data": {"id": 5}}, {"data": "task-1"}]
)
async def test_a_ready_event_that_names_no_task_wakes_all_the_same(place: Place, data: dict[str, Any]) -> None:
    assert await place.send({**ready(), **data}) == 204
    assert place.woken == [None]


async def test_a_task_id_that_cannot_be_requested_names_no_task(place: Place) -> None:
    assert await place.send(ready("whe_1", "x" * 256)) == 204
    assert await place.send(ready("whe_2", "x" * 257)) == 204
    assert place.woken == ["x" * 256, None]


async def test_long_ids_are_not_kept(place: Place) -> None:
    """10,000 ids are remembered, and each may be as long as a body."""
    tracemalloc.start()
    try:
        for number in range(100):
            assert await place.send(ready(f"{number}{'x' * 60_000}", f"{number}{'x' * 1000}")) == 204
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(place.woken) == 100
    assert held < 3_000_000, "the ids alone would be 6 MB"


async def test_unknown_keys_do_no_harm(place: Place) -> None:
    assert await place.send(ready(engines=["old"], extra={"a": 1})) == 204
    assert place.woken == ["task-1"]


DEEP = b'{"id":' * 5_000 + b"1" + b"}" * 5_000


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"ready", b"[]", b"5", b"null", b"{} {}", b"\xff\xfe", b'{"id":"\xff"}'),
        *(b"[" * 50_000, DEEP, rb'{"id": "\ud800"}', b'{"id": NaN}'),
    ],
)
async def test_what_is_no_json_object_is_refused(place: Place, body: bytes) -> None:
    assert await place.send(body) == 400
    assert place.woken == []


async def test_the_largest_body_is_accepted(place: Place) -> None:
    assert await place.send(filled(MAX_BODY_BYTES)) == 204


async def test_a_larger_body_is_refused_whether_it_says_its_length_or_not(place: Place) -> None:
    """Before the signature check, and without keeping the body: sending one needs no secret."""
    body = filled(MAX_BODY_BYTES + 1)

    assert await place.send(body) == 413
    assert await place.post(in_pieces(body), sign(body)) == 413
    assert await place.post(in_pieces(body[:-1000]), sign(body[:-1000])) == 400
    assert place.woken == []


async def test_a_genuine_event_may_come_in_pieces(place: Place) -> None:
    body = msgspec.json.encode(ready(padding="x" * 20_000))

    assert await place.post(in_pieces(body), sign(body)) == 204
    assert place.woken == ["task-1"]


async def test_a_sender_that_hangs_up_in_the_middle_stops_nobody_else(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """And is not logged as our error: anybody on the internet can do it."""
    _, writer = await asyncio.open_connection("127.0.0.1", place.port)
    writer.write(f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf".encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()

    assert await place.send(ready()) == 204
    assert place.woken == ["task-1"]
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
async def test_only_post_is_allowed(place: Place, method: str) -> None:
    answer = await place.http.request(method, place.url)

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/", "/livez", "/webhooks", "/api/status", f"{PATH}/", f"{PATH}/x"])
async def test_there_is_nothing_else_on_this_listener(place: Place, path: str) -> None:
    """It is exposed to the internet."""
    answer = await place.http.post(f"http://127.0.0.1:{place.port}{path}", content=b"{}")

    assert answer.status_code == 404


async def test_refusals_do_not_flood_the_log(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Anybody on the internet can cause them."""
    for _ in range(30):
        assert await place.send(ready(), secret="whsec_other") == 401

    assert capsys.readouterr().out.count("webhook.refused") == 5
