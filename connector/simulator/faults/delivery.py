"""Sends responses, including broken ones."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from connector.simulator.faults.fault_board import Fault

_SLICES = 20
_BODYLESS = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


class BreakableProtocol(H11Protocol):
    """Gives the application access to its transport, because ASGI cannot abort a connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self.app_state = {"transport": transport}


async def drop(scope: Scope, receive: Receive) -> None:
    """Reset the connection without a response."""
    scope["state"]["transport"].abort()
    await _disconnected(receive)


async def deliver(reply: Reply, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the response: complete, spread over `slow` seconds, or only `cut_at` of its body before closing."""
    headers = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
    if reply.status in _BODYLESS:
        reply = replace(reply, body=b"")
    else:
        headers.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if fault.cut_at is not None:
        await _cut(reply, fault.cut_at, scope, receive, send)
    else:
        await _send_body(reply.body, fault.slow, send)


async def _cut(reply: Reply, share: float, scope: Scope, receive: Receive, send: Send) -> None:
    part = reply.body[: min(int(len(reply.body) * share), max(len(reply.body) - 1, 0))]
    await send({"type": "http.response.body", "body": part, "more_body": True})
    scope["state"]["transport"].close()
    await _disconnected(receive)


async def _send_body(body: bytes, seconds: float, send: Send) -> None:
    if seconds:
        size = max(1, -(-len(body) // _SLICES))
        for place in range(0, len(body), size):
            await send({"type": "http.response.body", "body": body[place : place + size], "more_body": True})
            await asyncio.sleep(seconds / _SLICES)
        body = b""
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _disconnected(receive: Receive) -> None:
    """Wait until the server notices the closed connection; otherwise it reports an unfinished response."""
    while (await receive())["type"] != "http.disconnect":
        pass
