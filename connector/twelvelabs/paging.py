"""Pages through listings that may change meanwhile: a full walk, and a poll of what is new."""

import itertools
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from connector.domain.errors import AssetError
from connector.domain.source_model import IN_PROGRESS, Changes, IndexedAsset

T = TypeVar("T")

WALKS = 3
_MOST_PAGES = 10_000

# The last second of the year 9999. The start of a poll comes from source times, which may be anything.
_LATEST = 253_402_300_799.0


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
        return len(self.rows) == known[-1] and all(before <= after for before, after in itertools.pairwise(known))

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


Params = tuple[tuple[str, str], ...]
Page = Callable[[Params, int], Awaitable[tuple[Listed[IndexedAsset], float | None]]]


async def changes(
    page: Page,
    asset: Callable[[str], Awaitable[IndexedAsset | None]],
    since: float | None,
    pending: Collection[str],
    known: Mapping[str, IndexedAsset],
) -> Changes:
    """Also query pending assets by status, because `updated_at` may not move with every change."""
    found, as_of = await _newest(page, _since("created_at", since), known)
    if since is not None:
        touched, _ = await _newest(page, _since("updated_at", since), known)
        found |= touched
    unseen = set(pending) - found.keys()
    in_progress, _ = await _newest(page, _in_progress(), {}) if unseen else ({}, None)
    pending_still = unseen & in_progress.keys()
    for name in sorted(unseen - in_progress.keys()):
        try:
            row = await asset(name)
        except AssetError:
            # One bad asset must not hide the others.
            pending_still.add(name)
            continue
        if row is not None:
            found[name] = row
    return Changes(found, frozenset(pending_still), as_of)


async def _newest(
    page: Page, params: Params, known: Mapping[str, IndexedAsset]
) -> tuple[dict[str, IndexedAsset], float | None]:
    """Rows by id, newest first, up to the first page without news; and the source's time at the first page."""
    found: dict[str, IndexedAsset] = {}
    as_of: float | None = None
    for number in itertools.count(1):
        listed, at = await page(params, number)
        as_of = at if number == 1 else as_of
        fresh = any(known.get(name) != row for name, row in listed.rows.items())
        found |= listed.rows
        if not fresh or (listed.total_pages is not None and number >= listed.total_pages):
            break
    return found, as_of


def _since(key: str, since: float | None) -> Params:
    """Newest first. The API filters by whole seconds, so round down."""
    order = (("sort_by", key), ("sort_option", "desc"))
    if since is None:
        return order
    moment = datetime.fromtimestamp(min(max(since, 0.0), _LATEST), UTC)
    return (*order, (key, moment.strftime("%Y-%m-%dT%H:%M:%SZ")))


def _in_progress() -> Params:
    return (("sort_by", "created_at"), ("sort_option", "desc"), *(("status", status) for status in IN_PROGRESS))
