"""The connections of one HTTP listener, limited in number and duration."""

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
_PAUSE_SEC = 1.0

log = structlog.get_logger(__name__)


def most_connections() -> int:
    """Connection limit of one listener: a small share of the file descriptors, since the work needs the rest."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    share = _MOST if soft == resource.RLIM_INFINITY else soft // _DESCRIPTOR_SHARE
    return max(_FEWEST, min(share, _MOST))


@dataclass(frozen=True, slots=True)
class ConnectionBounds:
    """Limits of a listener.

    The request, body included, must arrive within `request_sec`. The response must be computed and read by the client
    within `answer_sec`. When another connection needs the slot, a connection has `grace_sec` to send its request.
    When the listener ends, a stream has `last_event_sec` to send its last events.
    """

    most: int = field(default_factory=most_connections)
    request_sec: float = 10.0
    answer_sec: float = 60.0
    grace_sec: float = 0.25
    last_event_sec: float = 2.0


class HttpConnection(H11Protocol):
    """Closes when its request or response takes too long. Calls `on_change` when it starts waiting or closes.

    Handlers find it as `connection` in the state of the scope.
    """

    def __init__(
        self, config: uvicorn.Config, state: ServerState, bounds: ConnectionBounds, on_change: Callable[[], None]
    ) -> None:
        super().__init__(config, state, {"connection": self})
        self._bounds, self._on_change = bounds, on_change
        self._timer: asyncio.TimerHandle | None = None
        self._is_streaming = False
        self.waiting_since: float | None = None
        """Loop time since which it has waited for a complete request; None while the response is in progress."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_or_answer()

    def data_received(self, data: bytes) -> None:
        """Do not extend the deadline when more of the same request arrives."""
        super().data_received(data)
        if self._is_complete == (self.waiting_since is not None):
            self._wait_or_answer()

    def begin_stream(self) -> None:
        """The response in progress may last: whoever sends it limits its duration, and aborts when nobody reads it."""
        self._is_streaming = True
        if self._timer:
            self._timer.cancel()

    def abort(self) -> None:
        self.transport.abort()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._is_streaming = False
        self._wait_or_answer()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()
        super().connection_lost(exc)
        self._on_change()

    def send_400_response(self, msg: str) -> None:
        """Also handle a body that becomes malformed while the request is processed: then disconnect the handler."""
        if self.cycle is not None and not self.cycle.response_complete:  # type: ignore[redundant-expr]
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
        else:
            self.transport.close()

    def _should_upgrade(self) -> bool:
        """Never upgrade; this also avoids uvicorn's advice to install WebSockets."""
        return False

    def shutdown(self) -> None:
        """Let a response finish, a stream within `last_event_sec`. Abort what still waits for its request."""
        if self.waiting_since is not None:
            self.transport.abort()
            return
        super().shutdown()
        if self._is_streaming:
            self._timer = self.loop.call_later(self._bounds.last_event_sec, self.transport.abort)

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
    """Accepts connections one at a time, within the limits.

    At the limit, it closes the connection that has waited longest for its request, after the grace period. It never
    closes a connection whose response is in progress.
    """

    def __init__(
        self, config: uvicorn.Config, state: ServerState, listener: socket.socket, bounds: ConnectionBounds
    ) -> None:
        self._config, self._state, self._listener, self._bounds = config, state, listener, bounds
        self._changed = asyncio.Event()
        self._repeats = Repeats()

    async def run(self) -> None:
        """Accept until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(self._listener)
            except ConnectionError:
                continue
            except OSError as error:
                await self._pause(error)
                continue
            await self._serve(accepted)

    async def _serve(self, accepted: socket.socket) -> None:
        try:
            await self._make_room()
            await asyncio.get_running_loop().connect_accepted_socket(self._connection, accepted)
        except OSError as error:
            accepted.close()
            await self._pause(error)
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

    async def _pause(self, error: OSError) -> None:
        """Pause when the process has no descriptors left; new connections wait. Limit how often this is logged."""
        left_out = self._repeats.admit(error.errno)
        if left_out is not None:
            log.warning("connection.rejected", reason=error.strerror or str(error), left_out=left_out)
        await asyncio.sleep(_PAUSE_SEC)
