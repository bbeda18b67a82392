"""Results of a search, in pages that stay the same while their tokens are valid."""

import re
from collections import OrderedDict
from dataclasses import dataclass

from connector.simulator.api.api_errors import ApiError
from connector.simulator.api.search_request import SearchRequest
from connector.simulator.world.draws import key
from connector.simulator.world.world import World

_TOKEN = re.compile(r"([0-9a-f]{16})-([1-9][0-9]{0,5})")
_MOST_SEARCHES = 1000


@dataclass(frozen=True, slots=True)
class FoundClip:
    """`rank` counts from 1; `similarity` is between 0 and 1."""

    ordinal: int
    start: float
    end: float
    speech: str
    rank: int
    similarity: float


@dataclass(frozen=True, slots=True)
class FoundClips:
    """`units` are what a page counts: single clips, or the clips of one video."""

    index: int
    units: list[list[FoundClip]]
    request: SearchRequest
    expires_ms: int


@dataclass(frozen=True, slots=True)
class FoundPage:
    """`before` and `after` are the tokens of the neighbouring pages."""

    found: FoundClips
    units: list[list[FoundClip]]
    before: str | None
    after: str | None


class SearchPages:
    """Keeps the latest searches; a page of an older one counts as expired."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._searches: OrderedDict[str, FoundClips] = OrderedDict()
        self._count = 0

    def first(self, found: FoundClips) -> FoundPage:
        self._count += 1
        name = f"{key(self._world.scenario.seed, 'search', self._count):016x}"
        self._searches[name] = found
        if len(self._searches) > _MOST_SEARCHES:
            self._searches.popitem(last=False)
        return _page(name, found, 1)

    def page(self, token: str) -> FoundPage:
        """Raises ApiError 400 search_page_token_expired for an expired or unknown token."""
        parts = _TOKEN.fullmatch(token)
        found = None if parts is None else self._searches.get(parts[1])
        if parts is None or found is None or self._world.now_ms() >= found.expires_ms:
            raise _expired(token)
        page = _page(parts[1], found, int(parts[2]))
        if not page.units:
            raise _expired(token)
        return page


def _page(name: str, found: FoundClips, number: int) -> FoundPage:
    limit = found.request.limit
    last = number * limit
    return FoundPage(
        found,
        found.units[last - limit : last],
        before=f"{name}-{number - 1}" if number > 1 else None,
        after=f"{name}-{number + 1}" if last < len(found.units) else None,
    )


def _expired(token: str) -> ApiError:
    return ApiError(
        400,
        "search_page_token_expired",
        "The token that identifies the page to be retrieved is expired or invalid."
        f" You must make a new search request. Token: {token}.",
    )
