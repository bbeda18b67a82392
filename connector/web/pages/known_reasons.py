"""Why the daemon cannot work now, without waiting for it: asking takes a request to each side, and up to seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import structlog

FRESH_SEC = 15.0
_LATE_SEC = 3.0
"""An answer may be so much older: while somebody looks, the next one is on its way."""
_PATIENCE_SEC = 0.03

log = structlog.get_logger(__name__)

Reasons = Mapping[str, str]


class KnownReasons:
    """Asks in the background, at most once in FRESH_SEC, and only when somebody wants to know."""

    def __init__(self, ask: Callable[[], Awaitable[Reasons]], clock: Callable[[], float] = time.monotonic) -> None:
        self._ask, self._clock = ask, clock
        self._known: Reasons | None = None
        self._asked_at = self._known_of = float("-inf")
        self._asking: asyncio.Task[Reasons | None] | None = None

    async def get(self, *, may_ask: bool = True) -> Reasons | None:
        """What is known: None without a recent answer. Waits for an instant if one may be near."""
        if may_ask and self._asking is None and self._clock() - self._asked_at >= FRESH_SEC:
            self._asked_at = self._clock()
            self._asking = asyncio.get_running_loop().create_task(self._asked())
        if self._asking and not self._asking.done():
            await asyncio.wait([self._asking], timeout=_PATIENCE_SEC)
        if self._asking and self._asking.done():
            self._known, self._asking = self._asking.result(), None
            self._known_of = self._asked_at
        return self._known if self._clock() - self._known_of < FRESH_SEC + _LATE_SEC else None

    async def _asked(self) -> Reasons | None:
        try:
            return await self._ask()
        except Exception:
            # A bug here must not end the stream of every page.
            log.exception("status_page.crashed")
            return None
