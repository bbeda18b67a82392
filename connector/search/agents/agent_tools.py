"""The tools: arguments -> result. Knows the search library and the catalog, not the protocol."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from connector.domain.errors import ConfigError, ConnectorError, InternalError, Side, Unavailable
from connector.search.agents.index_answers import (
    coverage_answer,
    held_entry,
    index_entry,
    indexes_text,
    never_synced_entry,
    paged,
    recorded_entry,
)
from connector.search.agents.moment_answers import moments_answer, moments_text, quoted
from connector.search.agents.tool_arguments import checked_arguments
from connector.search.agents.tool_failures import failure_text
from connector.search.agents.tool_specs import BY_NAME
from connector.search.agents.video_answer import video_answer, video_text
from connector.search.async_video_search import AsyncVideoSearch
from connector.search.moment_links import Link
from connector.search.moment_request import SearchOptions
from connector.search.query_inputs import segment_query
from connector.search.results import Moments
from connector.search.video_catalog import IndexPlace, VideoCatalog, nothing_synced

WAIT_SEC, CALL_SEC = 20.0, 35.0
"""How long a call waits for its turn, and then runs. Hosts give up after 60 seconds."""
AT_ONCE = 8
"""Calls that ask TwelveLabs, and as many others: a slow TwelveLabs must not stop these."""
_INDEXES_AT_ONCE = 20

log = structlog.get_logger(__name__)

StatusReader = Callable[[], Awaitable[Mapping[str, Any] | None]]
"""The document of `connector status --json`; None if this machine has no ledger. Raises LedgerUnavailable."""


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """`content` is None for an error."""

    text: str
    content: dict[str, Any] | None = None


class AgentTools:
    """For one event loop. `now` returns the time as RFC 3339."""

    def __init__(
        self,
        search: AsyncVideoSearch,
        status: StatusReader,
        link: Link,
        now: Callable[[], str],
        call_sec: float = CALL_SEC,
        wait_sec: float = WAIT_SEC,
    ) -> None:
        self._search, self._status, self._link, self._now = search, status, link, now
        self._call_sec = call_sec
        self._wait_sec = wait_sec
        self._turns = {asks_twelvelabs: asyncio.Semaphore(AT_ONCE) for asks_twelvelabs in (True, False)}
        self._tools: dict[str, Callable[[dict[str, Any]], Awaitable[ToolAnswer]]] = {
            "search_moments": self._search_moments,
            "similar_moments": self._similar_moments,
            "get_video": self._get_video,
            "list_indexes": self._list_indexes,
            "coverage": self._coverage,
        }

    async def call(self, tool: str, arguments: Mapping[str, Any] | None) -> ToolAnswer:
        """Never raises an error: it is an answer without content. A cancelled call stops its requests."""
        try:
            checked = checked_arguments(tool, arguments)
            async with self._turn(tool) as has_turn:
                return await self._answer(tool, checked) if has_turn else self._busy(tool)
        except ConnectorError as error:
            if isinstance(error, ConfigError):
                log.info("tool.misused", tool=tool, reason=str(error))
            else:
                log.warning("tool.failed", tool=tool, code=error.code, reason=str(error))
            return ToolAnswer(failure_text(error))
        except Exception as error:
            log.exception("tool.crashed", tool=tool)
            return ToolAnswer(failure_text(InternalError.of(error, "call tool", tool)))

    @asynccontextmanager
    async def _turn(self, tool: str) -> AsyncIterator[bool]:
        """False if it does not come in time. Calls that wait for TwelveLabs have their own turns."""
        turns = self._turns[BY_NAME[tool].is_open_world]
        try:
            async with asyncio.timeout(self._wait_sec):
                await turns.acquire()
        except TimeoutError:
            yield False
            return
        try:
            yield True
        finally:
            turns.release()

    async def _answer(self, tool: str, checked: dict[str, Any]) -> ToolAnswer:
        try:
            async with asyncio.timeout(self._call_sec):
                return await self._tools[tool](checked)
        except TimeoutError:
            raise await self._too_slow() from None

    def _busy(self, tool: str) -> ToolAnswer:
        log.warning("tool.failed", tool=tool, code="busy", reason=f"no turn within {self._wait_sec:g} seconds")
        return ToolAnswer(
            f"The server is busy: {AT_ONCE} other calls have been running for {self._wait_sec:g} seconds, so this one "
            "did not begin. Send fewer calls at once, and try again in a minute."
        )

    async def _search_moments(self, asked: dict[str, Any]) -> ToolAnswer:
        found = await self._search.page(asked["text"], **await self._options(asked))
        return _moments(found, asked, f"for {quoted(asked['text'])}")

    async def _similar_moments(self, asked: dict[str, Any]) -> ToolAnswer:
        place = (asked["index_id"], asked["indexed_asset_id"], asked["start_sec"])
        query = segment_query(*place, other_assets_only=asked["other_videos_only"])
        found = await self._search.page(query, **await self._options(asked, place[0]))
        return _moments(found, asked, f"like the one at {place[2]:g} s")

    async def _get_video(self, asked: dict[str, Any]) -> ToolAnswer:
        within = _time_range(asked)
        place = (asked["index_id"], asked["indexed_asset_id"])
        video = await (await self._catalog()).video(*place)
        answer = video_answer(place, video, within, asked["offset"], asked["limit"], self._link)
        return ToolAnswer(video_text(answer), answer)

    async def _list_indexes(self, asked: dict[str, Any]) -> ToolAnswer:
        catalog, offset = await self._catalog(), asked["offset"]
        places = await catalog.places()
        if not places:
            raise nothing_synced()
        page = [index_entry(await catalog.describe(it)) for it in places[offset : offset + _INDEXES_AT_ONCE]]
        answer = paged(page, offset, len(places))
        return ToolAnswer(indexes_text(answer), answer)

    async def _coverage(self, asked: dict[str, Any]) -> ToolAnswer:
        only, offset = asked.get("indexes", ()), asked["offset"]
        catalog, status = await self._catalog(), await self._status()
        known: list[tuple[str, IndexPlace | dict[str, Any]]]
        if status is None:
            known = [(it.index_id, it) for it in await catalog.places()]
        else:
            states = [it for it in status["indexes"] if catalog.offers(it["index_id"])]
            known = [(it["index_id"], recorded_entry(it)) for it in states]
        synced = {index_id for index_id, _ in known}
        known += [(it, never_synced_entry(it)) for it in catalog.indexes if it not in synced]
        if status is None and not known:
            raise nothing_synced()
        _check_known(only, [index_id for index_id, _ in known])
        wanted = [it for index_id, it in known if not only or index_id in only]
        shown = wanted[offset : offset + _INDEXES_AT_ONCE]
        page = [held_entry(await catalog.describe(it)) if isinstance(it, IndexPlace) else it for it in shown]
        answer = coverage_answer(paged(page, offset, len(wanted)), self._now(), status)
        return ToolAnswer(indexes_text(answer), answer)

    async def _options(self, asked: Mapping[str, Any], *used: str) -> SearchOptions:
        within, indexes = _time_range(asked), asked.get("indexes")
        (await self._catalog()).check([*used, *(indexes or ())])
        filters: dict[str | tuple[str, ...], Any] = {**asked.get("filters", {})}
        filters |= {name: asked[name] for name in ("after", "before") if name in asked}
        return {
            "indexes": indexes,
            "options": asked.get("options"),
            "filters": filters,
            "time_range": (within["start_sec"], within["end_sec"]) if within else None,
            "limit": asked["offset"] + asked["limit"] + 1,
            "group_by_asset": asked["group"],
            "merge_gap_sec": asked.get("merge_gap_sec"),
        }

    async def _catalog(self) -> VideoCatalog:
        return await self._search.catalog()

    async def _too_slow(self) -> Unavailable:
        """Ask Qdrant, to say which side is slow."""
        side: Side = "source" if await (await self._catalog()).answers() else "sink"
        cause = f"no result within {self._call_sec:g} seconds"
        return Unavailable("call tool", "", cause, side=side)


def _moments(found: Moments, asked: Mapping[str, Any], about: str) -> ToolAnswer:
    offset = asked["offset"]
    answer = moments_answer(found, offset, asked["limit"])
    return ToolAnswer(moments_text(answer, about, offset), answer)


def _check_known(wanted: Sequence[str], known: Sequence[str]) -> None:
    """Raises ConfigError."""
    if unknown := [it for it in wanted if it not in known]:
        advice = f"Known indexes: {', '.join(known[:_INDEXES_AT_ONCE]) or 'none'}"
        raise ConfigError("read", f"index {unknown[0]}", "it is not known here", advice)


def _time_range(asked: Mapping[str, Any]) -> Mapping[str, float] | None:
    """Raises ConfigError if it is inverted."""
    within: Mapping[str, float] | None = asked.get("time_range")
    if within and within["start_sec"] >= within["end_sec"]:
        cause = f"{within['start_sec']:g} to {within['end_sec']:g} is not a range of time"
        raise ConfigError("read", "argument time_range", cause, "start_sec must be below end_sec")
    return within
