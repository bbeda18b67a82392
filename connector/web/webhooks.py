"""`POST /webhooks/twelvelabs`: an authentic event that an asset became ready lets the daemon retrieve it at once.

The event only names a task. All facts come from the source.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from connector.domain.fingerprint import digest
from connector.telemetry.repeats import Repeats
from connector.web.signatures import is_genuine

PATH = "/webhooks/twelvelabs"
READY_EVENT = "index.task.ready"
MAX_BODY_BYTES = 64 * 1024
_REMEMBERED_EVENTS = 10_000
_LONGEST_TASK_ID = 256
"""No longer one can be requested."""

log = structlog.get_logger(__name__)


class _Event(msgspec.Struct):
    """Accepts any field types, so that unknown events are not rejected."""

    id: Any = None
    type: Any = None
    data: Any = None

    @property
    def task_id(self) -> str | None:
        task_id = self.data.get("id") if isinstance(self.data, dict) else None
        return task_id if isinstance(task_id, str) and len(task_id) <= _LONGEST_TASK_ID else None


class Recent:
    """The last `limit` ids."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ids: OrderedDict[str, None] = OrderedDict()

    def add_if_new(self, name: str) -> bool:
        """Return True if the id is new. Adds it, and drops the oldest beyond the limit."""
        if name in self._ids:
            return False
        self._ids[name] = None
        if len(self._ids) > self._limit:
            self._ids.popitem(last=False)
        return True


class Webhooks:
    """Calls `on_ready` with the task id of an asset that became ready; None if the event names no task."""

    def __init__(self, secret: str, clock: Callable[[], float], on_ready: Callable[[str | None], None]) -> None:
        self._secret, self._clock, self._on_ready = secret, clock, on_ready
        self._recent, self._refusals = Recent(_REMEMBERED_EVENTS), Repeats()
        self.app = Starlette(routes=[Route(PATH, self.receive, methods=["POST"])])
        self.app.router.redirect_slashes = False

    async def receive(self, request: Request) -> Response:
        """Respond 204 to every authentic event, even an unknown one, so that the sender does not resend it."""
        try:
            body = await _bounded(request)
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            return Response(status_code=413)
        if not is_genuine(request.headers.get("TL-Signature", ""), body, self._secret, self._clock()):
            self._log_refusal()
            return Response(status_code=401)
        try:
            event = msgspec.json.decode(body, type=_Event)
        except (ValueError, RecursionError):
            return Response(status_code=400)
        if event.type == READY_EVENT and not self._is_replay(event):
            self._on_ready(event.task_id)
        return Response(status_code=204)

    def _log_refusal(self) -> None:
        """Limit how often this is logged, because anybody on the internet can trigger it."""
        left_out = self._refusals.admit("refused")
        if left_out is not None:
            reason = "the signature is missing or wrong, or its time is more than five minutes off this machine's clock"
            log.warning("webhook.refused", reason=reason, left_out=left_out)

    def _is_replay(self, event: _Event) -> bool:
        """Remember digests: an id may be as long as a body."""
        return isinstance(event.id, str) and not self._recent.add_if_new(digest(event.id.encode()))


async def _bounded(request: Request) -> bytes | None:
    """The raw body; None if it is larger than MAX_BODY_BYTES."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)
