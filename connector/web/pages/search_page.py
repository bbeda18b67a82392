"""`/search?q=…`: moments that match a text. A plain form; htmx replaces the results only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connector.domain.errors import ConnectorError, Unavailable
from connector.domain.nearness import ENOUGH
from connector.domain.sink_model import Hit
from connector.engine.text_search import ModelMoments
from connector.web.moment_api import status_of
from connector.web.pages.moment import moment_url, time_range
from connector.web.pages.moment_site import MomentSite
from connector.web.pages.plain_text import cut, plain, without_middle
from connector.web.pages.rendering import page
from connector.web.pages.timeline import colour, in_order
from connector.web.search_query import LONGEST_TEXT, MOST_HITS, SearchQuery, is_from_elsewhere, read_search

_MORE = 5
_LONGEST_NAME, _LONGEST_SNIPPET, _LONGEST_INDEX = 120, 280, 60


@dataclass(frozen=True, slots=True)
class ShownHit:
    """`url` is None if the ids are too long for a URL; `options` are name, colour class and similarity."""

    name: str
    index: str
    url: str | None
    time: str
    score: float
    options: tuple[tuple[str, str, float], ...]
    snippet: str


@dataclass(frozen=True, slots=True)
class ShownError:
    """`title` says in plain words what failed, `advice` what to do; both may quote no secret."""

    title: str
    cause: str
    advice: str


@dataclass(frozen=True, slots=True)
class ShownList:
    """The hits of one model. `note` explains them if they are not simply the nearest ones."""

    model: str
    collection: str
    hits: tuple[ShownHit, ...]
    note: str | None
    error: ShownError | None


def search_routes(site: MomentSite) -> list[BaseRoute]:
    async def search(request: Request) -> Response:
        now = site.clock()
        try:
            query = read_search(request.query_params)
        except ValueError as error:
            wrong = ShownError("This search is not valid", str(error), "")
            return page("search.html", now, 400, **_values(SearchQuery(""), {}, error=wrong))
        try:
            indexes = await site.indexes()
        except ConnectorError as error:
            return page("search.html", now, 503, **_values(query, {}, error=shown_error(error)))
        if not query.text or is_from_elsewhere(request.headers):
            return page("search.html", now, **_values(query, indexes))
        try:
            lists = await site.find(query.text, query.indexes, query.limit)
        except ConnectorError as error:
            values = _values(query, indexes, error=shown_error(error))
            return page("search.html", now, status_of(error), **values)
        return page("search.html", now, **_values(query, indexes, lists=lists))

    return [Route("/search", search)]


def _values(
    query: SearchQuery,
    indexes: Mapping[str, str | None],
    *,
    lists: Sequence[ModelMoments] | None = None,
    error: ShownError | None = None,
) -> dict[str, Any]:
    shown = None if lists is None else [shown_list(found) for found in lists]
    names = {index_id: without_middle(name or index_id, _LONGEST_INDEX) for index_id, name in indexes.items()}
    return {
        "here": "search",
        "query": query,
        "longest": LONGEST_TEXT,
        "indexes": names,
        "lists": shown,
        "hits": sum(len(it.hits) for it in shown or () if it.error is None),
        "more": _more(query, shown or ()),
        "error": error,
    }


def _more(query: SearchQuery, shown: Sequence[ShownList]) -> str | None:
    """The address with a larger limit; None if no list was cut."""
    if query.limit >= MOST_HITS or all(len(it.hits) < query.limit for it in shown):
        return None
    return f"/search?{urlencode(replace(query, limit=min(query.limit * _MORE, MOST_HITS)).pairs())}"


def shown_list(found: ModelMoments) -> ShownList:
    note = None
    if found.near is False:
        note = "Nothing is near: no segment is clearly more similar to this text than the others. This one is the best."
    elif found.near is None and not found.error:
        note = f"There are fewer than {ENOUGH} segments, so all are listed, whether they are near or not."
    error = shown_error(found.error) if found.error else None
    hits = tuple(_shown_hit(hit) for hit in found.hits)
    return ShownList(plain(found.model), plain(found.collection), hits, note, error)


def _shown_hit(hit: Hit) -> ShownHit:
    return ShownHit(
        name=without_middle(hit.filename or hit.indexed_asset_id, _LONGEST_NAME),
        index=without_middle(hit.index_name or hit.index_id, _LONGEST_INDEX),
        url=moment_url(hit.index_id, hit.indexed_asset_id, hit.start_offset_sec, hit.end_offset_sec),
        time=time_range(hit.start_offset_sec, hit.end_offset_sec),
        score=hit.score,
        options=tuple((option, colour(option), hit.similarities[option]) for option in in_order(hit.similarities)),
        snippet=cut(hit.transcript or "", _LONGEST_SNIPPET),
    )


_TITLES = {
    "authentication_failed": "The key was refused",
    "rate_limited": "Too many requests at the moment",
    "config_error": "This cannot be searched",
    "source_unavailable": "TwelveLabs gave no usable answer",
    "sink_mismatch": "Qdrant cannot search this collection",
    "sink_unavailable": "Qdrant cannot be used",
    "ledger_unavailable": "The ledger cannot be read",
}


def shown_error(error: ConnectorError) -> ShownError:
    title = _TITLES.get(error.code, "The search failed")
    if isinstance(error, Unavailable):
        title = f"{'Qdrant' if error.side == 'sink' else 'TwelveLabs'} cannot be reached"
    cause = plain(f"{error.operation} {error.subject}: {error.cause}".replace(" :", ":"))
    return ShownError(title, cause, plain(error.advice))
