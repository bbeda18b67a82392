"""Pages through a listing that may change meanwhile, and decides whether the walk saw all rows."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

T = TypeVar("T")

WALKS = 3
_MOST_PAGES = 10_000


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """One page: rows by id in listing order, and the totals of its page_info."""

    rows: Mapping[str, T]
    total_pages: float | None = None
    total_results: float | None = None


@dataclass(frozen=True, slots=True)
class Walk(Generic[T]):
    """`totals` has the total_results of each page, in the order read."""

    rows: Mapping[str, T]
    totals: tuple[float | None, ...]

    @property
    def complete(self) -> bool:
        known = [total for total in self.totals if total is not None]
        if not known or len(known) < len(self.totals):
            return False
        return len(self.rows) == known[-1] and all(before <= after for before, after in pairwise(known))

    def followed_by(self, later: "Walk[T]") -> "Walk[T]":
        """Join both into one walk with the same completeness rule: rows with equal sort keys may be missing from one.

        Even if incomplete, the union is the safer list for upserts: an extra row costs one 404, a missing row is
        missed work.
        """
        return Walk({**self.rows, **later.rows}, self.totals + later.totals)


async def walk_until_complete(fetch: Callable[[int], Awaitable[Listed[T]]]) -> Walk[T]:
    """`fetch` receives page numbers from 1. Walks at most three times; the result may still be incomplete."""
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
