"""Whatever arrives at the two listeners, on real sockets: no 5xx, no error, little memory, and they go on."""

import json
import re
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.page import LAST_OFFSET, LONGEST
from connector.web.signatures import signature
from connector.web.webhooks import PATH
from tests.any_json import ANY_TEXT_OF_JSON, changed
from tests.contract.listeners import BOUNDS, HEALTHY, NOW, SECRET, Listeners, running_listeners, statuses

BOTH = pytest.mark.parametrize("name", ["status", "webhook"])
FEWER = settings(max_examples=min(60, settings().max_examples))
"""For requests that may stay incomplete, so that nobody closes the connection."""
SHORTLY = 0.05


@pytest.fixture(scope="module")
def listeners() -> Iterator[Listeners]:
    with running_listeners() as found:
        yield found


VALUE = st.binary(max_size=40).map(lambda it: bytes(byte for byte in it if byte not in b"\r\n\0"))
TIMESTAMP = st.integers().map(str) | st.just(str(int(NOW))) | st.sampled_from(["", "²", "9" * 5000, "+1", "1_0", "nan"])
PARTS = st.lists(
    st.sampled_from(["t=1800000000", "t", "v1", "v1=", "v1=00", "v1=é", "v0=x", "=", ",", " ", "t=t=1"]), max_size=6
)
SIGNATURES = VALUE | st.builds(lambda it: f"t={it},v1={'0' * 64}".encode(), TIMESTAMP)
SIGNATURES |= PARTS.map(lambda it: ",".join(it).encode("latin-1"))
EVENT: dict[str, Any] = {
    "id": "whe_1",
    "type": "index.task.ready",
    "created_at": "2026-08-01T17:22:18Z",
    "data": {"id": "task-1", "status": "ready", "models": [{"name": "marengo3.0"}]},
}
BODIES = changed(EVENT) | ANY_TEXT_OF_JSON.map(lambda it: it.encode(errors="surrogatepass")) | st.binary(max_size=200)


def post(body: bytes, *headers: tuple[bytes, bytes]) -> bytes:
    sent = [(b"host", b"x"), (b"connection", b"close"), (b"content-length", b"%d" % len(body)), *headers]
    return b"POST %b HTTP/1.1\r\n%b\r\n%b" % (PATH.encode(), b"".join(b"%b: %b\r\n" % it for it in sent), body)


@given(body=BODIES, signed=SIGNATURES, other=VALUE)
def test_any_webhook_that_is_not_genuine_is_refused(
    listeners: Listeners, body: bytes, signed: bytes, other: bytes
) -> None:
    answer = listeners.talk("webhook", post(body, (b"TL-Signature", signed), (b"x-other", other)))

    assert statuses(answer) in ([401], [400])
    assert listeners.woken == []
    assert listeners.errors == []


@given(body=BODIES, late=st.integers(-400, 400))
def test_any_genuine_webhook_is_accepted_or_refused(listeners: Listeners, body: bytes, late: int) -> None:
    """With the secret, but with any content: it wakes with a task or with none."""
    at = str(int(NOW) + late)
    answer = listeners.talk(
        "webhook", post(body, (b"TL-Signature", f"t={at},v1={signature(SECRET, at, body)}".encode()))
    )
    woken = listeners.woken[:]
    listeners.woken.clear()

    assert statuses(answer) in ([[204], [400]] if abs(late) <= 300 else [[401]])
    assert all(it is None or isinstance(it, str) for it in woken)
    assert len(woken) <= (statuses(answer) == [204])
    assert listeners.errors == []


NUMBER = (
    st.integers().map(str) | st.text(max_size=10) | st.sampled_from(["", "+5", " 5", "5 ", "٣", "0x5", "1e2", "007"])
)
QUERY = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=40)


@given(offset=NUMBER, limit=NUMBER, raw=st.none() | QUERY)
def test_any_page_of_the_status_is_answered_or_refused(
    listeners: Listeners, offset: str, limit: str, raw: str | None
) -> None:
    named = f"offset={quote(offset, errors='surrogatepass')}&limit={quote(limit, errors='surrogatepass')}"
    query = named if raw is None else raw
    sent = f"GET /api/status?{query} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    answer = listeners.talk("status", sent.encode())
    pages = listeners.pages[:]
    listeners.pages.clear()

    assert statuses(answer) == ([200] if pages else [400])
    assert all(0 <= page.offset <= LAST_OFFSET and 1 <= page.limit <= LONGEST for page in pages)
    if not pages:
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "usage_error"
    assert listeners.errors == []


HOSTS = VALUE | st.sampled_from([b"localhost", b"127.0.0.1:80", b"[::1]", b"evil.example", b"[::1]evil.example:80"])
HOSTS |= st.text("localhost.127:[]%@ ", max_size=16).map(str.encode)
OWN = re.compile(r"(.*\.)?localhost\.?(:\d*)?|127(\.\d+){3}\.?(:\d*)?|\[[0:]*:0*1(%.*)?\](:\d*)?|", re.ASCII)


@given(HOSTS)
def test_only_a_host_that_is_this_machine_is_answered(listeners: Listeners, host: bytes) -> None:
    """Whatever a browser may be made to send."""
    answer = listeners.talk("status", b"GET /livez HTTP/1.1\r\nhost: %b\r\nconnection: close\r\n\r\n" % host)

    assert statuses(answer) in ([200], [400], [403])
    assert OWN.fullmatch(host.decode("latin-1").strip().lower()) or statuses(answer) != [200]
    assert listeners.errors == []


WORDS = st.sampled_from(
    [
        *(
            b"GET ",
            b"POST ",
            b"PRI * ",
            b"CONNECT ",
            b"/livez",
            b"/api/status?offset=1",
            PATH.encode(),
            b"http://evil/",
        ),
        *(b"*", b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b" HTTP/9.9\r\n", b"\r\n", b"\n", b"\r\n\r\n", b"host: x\r\n"),
        *(b"host: localhost\r\n", b"content-length: 5\r\n", b"content-length: -1\r\n", b"content-length: 5, 6\r\n"),
        *(b"content-length: 99999999999999999999\r\n", b"transfer-encoding: chunked\r\n", b"expect: 100-continue\r\n"),
        *(b"transfer-encoding: gzip, chunked\r\n", b"connection: upgrade\r\nupgrade: websocket\r\n", b"x" * 70_000),
        *(b"upgrade: h2c\r\nhttp2-settings: x\r\n", b"TL-Signature: t=1,v1=0\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n"),
        *(
            b"FFFFFFFFFFFFFFFFFFFF\r\n",
            b"-5\r\n",
            b"5;" + b"e" * 5000 + b"\r\n",
            b": \r\n",
            b" folded\r\n",
            b"\0",
            b"\xff",
        ),
        *(b"a: b\r\n" * 2000, b"%00", b"%ff", b"\x16\x03\x01\x02\x00\x01", *HEALTHY.values()),
    ]
)
REQUESTS = st.lists(WORDS | st.binary(max_size=20), max_size=12).map(b"".join)


@BOTH
@FEWER
@given(sent=REQUESTS, cuts=st.lists(st.integers(0, 400), max_size=2).map(sorted))
def test_any_bytes_are_answered_or_refused(listeners: Listeners, name: str, sent: bytes, cuts: list[int]) -> None:
    pieces = [sent[start:end] for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    answer = listeners.talk(name, *pieces, patience=SHORTLY)

    assert all(status < 500 for status in statuses(answer))
    assert listeners.is_well(name), listeners.errors


@BOTH
@given(count=st.integers(0, 30), rest=REQUESTS)
def test_requests_may_be_sent_before_the_answers_are_read(
    listeners: Listeners, name: str, count: int, rest: bytes
) -> None:
    """Pipelined, with anything behind the last one."""
    one = HEALTHY[name].replace(b"connection: close\r\n", b"")
    answer = listeners.talk(name, one * count + HEALTHY[name] + rest)

    good = {"status": 200, "webhook": 401}[name]
    assert statuses(answer) == [good] * (count + 1)
    assert listeners.errors == []


SLOW = {
    "nothing": b"",
    "half a head": b"POST / HTTP/1.1\r\nhost: localhost\r\n",
    "half a body": b"POST %b HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nhalf" % PATH.encode(),
    "half a chunk": b"POST %b HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhalf"
    % PATH.encode(),
}


@BOTH
@pytest.mark.parametrize("sent", SLOW.values(), ids=SLOW)
def test_slow_clients_hold_up_nobody(listeners: Listeners, name: str, sent: bytes) -> None:
    """Slow loris: more clients than there are connections, each sending a byte now and then."""
    with ExitStack() as stack:
        slow = [stack.enter_context(listeners.connect(name)) for _ in range(4 * BOUNDS.most)]
        for client in slow:
            client.sendall(sent)
        for _ in range(3):
            assert listeners.is_well(name), listeners.errors
            for client in slow:
                with suppress(ConnectionError):
                    client.sendall(b"x")


HEADS = {
    "status": b"GET /livez HTTP/1.1\r\nhost: localhost\r\n",
    "webhook": b"POST %b HTTP/1.1\r\nhost: x\r\n" % PATH.encode(),
}
MEGABYTE = b"x" * 1_000_000
ENDLESS = {
    "a head": b"x-large: ",
    "headers": b"",
    "a body": b"content-length: 100000000000\r\n\r\n",
    "a chunk": b"transfer-encoding: chunked\r\n\r\nFFFFFFFF\r\n",
    "chunks": b"transfer-encoding: chunked\r\n\r\n",
}
REPEATED = {"headers": b"x-a: b\r\n" * 125_000, "chunks": (b"%x\r\n" % 9990 + b"x" * 9990 + b"\r\n") * 100}


@BOTH
@pytest.mark.parametrize("kind", ENDLESS)
def test_an_endless_request_uses_little_memory(listeners: Listeners, name: str, kind: str) -> None:
    """Whether it is read and thrown away, or refused: 40 MB of it leave no trace."""
    more = REPEATED.get(kind, MEGABYTE)
    tracemalloc.start()
    try:
        with listeners.connect(name) as client, suppress(ConnectionError):
            client.sendall(HEADS[name] + ENDLESS[kind])
            for _ in range(40):
                client.sendall(more)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 4_000_000
    assert listeners.is_well(name), listeners.errors
