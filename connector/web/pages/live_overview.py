"""The overview as it is now, read at most once a second for all who look at it, and the stream of its changes."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

from connector.domain.errors import ConnectorError
from connector.web.event_stream import event
from connector.web.pages.fragments import LIST, Fragments, fragments_of, html_of
from connector.web.pages.known_reasons import KnownReasons
from connector.web.pages.overview_facts import FactsReader
from connector.web.pages.overview_view import OverviewView, overview, unreadable
from connector.web.pages.rendering import html
from connector.web.pages.status_site import StatusSite

LOOK_SEC = 1.0
BEAT_SEC = 5.0
_SHARE = 20
"""Reading takes at most a twentieth of the time, unless what is shown would be older than BEAT_SEC."""


class LiveOverview:
    def __init__(self, site: StatusSite, clock: Callable[[], float] = time.monotonic) -> None:
        self._site, self._clock = site, clock
        self._reader, self._reasons = FactsReader(site), KnownReasons(site.reasons)
        self._looking = asyncio.Lock()
        self._next_look = float("-inf")
        self._view: OverviewView | None = None
        self._version = 0
        self.fragments: Fragments = {}

    async def current(self, *, at_once: bool = False) -> OverviewView:
        """Raises LedgerUnavailable if the ledger has never been read."""
        async with self._looking:
            if self._view is None or at_once or self._clock() >= self._next_look:
                self._view = await self._look(self._view)
            return self._view

    async def _look(self, before: OverviewView | None) -> OverviewView:
        began, now = self._clock(), self._site.clock()
        # While the daemon drains, its clients may be closed before they answer.
        not_ready = await self._reasons.get(may_ask=not self._site.stopping.is_set())
        try:
            view = overview(await self._reader.read(now, not_ready), now)
        except ConnectorError as error:
            if before is None:
                raise
            view = unreadable(before, error)
        took = self._clock() - began
        self._next_look = began + min(max(LOOK_SEC, took * _SHARE), BEAT_SEC)
        self._version += 1
        self.fragments = fragments_of(view, self.fragments, self._version)
        return view

    async def changes(self) -> AsyncGenerator[bytes, None]:
        """Events: all parts, then those that changed; one at least every BEAT_SEC. Ends when the daemon drains."""
        sent, sent_at, is_last = 0, float("-inf"), False
        while not is_last:
            is_last = self._site.stopping.is_set()
            try:
                await self.current(at_once=is_last)
            except ConnectorError:
                sent = 0
            else:
                body = self._since(sent)
                sent = self._version
                if body or self._clock() - sent_at >= BEAT_SEC or is_last:
                    sent_at = self._clock()
                    yield event("state", html("beat.html", self._site.clock()) + body)
            if not is_last:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SEC):
                        await self._site.stopping.wait()

    def _since(self, version: int) -> str:
        """What changed after this version. The list as a whole replaces its parts."""
        now = self._site.clock()
        changed = {name: it for name, it in self.fragments.items() if it.version > version}
        if LIST in changed:
            changed = {name: it for name, it in changed.items() if not name.startswith("index-")}
        return "".join(html_of(it, now) for it in changed.values())
