"""Query parameters of the list endpoints, and the page that they select."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from starlette.datastructures import QueryParams

from connector.simulator.api.api_errors import invalid, unknown_parameter
from connector.simulator.api.list_filters import AssetFilter
from connector.simulator.world.draws import draw, key
from connector.simulator.world.index_state import SimulatedIndex, Table
from connector.simulator.world.records import Record
from connector.simulator.world.world import World

T = TypeVar("T")
MAX_PAGE_LIMIT = 50
DEFAULT_PAGE_LIMIT = 10

_MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class ListingPage:
    """`page` from 1, `limit` 1 to 50."""

    page: int
    limit: int

    @staticmethod
    def of(query: Mapping[str, str]) -> "ListingPage":
        """Raises ApiError 400."""
        return ListingPage(_whole("page", query.get("page", "1")), page_limit(query.get("page_limit")))

    def span(self, total: int) -> range:
        first = (self.page - 1) * self.limit
        return range(min(first, total), min(first + self.limit, total))

    def envelope(self, data: Sequence[Any], total: int, past_end: str) -> dict[str, Any]:
        pages = -(-total // self.limit)
        beyond = self.page > max(pages, 1)
        return {
            "data": None if beyond and past_end == "null" else list(data),
            "page_info": {
                "page": self.page,
                "limit_per_page": self.limit,
                "total_page": pages,
                "total_results": total,
            },
        }


@dataclass(frozen=True, slots=True)
class SortOrder:
    by: str
    descending: bool

    @staticmethod
    def of(query: Mapping[str, str]) -> "SortOrder":
        """Defaults created_at, desc. Raises ApiError 400."""
        by, option = query.get("sort_by", "created_at"), query.get("sort_option", "desc")
        if by not in {"created_at", "updated_at"}:
            raise invalid("sort_by", "It must be created_at or updated_at.")
        if option not in {"asc", "desc"}:
            raise invalid("sort_option", "It must be asc or desc.")
        return SortOrder(by, option == "desc")


def page_limit(text: str | None) -> int:
    """The default if None. Raises ApiError 400."""
    limit = DEFAULT_PAGE_LIMIT if text is None else _whole("page_limit", text)
    if limit > MAX_PAGE_LIMIT:
        raise invalid("page_limit", f"The maximum is {MAX_PAGE_LIMIT}.")
    return limit


def _whole(parameter: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > _MOST_DIGITS or int(text) < 1:
        raise invalid(parameter, "It must be a whole number of at least 1.")
    return int(text)


def sorted_page(items: list[T], order: SortOrder, page: ListingPage, sort_key: Callable[[T], int]) -> list[T]:
    ordered = sorted(items, key=sort_key, reverse=order.descending)
    return [ordered[place] for place in page.span(len(ordered))]


def asset_page(
    world: World, state: SimulatedIndex, query: QueryParams, page: ListingPage, *, only_ready: bool, request: int
) -> tuple[list[Record], int]:
    """The records of a page of an index, and the total number of matches. `request` seeds the shuffling of ties.

    Without a filter and in the order of creation the page is found directly: page 2,000 is as fast as page 1.
    """
    order = SortOrder.of(query)
    wanted = AssetFilter.of(query, ["ready"] if only_ready else None)
    if wanted.passes_all and order.by == "created_at" and world.knobs.tie_order == "stable":
        total = state.count()
        places = page.span(total)
        ordinals = [state.nth(total - 1 - place if order.descending else place) for place in places]
        return state.records(ordinals), total
    table = state.table(world.now_ms(), world.starts)
    rows = wanted.rows(table, state.records, patched_only=world.knobs.updated_at_filter == "patched")
    rows = _arranged(world, table, rows, order, request)
    return state.records([int(table.ordinals[rows[place]]) for place in page.span(len(rows))]), len(rows)


def _arranged(world: World, table: Table, rows: NDArray[np.int64], order: SortOrder, request: int) -> NDArray[np.int64]:
    keys = (table.created_ms if order.by == "created_at" else table.updated_ms)[rows]
    ties = rows.astype(np.int64)
    if world.knobs.tie_order == "shuffled":
        ties = (draw(key(world.scenario.seed, "ties", request), rows) >> np.uint64(2)).astype(np.int64)
    ascending = rows[np.lexsort((ties, keys))]
    return ascending[::-1] if order.descending else ascending


def refuse_unknown(query: QueryParams, known: set[str]) -> None:
    """Raises ApiError 400 parameter_unknown."""
    for name in query:
        if name not in known:
            raise unknown_parameter(name)
