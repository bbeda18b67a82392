"""What the retrievers of all frameworks share: a search with fixed options, and a moment as text and metadata."""

import asyncio
from typing import Any, Unpack

from connector.domain.errors import ConfigError
from connector.domain.payload_profile import segment_text
from connector.search.async_video_search import AsyncVideoSearch
from connector.search.moment_request import SearchOptions, checked
from connector.search.results import Moment, Moments
from connector.search.video_search import VideoSearch

AnySearch = VideoSearch | AsyncVideoSearch


class MomentRetrieval:
    """Finds moments as one list: with several models, by rank across them.

    Raises what `query` raises, also if only one of several models fails: a framework has no place to say so.
    """

    def __init__(self, search: AnySearch, options: SearchOptions) -> None:
        """Raises ConfigError for a mistake in the options."""
        checked(**options)
        self.search, self._options = search, options

    def find(self, text: str, **changes: Unpack[SearchOptions]) -> tuple[Moment, ...]:
        return _complete(blocking(self.search).query(text, **self._with(changes)))

    async def find_async(self, text: str, **changes: Unpack[SearchOptions]) -> tuple[Moment, ...]:
        """In a thread with a VideoSearch."""
        options = self._with(changes)
        if isinstance(self.search, AsyncVideoSearch):
            return _complete(await self.search.query(text, **options))
        return _complete(await asyncio.to_thread(self.search.query, text, **options))

    def _with(self, changes: SearchOptions) -> SearchOptions:
        return {**self._options, **changes, "across_models": True}


def blocking(search: AnySearch) -> VideoSearch:
    """Raises ConfigError for an AsyncVideoSearch."""
    if isinstance(search, VideoSearch):
        return search
    advice = "Call the asynchronous method, or pass a VideoSearch"
    raise ConfigError("search", "", "an AsyncVideoSearch cannot wait for a result", advice)


def embedded(search: AnySearch, text: str, model: str) -> list[float]:
    """The vector of a text. Raises what `embed_text` raises."""
    vector: list[float] = blocking(search).embed_text(text, model=model).tolist()
    return vector


async def embedded_async(search: AnySearch, text: str, model: str) -> list[float]:
    """As `embedded`; in a thread with a VideoSearch."""
    if isinstance(search, VideoSearch):
        return await asyncio.to_thread(embedded, search, text, model)
    vector: list[float] = (await search.embed_text(text, model=model)).tolist()
    return vector


def text_of(moment: Moment) -> str:
    """As `page_content` of the payload profile `frameworks`; never empty."""
    return segment_text(moment.filename, moment.indexed_asset_id, moment.start_sec, moment.end_sec, moment.transcript)


def metadata_of(moment: Moment) -> dict[str, Any]:
    """JSON values under the names that they have in the payload; besides these, transcript, link, score and scores."""
    return {
        "index_id": moment.index_id,
        "index_name": moment.index_name,
        "indexed_asset_id": moment.indexed_asset_id,
        "asset_id": moment.asset_id,
        "filename": moment.filename,
        "created_at": moment.created_at,
        "user_metadata": dict(moment.metadata),
        "embedding_model": moment.model,
        "embedding_options": list(moment.options),
        "start_offset_sec": moment.start_sec,
        "end_offset_sec": moment.end_sec,
        "transcript": moment.transcript,
        "link": moment.link,
        "score": moment.score,
        "scores": dict(moment.scores),
    }


def _complete(lists: list[Moments]) -> tuple[Moment, ...]:
    for found in lists:
        if found.error:
            raise found.error
    return tuple(moment for found in lists for moment in found)
