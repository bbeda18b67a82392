"""A ping: one brief request that is never repeated."""

import pytest

from connector.domain.errors import AuthenticationFailed, ConnectorError, RateLimited, SourceUnavailable, Unavailable
from connector.twelvelabs.rate_limiter import Limiter
from connector.twelvelabs.source import TwelveLabsSource
from connector.twelvelabs.transport import ApiTransport
from tests.contract.source_answers import asking, page, sent
from tests.fakes.clock import FakeTime
from tests.fakes.scripted_http import answer, scripted


async def test_a_ping_is_one_brief_request() -> None:
    async with asking(page([], 0)) as (source, server):
        await source.ping()

    assert sent(server) == [("/indexes", [("page_limit", "1")])]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, AuthenticationFailed),
        (403, AuthenticationFailed),
        (400, SourceUnavailable),
        (404, SourceUnavailable),
        (302, Unavailable),
        (408, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
async def test_a_ping_is_not_repeated(status: int, error: type[ConnectorError]) -> None:
    """Readiness needs a current answer, and the API should get no additional requests."""
    async with asking(answer(status, {"code": "some_code", "message": "words"})) as (source, server):
        with pytest.raises(error):
            await source.ping()

    assert len(server.requests) == 1


async def test_a_refusal_for_the_rate_is_an_answer_to_a_ping() -> None:
    """The source is up and the key is valid."""
    limited = answer(429, {"code": "too_many_requests", "message": "later"}, headers={"retry-after": "60"})
    async with asking(limited) as (source, server):
        await source.ping()

    assert len(server.requests) == 1


async def test_a_ping_does_not_ask_while_the_source_wants_no_request() -> None:
    limited = answer(429, {"code": "too_many_requests", "message": "later"}, headers={"retry-after": "7200"})
    async with asking(limited, page([], 0)) as (source, server):
        with pytest.raises(ConnectorError):
            await source.index("ix1")
        with pytest.raises(RateLimited, match="accepts the next request in 7200 seconds"):
            await source.ping()

    assert len(server.requests) == 1


async def test_a_ping_waits_for_its_turn() -> None:
    """Otherwise several replicas that ask at the same moment would exceed the limit together."""
    time = FakeTime()
    async with scripted([page([], 0)] * 2) as server:
        source = TwelveLabsSource(ApiTransport(server.base_url, "tlk_test", Limiter(60, time.clock), clock=time.clock))
        await source.ping()
        await source.ping()
        await source.close()

    assert len(server.requests) == 2
    assert time.sleeps == [pytest.approx(1.0, rel=0.01)]


async def test_a_ping_goes_without_a_turn_that_does_not_come_soon() -> None:
    """Readiness is asked for by who waits only seconds for the answer."""
    async with scripted([page([], 0)] * 2) as server:
        source = TwelveLabsSource(ApiTransport(server.base_url, "tlk_test", Limiter(1)))
        await source.ping()
        await source.ping(turn_sec=0.01)
        await source.close()

    assert len(server.requests) == 2


async def test_a_ping_to_nobody_fails_by_name() -> None:
    async with asking(page([], 0)) as (_, server):
        address = server.base_url
    source = TwelveLabsSource(ApiTransport(address, "tlk_test", clock=FakeTime().clock))
    with pytest.raises(Unavailable, match=r"ask TwelveLabs: 127\.0\.0\.1: ConnectError"):
        await source.ping()
    await source.close()


async def test_a_ping_that_is_not_answered_gives_up_in_seconds() -> None:
    """Long before the one-minute limit of a request."""
    async with asking(b"") as (source, server):
        server.answers = [None]
        with pytest.raises(Unavailable, match="no response within 4 seconds"):
            await source.ping()
        server.ending.set()


async def test_a_ping_with_a_page_that_the_api_does_not_write_fails() -> None:
    async with asking(answer(404, b"<html>not here</html>")) as (source, _):
        with pytest.raises(Unavailable, match="a page that is not from the API"):
            await source.ping()
