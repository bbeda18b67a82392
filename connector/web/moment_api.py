"""`/api/search` and `/api/indexes/{index_id}/assets/{indexed_asset_id}`: the JSON of searches and of one asset."""

import json
import math
from collections.abc import Awaitable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connector.domain.errors import ConfigError, ConnectorError, RateLimited
from connector.domain.page import Page, read_page
from connector.domain.report import error_facts
from connector.web.pages.links import named_by
from connector.web.pages.moment_site import MomentSite
from connector.web.search_query import SearchQuery, is_from_elsewhere, read_search

_NO_STORE = {"Cache-Control": "no-store"}


def moment_api(site: MomentSite) -> list[BaseRoute]:
    async def search(request: Request) -> Response:
        try:
            query = read_search(request.query_params)
        except ValueError as error:
            return _usage_error(str(error))
        if is_from_elsewhere(request.headers):
            refused = {"code": "foreign_site", "message": "a page of another site sent this request"}
            return _json({"error": refused}, 403)
        if not query.text:
            return _usage_error("q is empty: give the words to search for")
        return await _answer(_found(site, query))

    async def asset(request: Request) -> Response:
        try:
            page = read_page(request.query_params)
        except ValueError as error:
            return _usage_error(str(error))
        ids = (named_by(request.path_params[key]) for key in ("index_id", "indexed_asset_id"))
        return await _answer(_asset(site, *ids, page=page))

    return [Route("/api/search", search), Route("/api/indexes/{index_id}/assets/{indexed_asset_id}", asset)]


async def _answer(working: Awaitable[Response]) -> Response:
    try:
        return await working
    except ConnectorError as error:
        return _json({"error": error_facts(error)}, status_of(error), retry_after(error))


async def _found(site: MomentSite, query: SearchQuery) -> Response:
    lists = await site.find(query.text, query.indexes, query.limit)
    errors = [found.error for found in lists if found.error]
    found = {"query": query.text, "models": [it.document() for it in lists]}
    return _json(found, status_of(errors[0]) if errors and len(errors) == len(lists) else 200)


async def _asset(site: MomentSite, index_id: str, indexed_asset_id: str, *, page: Page) -> Response:
    view = await site.asset(index_id, indexed_asset_id)
    if view is None:
        return _json({"error": {"code": "not_found", "message": "the ledger has no such asset"}}, 404)
    return _json(view.page(page))


def status_of(error: ConnectorError) -> int:
    """The HTTP status of a request that failed with this error."""
    if isinstance(error, ConfigError):
        return 400
    return 429 if isinstance(error, RateLimited) else 503


def retry_after(error: ConnectorError) -> dict[str, str]:
    """The header that says when to try again, if that is known."""
    if not isinstance(error, RateLimited) or error.retry_after is None:
        return {}
    return {"Retry-After": str(max(math.ceil(error.retry_after), 1))}


def _usage_error(message: str) -> Response:
    return _json({"error": {"code": "usage_error", "message": message}}, 400)


def _json(document: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """ASCII: a lone surrogate in a name cannot be encoded."""
    body = json.dumps(document)
    return Response(body, status, {**_NO_STORE, **(headers or {})}, "application/json")
