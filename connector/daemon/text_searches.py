"""Searches of people who look at the status page: bounded in time and number, beside the sync.

The text is embedded before refreshes and the backlog, and after fresh work.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from connector.app import App
from connector.daemon.search_budget import SearchBudget, searches_a_minute
from connector.domain.arrays import Float32
from connector.domain.errors import ConfigError, RateLimited, Unavailable
from connector.domain.index_settings import IndexSettings
from connector.domain.priority import Priority
from connector.engine.discovery import ALL_INDEXES
from connector.engine.text_search import ModelMoments, TextSearch

_REMEMBERED = 256
"""Vectors of the last texts: to search again for one of them costs no request."""
_LIMIT_ADVICE = "Try again in a minute; the sync goes on meanwhile"
_RETRY_SEC = 5.0


@dataclass(frozen=True, slots=True)
class SearchBounds:
    """Searches at once, and how many more may wait; seconds to wait for one to end, and for what a search needs.

    All together are less than a client may wait for a response (`ConnectionBounds.answer_sec`).
    """

    at_once: int = 2
    waiting: int = 8
    slot_sec: float = 15.0
    turn_sec: float = 10.0
    response_sec: float = 15.0
    whole_sec: float = 40.0


class TextSearches:
    """Searches for the daemon. `clock` is monotonic."""

    def __init__(
        self, app: App, bounds: SearchBounds | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app, self._bounds, self._clock = app, bounds or SearchBounds(), clock
        self._budget = SearchBudget(searches_a_minute(app.settings.connector_requests_per_minute))
        self._slots = asyncio.Semaphore(self._bounds.at_once)
        self._present = 0
        self._vectors: OrderedDict[tuple[str, str], Float32] = OrderedDict()

    async def find(self, text: str, only: Sequence[str], limit: int) -> list[ModelMoments]:
        """As `connector search`. Raises ConfigError for an unknown index, RateLimited and Unavailable at the bounds.

        Also raises what the ledger and Qdrant raise while the collections are looked up.
        """
        indexes = await self._indexes(only)
        search = TextSearch(self._app.sink, self._app.ledger, self._app.settings.of_index, self._embed)
        async with self._slot():
            try:
                async with asyncio.timeout(self._bounds.whole_sec):
                    return await search.find(text, indexes, limit)
            except TimeoutError:
                cause = f"no result within {self._bounds.whole_sec:g} seconds"
                raise Unavailable("search", "", cause, "Check Qdrant and the network", side="sink") from None

    async def names(self) -> dict[str, str | None]:
        """Index id -> name if known, of the indexes that can be searched. Raises LedgerUnavailable."""
        configured, ledger = self._app.settings.connector_indexes, self._app.ledger
        known = dict.fromkeys([*(() if configured == ALL_INDEXES else configured), *(await ledger.known())])
        states = {index_id: await ledger.state(index_id) for index_id in known}
        return {index_id: state.index_name if state else None for index_id, state in states.items()}

    async def _indexes(self, only: Sequence[str]) -> list[IndexSettings]:
        """Empty for all. Sends no request, unlike `App.indexes`: with `*`, the ledger says which ones there are."""
        configured, known = self._app.settings.connector_indexes, await self.names()
        if unknown := [it for it in only if it not in known]:
            advice = f"Known indexes: {', '.join(known) or 'none yet'}"
            raise ConfigError("select index", unknown[0], "the connector does not know it", advice)
        chosen = only or (() if configured == ALL_INDEXES else configured)
        return [self._app.settings.of_index(index_id) for index_id in dict.fromkeys(chosen)]

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        if self._present >= self._bounds.at_once + self._bounds.waiting:
            cause = f"{self._present} searches are in progress or waiting"
            raise RateLimited("search", "", cause, _LIMIT_ADVICE, side="source", retry_after=_RETRY_SEC)
        self._present += 1
        try:
            await self._take_slot()
            try:
                yield
            finally:
                self._slots.release()
        finally:
            self._present -= 1

    async def _take_slot(self) -> None:
        try:
            async with asyncio.timeout(self._bounds.slot_sec):
                await self._slots.acquire()
        except TimeoutError:
            cause = f"no other search ended within {self._bounds.slot_sec:g} seconds"
            raise RateLimited("search", "", cause, _LIMIT_ADVICE, side="source", retry_after=_RETRY_SEC) from None

    async def _embed(self, model: str, text: str) -> Float32:
        key = (model, text)
        if key not in self._vectors:
            self._vectors[key] = await self._embedded(model, text)
            if len(self._vectors) > _REMEMBERED:
                self._vectors.popitem(last=False)
        self._vectors.move_to_end(key)
        return self._vectors[key]

    async def _embedded(self, model: str, text: str) -> Float32:
        if wait := self._budget.take(self._clock()):
            cause = f"{self._budget.most} searches within a minute are the limit, so that the sync is not slowed down"
            advice = f"Try again in {math.ceil(wait)} seconds"
            raise RateLimited("embed text with", model, cause, advice, side="source", retry_after=wait)
        await self._turn(model)
        try:
            async with asyncio.timeout(self._bounds.response_sec):
                return await self._app.source.embed_text(model, text)
        except TimeoutError:
            cause = f"no response of TwelveLabs within {self._bounds.response_sec:g} seconds"
            raise Unavailable("embed text with", model, cause, "Try again in a minute", side="source") from None
        finally:
            self._app.source.release()

    async def _turn(self, model: str) -> None:
        """Wait for the turn of a request, before refreshes and the backlog."""
        try:
            async with asyncio.timeout(self._bounds.turn_sec):
                await self._app.source.reserve(lambda: Priority.COMMAND)
        except TimeoutError:
            cause = f"the rate limit of TwelveLabs admitted no request within {self._bounds.turn_sec:g} seconds"
            raise RateLimited(
                "embed text with", model, cause, _LIMIT_ADVICE, side="source", retry_after=_RETRY_SEC
            ) from None
