"""The connections of one HTTP listener: bounded in number and in time, whoever is on the other side."""

import asyncio
import resource
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import h11
import structlog
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from connector.telemetry.repeats import Repeats

_MOST, _FEWEST = 64, 8
_DESCRIPTOR_SHARE = 8
_REST_SEC = 1.0

log = structlog.get_logger(__name__)


def most_connections() -> int:
    """Of one listener: a small share of the descriptors that this process may open, since the work needs the others."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    share = _MOST if soft == resource.RLIM_INFINITY else soft // _DESCRIPTOR_SHARE
    return max(_FEWEST, min(share, _MOST))


@dataclass(frozen=True, slots=True)
class ConnectionBounds:
    """A request must be complete within `request_sec`, body included, its answer given and taken within `answer_sec`.

    `grace_sec` is how long a connection may wait for its request when another one needs its place.
    """

    most: int = field(default_factory=most_connections)
    request_sec: float = 10.0
    answer_sec: float = 60.0
    grace_sec: float = 0.25


class HttpConnection(H11Protocol):
    """Ends when its request or its answer takes too long; `on_change` is called when it can make room."""

    def __init__(
        self, config: uvicorn.Config, state: ServerState, bounds: ConnectionBounds, on_change: Callable[[], None]
    ) -> None:
        super().__init__(config, state, {})
        self._bounds, self._on_change = bounds, on_change
        self._timer: asyncio.TimerHandle | None = None
        self.waiting_since: float | None = None
        """Since when it has waited for a complete request; None while it is answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_or_answer()

    def data_received(self, data: bytes) -> None:
        """More of the same request gives it no more time."""
        super().data_received(data)
        if self._is_complete == (self.waiting_since is not None):
            self._wait_or_answer()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._wait_or_answer()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()
        super().connection_lost(exc)
        self._on_change()

    def send_400_response(self, msg: str) -> None:
        """Also for a body that becomes malformed while its request is in hand: nobody is left to be answered."""
        if self.cycle is not None and not self.cycle.response_complete:  # type: ignore[redundant-expr]
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
        else:
            self.transport.close()

    def _should_upgrade(self) -> bool:
        """Never, and without uvicorn's advice on how to install WebSockets."""
        return False

    def shutdown(self) -> None:
        """Only what is being answered is worth waiting for."""
        if self.waiting_since is None:
            super().shutdown()
        else:
            self.transport.abort()

    @property
    def _is_complete(self) -> bool:
        return self.conn.their_state not in {h11.IDLE, h11.SEND_BODY}

    def _wait_or_answer(self) -> None:
        if self._timer:
            self._timer.cancel()
        self.waiting_since = None if self._is_complete else self.loop.time()
        seconds = self._bounds.answer_sec if self._is_complete else self._bounds.request_sec
        self._timer = self.loop.call_later(seconds, self.transport.abort)
        self._on_change()


class Acceptor:
    """Accepts one connection after the other, within the bounds.

    When there are more, those that have waited longest for their request make room, after a moment of grace; those
    that are being answered do not.
    """

    def __init__(
        self, config: uvicorn.Config, state: ServerState, listener: socket.socket, bounds: ConnectionBounds
    ) -> None:
        self._config, self._state, self._listener, self._bounds = config, state, listener, bounds
        self._changed = asyncio.Event()
        self._repeats = Repeats()

    async def run(self) -> None:
        """Until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(self._listener)
            except ConnectionError:
                continue
            except OSError as error:
                await self._rest(error)
                continue
            await self._take_over(accepted)

    async def _take_over(self, accepted: socket.socket) -> None:
        try:
            await self._make_room()
            await asyncio.get_running_loop().connect_accepted_socket(self._connection, accepted)
        except OSError as error:
            accepted.close()
            await self._rest(error)
        except asyncio.CancelledError:
            accepted.close()
            raise

    def _connection(self) -> HttpConnection:
        return HttpConnection(self._config, self._state, self._bounds, self._changed.set)

    async def _make_room(self) -> None:
        loop = asyncio.get_running_loop()
        while len(self._state.connections) >= self._bounds.most:
            self._changed.clear()
            oldest = self._longest_waiting()
            left = oldest[0] + self._bounds.grace_sec - loop.time() if oldest else None
            if oldest and left is not None and left <= 0:
                oldest[1].transport.abort()
                left = None
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._changed.wait()

    def _longest_waiting(self) -> tuple[float, HttpConnection] | None:
        held = [it for it in self._state.connections if isinstance(it, HttpConnection)]
        waiting = [(it.waiting_since, it) for it in held if it.waiting_since is not None]
        return min(waiting, key=lambda one: one[0], default=None)

    async def _rest(self, error: OSError) -> None:
        """The work itself has used up what there is: those who ask wait, and the log is not flooded."""
        left_out = self._repeats.admit(error.errno)
        if left_out is not None:
            log.warning("listener.cannot_accept", reason=error.strerror or str(error), left_out=left_out)
        await asyncio.sleep(_REST_SEC)
