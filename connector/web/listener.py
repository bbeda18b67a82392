"""An HTTP listener inside a running event loop. Leaves signals and logging to the process."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from connector.domain.errors import ConfigError
from connector.web.connections import Acceptor, ConnectionBounds

_GRACE_SEC = 3


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start no asyncio server: it accepts without limit, and floods the log when it cannot accept."""
        del sockets
        self.servers = []
        self.started = True
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def listening(
    app: ASGIApp, host: str, port: int, *, setting: str, bounds: ConnectionBounds | None = None
) -> AsyncIterator[int]:
    """Serve until the block ends; yield the port. Raises ConfigError that names `setting` if it cannot listen.

    Limits connections, so that many or slow clients neither use up file descriptors nor delay the work.
    """
    listener = _bind(host, port, setting)
    config = uvicorn.Config(
        app,
        http="h11",
        lifespan="off",
        log_config=None,
        access_log=False,
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SEC,
    )
    server, failure = _Server(config), None
    with listener:
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve(sockets=[listener]))
            await server.up.wait()
            acceptor = Acceptor(config, server.server_state, listener, bounds or ConnectionBounds())
            accepting = group.create_task(acceptor.run())
            try:
                yield int(listener.getsockname()[1])
            except Exception as error:  # noqa: BLE001  raised again below
                # Raised in the group, it would become an exception group and cancel the server.
                failure = error
            accepting.cancel()
            server.should_exit = True
    if failure:
        raise failure


def _bind(host: str, port: int, setting: str) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        advice = f"Set {setting} to a free port"
        raise ConfigError("listen on", f"{host}:{port}", error.strerror or str(error), advice) from error
    # asyncio sets this only on sockets created with IPPROTO_TCP; without it each request takes 40 ms longer.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setblocking(False)
    return listener
