"""The two listeners of the daemon with their real applications, in a thread, and the bytes that clients send them."""

import asyncio
import logging
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from connector.domain.ledger_model import IndexState
from connector.domain.page import Page
from connector.web.access import Guard
from connector.web.connections import ConnectionBounds
from connector.web.health import web_app
from connector.web.listener import listening
from connector.web.pages.page_routes import page_routes
from connector.web.pages.status_site import StatusSite
from connector.web.webhooks import PATH, Webhooks
from tests.builders import applied, asset, index_settings, row
from tests.fakes.ledger import FakeCheckpointStore

SECRET, NOW = "whsec_test", 1_800_000_000.0
BOUNDS = ConnectionBounds(most=4, request_sec=30.0, answer_sec=30.0, grace_sec=0.05)
PATIENCE_SEC = 20.0
HEALTHY = {
    "status": b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    "webhook": f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode(),
}
"""A request that is answered at once: with 200, and with 401."""


@dataclass
class Listeners:
    """`errors` are log records at ERROR: an exception in a handler or in a connection is one."""

    ports: dict[str, int] = field(default_factory=dict)
    woken: list[str | None] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def reasons(self) -> dict[str, str]:
        return {}

    async def status(self, page: Page) -> dict[str, Any]:
        self.pages.append(page)
        return {"indexes": []}

    async def serve(self, started: "Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]") -> None:
        done = asyncio.Event()
        pages = page_routes(await filled_site(self.reasons))
        status = Guard(web_app(lambda: 0.0, self.reasons, self.status, pages), "127.0.0.1")
        webhooks = Webhooks(SECRET, lambda: NOW, self.woken.append).app
        try:
            async with (
                listening(status, "127.0.0.1", 0, setting="CONNECTOR_HTTP_PORT", bounds=BOUNDS) as first,
                listening(webhooks, "127.0.0.1", 0, setting="CONNECTOR_WEBHOOK_PORT", bounds=BOUNDS) as second,
            ):
                self.ports = {"status": first, "webhook": second}
                started.set_result((asyncio.get_running_loop(), done))
                await done.wait()
        except Exception as error:
            if started.done():
                raise
            started.set_exception(error)

    def connect(self, name: str) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.ports[name]), timeout=PATIENCE_SEC)

    def talk(self, name: str, *pieces: bytes, patience: float = PATIENCE_SEC) -> bytes:
        """Send these pieces; return all that is received until the listener closes the connection, or is silent."""
        with self.connect(name) as client:
            with suppress(ConnectionError):
                for piece in pieces:
                    client.sendall(piece)
            client.settimeout(patience)
            return received(client)

    def is_well(self, name: str) -> bool:
        """It still answers, and nothing was an error of ours."""
        answer = self.talk(name, HEALTHY[name])
        return answer.startswith(b"HTTP/1.1 200" if name == "status" else b"HTTP/1.1 401") and not self.errors


async def filled_site(reasons: Callable[[], Awaitable[dict[str, str]]]) -> StatusSite:
    """An index `i` with an asset, and one that is not known yet."""
    ledger = FakeCheckpointStore()
    await ledger.adopt("i", [row("a", applied(), listed=asset("a"))], IndexState(1.0, 1.0, index_name="n"))
    live = {"state": "running", "limited_by": None, "indexes": {"new": {"doing": "starting", "error": None}}}
    return StatusSite(ledger, lambda: NOW, lambda: live, reasons, index_settings, asyncio.Event())


def received(client: socket.socket) -> bytes:
    found = bytearray()
    with suppress(ConnectionError, TimeoutError):
        while data := client.recv(65_536):
            found += data
    return bytes(found)


def statuses(answer: bytes) -> list[int]:
    """The status of each response."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", answer)]


@contextmanager
def running_listeners() -> Iterator[Listeners]:
    listeners, started = Listeners(), Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]()
    with errors_in(listeners.errors):
        thread = threading.Thread(target=lambda: asyncio.run(listeners.serve(started)), name="listeners", daemon=True)
        thread.start()
        loop, done = started.result(PATIENCE_SEC)
        try:
            yield listeners
        finally:
            loop.call_soon_threadsafe(done.set)
            thread.join(PATIENCE_SEC)


@contextmanager
def errors_in(found: list[str]) -> Iterator[None]:
    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record.getMessage())

    handler = Collect(logging.ERROR)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
