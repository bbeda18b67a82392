"""`POST /webhooks/twelvelabs`: a genuine event that an asset became ready wakes the poll of its index.

A webhook is a wake-up and no source of facts: everything else follows from the listing.
"""

from collections import OrderedDict
from collections.abc import Callable

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.signatures import is_genuine

PATH = "/webhooks/twelvelabs"
READY_EVENT = "index.task.ready"
MAX_BODY_BYTES = 64 * 1024
_REMEMBERED_EVENTS = 10_000

log = structlog.get_logger(__name__)


class _Data(msgspec.Struct):
    id: str | None = None


class _Event(msgspec.Struct):
    id: str | None = None
    type: str | None = None
    data: _Data | None = None


class Webhooks:
    """`on_ready` is given the task id of an asset that became ready, None when the event names none."""

    def __init__(self, secret: str, clock: Callable[[], float], on_ready: Callable[[str | None], None]) -> None:
        self._secret, self._clock, self._on_ready = secret, clock, on_ready
        self._seen: OrderedDict[str, None] = OrderedDict()
        self.app = Starlette(routes=[Route(PATH, self.receive, methods=["POST"])])

    async def receive(self, request: Request) -> Response:
        """204 for every genuine event, also for one that is not known: the sender need not send it again."""
        body = await _bounded(request)
        if body is None:
            return Response(status_code=413)
        if not is_genuine(request.headers.get("TL-Signature", ""), body, self._secret, self._clock()):
            log.warning("webhook.refused", reason="the signature is missing, wrong or older than five minutes")
            return Response(status_code=401)
        try:
            event = msgspec.json.decode(body, type=_Event)
        except msgspec.DecodeError:
            return Response(status_code=400)
        if not self._is_replay(event.id) and event.type == READY_EVENT:
            self._on_ready(event.data.id if event.data else None)
        return Response(status_code=204)

    def _is_replay(self, event_id: str | None) -> bool:
        if event_id is None:
            return False
        if event_id in self._seen:
            return True
        self._seen[event_id] = None
        if len(self._seen) > _REMEMBERED_EVENTS:
            self._seen.popitem(last=False)
        return False


async def _bounded(request: Request) -> bytes | None:
    """The raw body; None when it is longer than any event."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)
