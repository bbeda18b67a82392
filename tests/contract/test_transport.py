"""The transport against a server that misbehaves, over real sockets; no test waits."""

import traceback

import pytest

from connector import __version__
from connector.domain.errors import (
    AuthenticationFailed,
    ConnectorError,
    MalformedAsset,
    SourceUnavailable,
    Unavailable,
)
from connector.twelvelabs.calls import Call, Refused
from connector.twelvelabs.listing_decoding import read_index
from connector.twelvelabs.retries import RequestLimits
from connector.twelvelabs.transport import ApiTransport
from tests.contract.transport_talks import CALL, GOOD, INDEX, KEY, talking
from tests.fakes.clock import FakeTime
from tests.fakes.scripted_http import answer, scripted


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


async def test_a_request_carries_the_key_and_says_who_asks(time: FakeTime) -> None:
    """The key is in x-api-key only, and only gzip is accepted."""
    async with talking([GOOD], time) as (transport, server):
        assert (await transport.send(CALL, read_index)).name == "news"

    sent = server.requests[0]
    assert (sent.method, sent.path) == ("GET", "/v1.3/indexes/ix1")
    assert sent.headers["x-api-key"] == KEY
    assert sent.headers["user-agent"] == f"twelvelabs-qdrant-connector/{__version__}"
    assert sent.headers["accept-encoding"] == "gzip"
    assert [name for name, value in sent.headers.items() if KEY in value] == ["x-api-key"]


async def test_gzip_is_understood(time: FakeTime) -> None:
    async with talking([answer(200, INDEX, zipped=True)], time) as (transport, _):
        assert (await transport.send(CALL, read_index)).index_id == "ix1"


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(answer(500, {"code": "internal", "message": "oops"}), id="500"),
        pytest.param(answer(503), id="503 empty"),
        pytest.param(answer(502, b"<html>bad gateway</html>"), id="502 HTML"),
        pytest.param(answer(408), id="408"),
        pytest.param(answer(425), id="425"),
        pytest.param(answer(499, {"code": "request_canceled_or_timed_out"}), id="499"),
        pytest.param(answer(404, b"<html>no such route</html>"), id="404 of a proxy"),
        pytest.param(answer(200, INDEX, cut=3), id="connection ends inside the body"),
        pytest.param(answer(200, b'{"_id": "ix1", "index_'), id="JSON cut, length right"),
        pytest.param(answer(200, b'{"_id": 5, "index_'), id="JSON cut after a type error"),
        pytest.param(answer(200, b"<html>please log in</html>"), id="HTML with 200"),
        pytest.param(answer(200), id="empty body"),
        pytest.param(answer(200, b"no gzip", headers={"content-encoding": "gzip"}), id="not the announced encoding"),
        pytest.param(b"", id="closed without an answer"),
        pytest.param(b"SMTP is not HTTP\r\n\r\n", id="no HTTP"),
    ],
)
class TestPassingTrouble:
    async def test_is_retried(self, bad: bytes, time: FakeTime) -> None:
        """The second attempt succeeds after a wait."""
        async with talking([bad, GOOD], time) as (transport, server):
            assert (await transport.send(CALL, read_index)).name == "news"

        assert len(server.requests) == 2
        assert time.sleeps == [0.25]

    async def test_ends_as_unavailable_when_it_lasts(self, bad: bytes, time: FakeTime) -> None:
        """Attempts are limited, waits grow, and the message names operation and subject."""
        async with talking([bad], time) as (transport, server):
            with pytest.raises(Unavailable, match=r"^look up index ix1: ") as caught:
                await transport.send(CALL, read_index)

        assert caught.value.side == "source"
        assert KEY not in "".join(traceback.format_exception(caught.value))
        assert len(server.requests) == 5 == transport.sent("ix1") == transport.sent()
        assert time.sleeps == [0.25, 0.5, 1.0, 2.0]


async def test_nobody_listening_is_unavailable(time: FakeTime) -> None:
    async with scripted([GOOD]) as server:
        address = server.base_url
    transport = ApiTransport(address, KEY, clock=time.clock)
    with pytest.raises(Unavailable, match="ConnectError"):
        await transport.send(CALL, read_index)
    await transport.close()

    assert transport.sent() == 5


@pytest.mark.parametrize("limits", [RequestLimits(attempts=2, read=0.05), RequestLimits(attempts=2, exchange=0.05)])
async def test_a_server_that_hangs_is_unavailable(limits: RequestLimits, time: FakeTime) -> None:
    """Both the read time-out and the limit for the whole exchange apply."""
    async with talking([None], time, limits) as (transport, server):
        with pytest.raises(Unavailable):
            await transport.send(CALL, read_index)

    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [301, 302, 307, 308, 304])
async def test_a_redirect_is_never_followed(status: int, time: FakeTime) -> None:
    """Following it could send the key to another host."""
    async with scripted([GOOD]) as elsewhere:
        location = {"location": f"{elsewhere.base_url}/indexes/ix1"}
        async with talking([answer(status, headers=location)], time) as (transport, server):
            with pytest.raises(Unavailable, match="redirect"):
                await transport.send(CALL, read_index)

    assert (len(server.requests), len(elsewhere.requests)) == (1, 0)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("body", [{"code": "api_key_invalid", "message": f"key {KEY} is bad"}, b"<html>", None])
async def test_a_refused_key_is_not_retried_and_not_shown(status: int, body: object, time: FakeTime) -> None:
    async with talking([answer(status, body)], time) as (transport, server):
        with pytest.raises(AuthenticationFailed) as caught:
            await transport.send(CALL, read_index)

    assert len(server.requests) == 1
    assert str(status) in str(caught.value)
    assert KEY not in "".join(traceback.format_exception(caught.value)) + repr(caught.value)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"code": "parameter_invalid", "message": "no"}, "parameter_invalid"),
        ({"error": {"code": "VALIDATION_ERROR", "message": "no", "details": {}}}, "VALIDATION_ERROR"),
        ({"detail": "something else"}, ""),
        (["not", "an", "object"], ""),
        (b"Not Found", ""),
        (None, ""),
    ],
)
@pytest.mark.parametrize("status", [400, 404, 409, 413, 422])
async def test_a_refusal_of_the_api_is_told_at_once(status: int, body: object, code: str, time: FakeTime) -> None:
    """Both formats of error bodies, and an empty body; none of them is retried."""
    async with talking([answer(status, body)], time) as (transport, server):
        with pytest.raises(Refused) as caught:
            await transport.send(CALL, read_index)

    assert (caught.value.status, caught.value.code) == (status, code)
    assert len(server.requests) == 1


async def test_what_the_api_says_is_made_fit_for_a_log(time: FakeTime) -> None:
    """No control characters, line breaks or key, and a limited length."""
    message = f"\x1b[31mbad\r\n{KEY} " + "x" * 1000
    async with talking([answer(400, {"code": "c", "message": message})], time) as (transport, _):
        with pytest.raises(Refused) as caught:
            await transport.send(CALL, read_index)

    says = caught.value.says
    assert says.startswith("TwelveLabs responded 400 c ( [31mbad [secret] xxx")
    assert says.endswith("…")
    assert len(says) == 301


@pytest.mark.parametrize(("wrong", "error"), [(MalformedAsset, MalformedAsset), (SourceUnavailable, SourceUnavailable)])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"index_name": 5}', id="wrong type"),
        pytest.param(b"[]", id="not an object"),
        pytest.param(b'{"models": [{"model_options": NaN}]}', id="NaN, which is no JSON but whole"),
        pytest.param(b'{"models": "\xff"}', id="no UTF-8 where no text belongs"),
        pytest.param(b'{"a": ' * 20_000 + b"1" + b"}" * 20_000, id="nested too deeply"),
        pytest.param(b'{"a": NaN, "b": ' + b"[" * 90_000 + b"]" * 90_000 + b"}", id="both"),
        pytest.param(b'{"_id": "another"}', id="another index"),
    ],
)
async def test_wrong_content_is_not_retried(
    body: bytes, wrong: type[MalformedAsset | SourceUnavailable], error: type[ConnectorError], time: FakeTime
) -> None:
    call = Call("look up index", "ix1", "indexes/ix1", wrong=wrong)
    async with talking([answer(200, body)], time) as (transport, server):
        with pytest.raises(error, match="ix1"):
            await transport.send(call, read_index)

    assert len(server.requests) == 1


@pytest.mark.parametrize("zipped", [False, True])
async def test_a_body_beyond_the_cap_is_not_read(zipped: bool, time: FakeTime) -> None:
    """The cap applies to the decompressed size."""
    huge = answer(200, INDEX | {"index_name": "x" * 100_000}, zipped=zipped)
    async with talking([huge], time, RequestLimits(body=50_000)) as (transport, server):
        with pytest.raises(SourceUnavailable, match="larger than 50000 bytes"):
            await transport.send(CALL, read_index)

    assert len(server.requests) == 1


async def test_a_huge_error_page_is_cut_short(time: FakeTime) -> None:
    async with talking([answer(500, b"x" * 1_000_000), GOOD], time, RequestLimits(body=2_000_000)) as (transport, _):
        assert (await transport.send(CALL, read_index)).name == "news"
