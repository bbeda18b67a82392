"""Server-sent events over a connection of the listener. Few at a time, none for ever, and none that nobody reads."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from connector.web.connections import HttpConnection

_LINE_END = re.compile(r"\r\n|\r|\n")
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
RETRY_SEC = 2


@dataclass(slots=True)
class StreamBounds:
    """Limits of the streams of a listener: their number, the life of each, and the time to take one event in."""

    most: int
    life_sec: float = 15 * 60.0
    write_sec: float = 10.0
    in_use: int = 0


def event(name: str, data: str) -> bytes:
    """One event. Every line of the data is sent as one, so that no text in it can end the event."""
    lines = [f"data: {line}" for line in _LINE_END.split(data)]
    return "\n".join([f"event: {name}", *lines, "", ""]).encode("utf-8", "replace")


class EventStream(Response):
    """Sends `events` until they end, the reader is gone, or a limit is reached. The browser then connects again.

    Responds 503 when there are too many streams: the rest of the listener must stay usable.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[bytes, None], bounds: StreamBounds) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._events, self._bounds = events, bounds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._bounds.in_use >= self._bounds.most:
            full = PlainTextResponse("too many pages are open: reload later", 503, {"Retry-After": "30"})
            await full(scope, receive, send)
            return
        self._bounds.in_use += 1
        connection: HttpConnection = scope["state"]["connection"]
        connection.begin_stream()
        try:
            async with asyncio.TaskGroup() as group:
                sending = group.create_task(self._send(send, connection))
                watching = group.create_task(_until_gone(receive))
                await asyncio.wait([sending, watching], return_when=asyncio.FIRST_COMPLETED)
                sending.cancel()
                watching.cancel()
        finally:
            self._bounds.in_use -= 1

    async def _send(self, send: Send, connection: HttpConnection) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            async with asyncio.timeout(self._bounds.life_sec), aclosing(self._events):
                await self._send_body(f"retry: {RETRY_SEC * 1000}\n\n".encode(), send, connection)
                async for it in self._events:
                    await self._send_body(it, send, connection)
        except TimeoutError:
            pass
        await send({"type": "http.response.body", "body": b""})

    async def _send_body(self, body: bytes, send: Send, connection: HttpConnection) -> None:
        """Drop a reader that takes nothing in: `send` waits when the buffer of the connection is full."""
        try:
            async with asyncio.timeout(self._bounds.write_sec):
                await send({"type": "http.response.body", "body": body, "more_body": True})
        except TimeoutError:
            connection.abort()
            raise


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
