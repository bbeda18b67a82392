"""Paging by number over a live set: what a walk saw, and whether that was everything."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

T = TypeVar("T")

WALKS = 3
_MOST_PAGES = 10_000


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """One page: rows by id in the order of the listing, and what its page_info says."""

    rows: Mapping[str, T]
    total_pages: float | None = None
    total_results: float | None = None


@dataclass(frozen=True, slots=True)
class Walk(Generic[T]):
    """`totals` are the total_results of the pages in the order in which they were read."""

    rows: Mapping[str, T]
    totals: tuple[float | None, ...]

    @property
    def complete(self) -> bool:
        known = [total for total in self.totals if total is not None]
        if not known or len(known) < len(self.totals):
            return False
        return len(self.rows) == known[-1] and all(before <= after for before, after in pairwise(known))

    def followed_by(self, later: "Walk[T]") -> "Walk[T]":
        """Both as one longer walk, which is complete by the same rule: ties may hide a row from one order only.

        As an incomplete one it is the safer list of what to upsert: a row too many costs one 404, a missing one is
        work left undone.
        """
        return Walk({**self.rows, **later.rows}, self.totals + later.totals)


async def walk_until_complete(fetch: Callable[[int], Awaitable[Listed[T]]]) -> Walk[T]:
    """`fetch` gets page numbers from 1. Walks at most three times; the result may still be incomplete."""
    seen = await _walk(fetch)
    for _ in range(WALKS - 1):
        if seen.complete:
            break
        again = await _walk(fetch)
        seen = again if again.complete else seen.followed_by(again)
    return seen


async def _walk(fetch: Callable[[int], Awaitable[Listed[T]]]) -> Walk[T]:
    rows: dict[str, T] = {}
    totals: list[float | None] = []
    for number in range(1, _MOST_PAGES + 1):
        page = await fetch(number)
        rows.update(page.rows)
        totals.append(page.total_results)
        if not page.rows or (page.total_pages is not None and number >= page.total_pages):
            break
    return Walk(rows, tuple(totals))
