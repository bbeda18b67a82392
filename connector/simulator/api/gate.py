"""Processing of every request and response: log, holds, faults, key, rate limit, compression, Date."""

import asyncio
import gzip
import secrets
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import msgspec
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connector.simulator.api.api_errors import ApiError, body_for, for_status
from connector.simulator.api.patterns import PREFIX, ReceivedCall
from connector.simulator.api.rate_limit import RateLimit, quota_headers, too_many
from connector.simulator.api.requests_log import RequestLog
from connector.simulator.faults.delivery import Reply, deliver, drop
from connector.simulator.faults.fault_board import Fault, FaultBoard
from connector.simulator.world.world import World

_COMPRESS_FROM = 500
_INLINE_BELOW = 65_536
_NO_FAULT = Fault()


class Gate:
    """ASGI application that wraps the endpoints of one simulator."""

    def __init__(
        self, app: ASGIApp, world: World, board: FaultBoard, log: RequestLog, limit: RateLimit, api_key: str | None
    ) -> None:
        self._app = app
        self._world = world
        self._board = board
        self._log = log
        self._limit = limit
        self._api_key = api_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = ReceivedCall(
            scope["method"], scope["path"].removeprefix(PREFIX), scope["query_string"].decode("latin-1")
        )
        arrived = self._log.timer()
        await self._board.pause(call, "request")
        fault = self._board.take(call) or _NO_FAULT
        await asyncio.sleep(fault.delay)
        if fault.drop:
            self._log.add(call, 0, self._world.now_ms(), arrived)
            await drop(scope, receive)
            return
        reply = await self._reply(call, fault, scope, receive)
        await self._board.pause(call, "response")
        self._log.add(call, reply.status, self._world.now_ms(), arrived)
        await deliver(reply, fault, scope, receive, send)

    async def _reply(self, call: ReceivedCall, fault: Fault, scope: Scope, receive: Receive) -> Reply:
        headers, now_ms = Headers(scope=scope), self._world.now_ms()
        extra = {"date": formatdate(now_ms / 1000, usegmt=True), "tl-report": "backend"}
        quota = self._limit.count(self._world.knobs, now_ms)
        if quota is not None:
            extra |= quota_headers(quota, self._world.knobs)
        if fault.status is not None:
            reply = self._injected(call, fault, fault.status)
        elif not self._admits(headers.get("x-api-key")):
            reply = _refusal(call, ApiError(401, "api_key_invalid", "The API key is missing, invalid or expired."))
        elif quota is not None and quota.exceeded:
            reply = self._too_many(call, quota.limit, quota.wait_s)
        else:
            reply = await _answered(self._app, scope, receive)
        if fault.rewrite is not None:
            reply = replace(reply, body=msgspec.json.encode(fault.rewrite(msgspec.json.decode(reply.body))))
        reply = replace(reply, headers={**reply.headers, **extra, **fault.headers})
        return await _compressed(reply, headers.get("accept-encoding", ""))

    def _admits(self, key: str | None) -> bool:
        if key in self._world.knobs.revoked_keys:
            return False
        if self._api_key is None:
            return bool(key)
        return key is not None and secrets.compare_digest(key.encode(), self._api_key.encode())

    def _injected(self, call: ReceivedCall, fault: Fault, status: int) -> Reply:
        if fault.body is not None:
            return Reply(status, {"content-type": "application/json"}, _bytes(fault.body))
        if status == 429:
            return self._too_many(call, self._world.knobs.rate_limit or 60, 1)
        if status < 400:
            return Reply(status, {}, b"")
        return _refusal(call, for_status(status))

    def _too_many(self, call: ReceivedCall, limit: int, wait_s: int) -> Reply:
        body, headers = too_many(call.path, self._world.knobs, limit, wait_s)
        return Reply(429, headers, body)


def _bytes(body: Any) -> bytes:
    """Encode text and bytes as they are, anything else as JSON."""
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else msgspec.json.encode(body)


def _refusal(call: ReceivedCall, error: ApiError) -> Reply:
    return Reply(error.status, {"content-type": "application/json"}, msgspec.json.encode(body_for(call.path, error)))


async def _answered(app: ASGIApp, scope: Scope, receive: Receive) -> Reply:
    """The complete response of the endpoint, so that it can be compressed, cut or slowed down."""
    start: Message = {}
    body = bytearray()

    async def capture(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            body.extend(message.get("body", b""))

    await app(scope, receive, capture)
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    headers.pop("content-length", None)
    return Reply(start["status"], headers, bytes(body))


async def _compressed(reply: Reply, accepted: str) -> Reply:
    """A fault with a content-encoding of its own sends its body as it is."""
    headers = {**reply.headers, "vary": "Accept-Encoding"}
    encoded = any(name.lower() == "content-encoding" for name in reply.headers)
    if encoded or "gzip" not in accepted or len(reply.body) < _COMPRESS_FROM:
        return replace(reply, headers=headers)
    if len(reply.body) < _INLINE_BELOW:
        packed = gzip.compress(reply.body, 1, mtime=0)
    else:
        packed = await asyncio.to_thread(gzip.compress, reply.body, 1, mtime=0)
    return replace(reply, headers={**headers, "content-encoding": "gzip"}, body=packed)
