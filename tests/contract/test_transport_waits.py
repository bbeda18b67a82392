"""How long the transport waits when the server asks for it, in every format; no test really waits."""

import email.utils

import pytest

from connector.domain.errors import (
    RateLimited,
    Unavailable,
)
from connector.twelvelabs.listing_decoding import read_index
from tests.contract.transport_talks import CALL, GOOD, INDEX, talking
from tests.fakes.clock import EPOCH, FakeTime
from tests.fakes.scripted_http import answer

SOON = email.utils.formatdate(EPOCH + 1000 + 7, usegmt=True)
SERVER_TIME = {"date": email.utils.formatdate(EPOCH + 500_000, usegmt=True)}


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.mark.parametrize(
    ("headers", "body", "wait"),
    [
        pytest.param({"retry-after": "7"}, None, 7, id="seconds"),
        pytest.param({"retry-after": SOON}, None, 7, id="HTTP date"),
        pytest.param({}, {"error": {"code": "x", "details": {"retryAfter": "7"}}}, 7, id="body, string"),
        pytest.param({}, {"error": {"code": "x", "details": {"retryAfter": 7}}}, 7, id="body, number"),
        pytest.param({"x-ratelimit-reset": str(int(EPOCH + 1007))}, None, 7, id="old reset"),
        pytest.param({"x-ratelimit-request-reset": str(int(EPOCH + 1007))}, None, 7, id="new reset"),
        pytest.param({"x-ratelimit-reset": str(int(EPOCH + 500_007)), **SERVER_TIME}, None, 7, id="server's clock"),
        pytest.param(
            {
                "x-ratelimit-dimensions": "Duration,Request",
                "x-ratelimit-duration-remaining": "0",
                "x-ratelimit-duration-reset": str(int(EPOCH + 1007)),
                "x-ratelimit-request-remaining": "5",
            },
            None,
            7,
            id="another dimension is spent",
        ),
        pytest.param(
            {"retry-after": "3", "x-ratelimit-reset": str(int(EPOCH + 1007))},
            {"error": {"details": {"retryAfter": "5"}}},
            7,
            id="the longest of several",
        ),
        pytest.param({}, None, 0.75, id="nothing said, empty body"),
        pytest.param({"retry-after": "soon"}, {"code": "too_many_requests", "message": "wait 99 seconds"}, 0.75),
        pytest.param({"retry-after": "-5"}, None, 0.75, id="negative"),
        pytest.param({"retry-after": "nan"}, [1], 0.75, id="no number"),
    ],
)
async def test_a_rate_limit_is_waited_out(headers: dict[str, str], body: object, wait: float, time: FakeTime) -> None:
    """Every format of the wait counts, except prose."""
    async with talking([answer(429, body, headers=headers), GOOD], time) as (transport, server):
        assert (await transport.send(CALL, read_index)).name == "news"

    assert len(server.requests) == 2
    assert sum(time.sleeps) == pytest.approx(wait)


async def test_a_long_rate_limit_surfaces_and_stops_the_others_too(time: FakeTime) -> None:
    """A request does not wait for hours; the next call is not even sent."""
    async with talking([answer(429, headers={"retry-after": "7200"}), GOOD], time) as (transport, server):
        for _ in range(2):
            with pytest.raises(RateLimited) as caught:
                await transport.send(CALL, read_index)

            assert caught.value.retry_after == 7200
        assert len(server.requests) == 1
        assert time.sleeps == []

        time.now += 7200
        assert (await transport.send(CALL, read_index)).name == "news"


async def test_a_rate_limit_that_never_ends_surfaces(time: FakeTime) -> None:
    """The total wait is limited."""
    async with talking([answer(429, headers={"retry-after": "1"})], time) as (transport, _):
        with pytest.raises(RateLimited) as caught:
            await transport.send(CALL, read_index)

    assert caught.value.retry_after == 1
    assert 60 < sum(time.sleeps) <= 120


async def test_an_overloaded_server_says_when_to_come_back(time: FakeTime) -> None:
    """Retry-After of a 503 counts too; the call fails if it exceeds the limit."""
    async with talking([answer(503, headers={"retry-after": "9"}), GOOD], time) as (transport, _):
        await transport.send(CALL, read_index)
    async with talking([answer(503, headers={"retry-after": "999"}), GOOD], time) as (transport, _):
        with pytest.raises(Unavailable):
            await transport.send(CALL, read_index)

    assert time.sleeps == [9]


async def test_a_spent_quota_is_not_overdrawn(time: FakeTime) -> None:
    """A successful response with 0 remaining delays the next request until the reset."""
    spent = {"x-ratelimit-remaining": "0", "x-ratelimit-limit": "60", "x-ratelimit-reset": str(int(EPOCH + 1020))}
    async with talking([answer(200, INDEX, headers=spent), GOOD], time) as (transport, _):
        await transport.send(CALL, read_index)
        assert time.sleeps == []
        await transport.send(CALL, read_index)

    assert time.sleeps == [20]
