"""One connection for many requests, a new one after an outage; none is closed while a request uses it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from qdrant_client import AsyncQdrantClient

from connector.domain.errors import PointsRejected, RateLimited, SinkMismatch, Unavailable
from connector.qdrant.connection import Connection, Transport
from connector.qdrant.session import ATTEMPTS, GRPC_TRIAL_SEC, Session
from tests.fakes.clock import FakeTime

pytestmark = pytest.mark.usefixtures("no_waiting")


@dataclass(slots=True)
class Client:
    """The part of the vendor's client that a session uses itself."""

    closed: bool = False

    async def close(self) -> None:
        self.closed = True


@dataclass(slots=True)
class Connector:
    """Creates connections, or fails as planned."""

    made: list[Client] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    async def __call__(self) -> Connection:
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop(0)
        self.made.append(Client())
        return Connection(cast("AsyncQdrantClient", self.made[-1]), Transport.REST)


def down() -> Unavailable:
    return Unavailable("do", "it", "down", side="sink")


def failing(*errors: Exception) -> Callable[[Connection], Awaitable[str]]:
    left = list(errors)

    async def request(connection: Connection) -> str:
        assert not cast("Any", connection.client).closed
        if left:
            raise left.pop(0)
        return "done"

    return request


async def test_many_requests_at_once_share_one_connection() -> None:
    connector = Connector()
    session = Session(connector)

    async with asyncio.TaskGroup() as group:
        for _ in range(10):
            group.create_task(session.call("do", "it", failing()))

    assert [client.closed for client in connector.made] == [False]


async def test_a_connection_that_cannot_be_made_is_tried_again() -> None:
    connector = Connector(failures=[down(), down()])

    assert await Session(connector).call("do", "it", failing()) == "done"
    assert len(connector.made) == 1


@pytest.mark.parametrize("failures", range(ATTEMPTS + 1))
async def test_transient_failures_are_retried_a_bounded_number_of_times(failures: int) -> None:
    request = failing(*(down() for _ in range(failures)))
    session = Session(Connector())

    if failures < ATTEMPTS:
        assert await session.call("do", "it", request) == "done"
    else:
        with pytest.raises(Unavailable):
            await session.call("do", "it", request)


async def test_an_outage_is_followed_by_a_new_connection() -> None:
    connector = Connector()
    session = Session(connector)
    with pytest.raises(Unavailable):
        await session.call("do", "it", failing(*(down() for _ in range(ATTEMPTS))))

    await session.call("do", "it", failing())

    assert [client.closed for client in connector.made] == [True, False]


@pytest.mark.parametrize(
    "final",
    [
        SinkMismatch("do", "it", "unfit"),
        PointsRejected("do", "it", "bad"),
        RateLimited("do", "it", "slow down", side="sink", retry_after=None),
        RateLimited("do", "it", "slow down", side="sink", retry_after=3600.0),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_repeating_would_not_help_is_final(final: Exception) -> None:
    """And does not count against the connection."""
    connector = Connector()
    session = Session(connector)

    with pytest.raises(type(final)):
        await session.call("do", "it", failing(final))

    assert [client.closed for client in connector.made] == [False]


async def test_a_bug_is_not_retried() -> None:
    request = failing(KeyError("bug"))

    with pytest.raises(KeyError):
        await Session(Connector()).call("do", "it", request)


async def test_a_connection_is_closed_by_its_last_user() -> None:
    connector = Connector()
    session = Session(connector)
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(connection: Connection) -> bool:
        asked.set()
        await go_on.wait()
        return connector.made[0].closed

    async with asyncio.TaskGroup() as group:
        under_way = group.create_task(session.call("do", "it", slow))
        await asked.wait()
        await session.close()
        assert not connector.made[0].closed
        go_on.set()

    assert under_way.result() is False
    assert connector.made[0].closed


async def test_closing_an_unused_session_is_fine() -> None:
    connector = Connector()

    await Session(connector).close()

    assert connector.made == []


@dataclass(slots=True)
class Grpc:
    """Connects over gRPC once `reachable` is set; `tried` counts the trials."""

    reachable: asyncio.Event = field(default_factory=asyncio.Event)
    made: list[Client] = field(default_factory=list)
    tried: int = 0

    async def __call__(self) -> Connection:
        self.tried += 1
        await self.reachable.wait()
        self.made.append(Client())
        return Connection(cast("AsyncQdrantClient", self.made[-1]), Transport.GRPC)


async def settled(session: Session) -> None:
    if session._trial:
        await asyncio.wait([session._trial])


async def transport(connection: Connection) -> Transport:
    return connection.transport


async def test_a_trial_of_grpc_disturbs_no_request_and_replaces_rest_for_the_next_one() -> None:
    connector, grpc, clock = Connector(), Grpc(), FakeTime()
    session = Session(connector, grpc, lambda: clock.now)
    go_on = asyncio.Event()

    async def slow(connection: Connection) -> tuple[Transport, bool]:
        await go_on.wait()
        return connection.transport, connector.made[0].closed

    assert await session.call("do", "it", transport) is Transport.REST
    await clock.sleep(GRPC_TRIAL_SEC - 1)
    await session.call("do", "it", transport)
    assert grpc.tried == 0
    await clock.sleep(1)
    async with asyncio.TaskGroup() as group:
        under_way = group.create_task(session.call("do", "it", slow))
        assert await session.call("do", "it", transport) is Transport.REST, "nobody waits for the trial"
        grpc.reachable.set()
        await settled(session)
        assert await session.call("do", "it", transport) is Transport.GRPC
        go_on.set()

    assert under_way.result() == (Transport.REST, False)
    assert (grpc.tried, connector.made[0].closed) == (1, True)
    await session.close()
    assert grpc.made[0].closed


async def test_closing_ends_a_trial() -> None:
    connector, grpc, clock = Connector(), Grpc(), FakeTime()
    session = Session(connector, grpc, lambda: clock.now)
    await session.call("do", "it", transport)
    await clock.sleep(GRPC_TRIAL_SEC)
    await session.call("do", "it", transport)
    await asyncio.sleep(0)

    await session.close()

    assert (grpc.tried, grpc.made, connector.made[0].closed) == (1, [], True)
