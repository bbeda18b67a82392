"""Pages through listings that may change meanwhile: a full walk, and a poll of what is new."""

import itertools
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Generic, TypeVar

from connector.domain.errors import AssetError
from connector.domain.source_model import IN_PROGRESS, Changes, IndexedAsset

T = TypeVar("T")
Params = tuple[tuple[str, str], ...]

OLDEST_FIRST: Params = (("sort_by", "created_at"), ("sort_option", "asc"))
WALKS = 3
_MOST_PAGES = 10_000

# The last second of the year 9999. The start of a poll comes from source times, which may be anything.
_LATEST = 253_402_300_799.0


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """One page: rows by id in listing order, the totals of its page_info, and the source's time of the response."""

    rows: Mapping[str, T]
    total_pages: float | None = None
    total_results: float | None = None
    as_of: float | None = None


@dataclass(frozen=True, slots=True)
class Walk(Generic[T]):
    """`totals` has the total_results of each page, in the order read; `as_of` is that of the first page."""

    rows: Mapping[str, T]
    totals: tuple[float | None, ...]
    as_of: float | None = None

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
        return Walk({**self.rows, **later.rows}, self.totals + later.totals, self.as_of)


async def walk_until_complete(fetch: Callable[[int], Awaitable[Listed[T]]]) -> Walk[T]:
    """`fetch` receives page numbers from 1. Walks at most three times; the result may still be incomplete."""
    seen = await _walk(fetch)
    for _ in range(WALKS - 1):
        if seen.complete:
            break
        again = await _walk(fetch)
        seen = replace(again, as_of=seen.as_of) if again.complete else seen.followed_by(again)
    return seen


async def _walk(fetch: Callable[[int], Awaitable[Listed[T]]]) -> Walk[T]:
    rows: dict[str, T] = {}
    totals: list[float | None] = []
    as_of: float | None = None
    for number in range(1, _MOST_PAGES + 1):
        page = await fetch(number)
        as_of = page.as_of if number == 1 else as_of
        rows.update(page.rows)
        totals.append(page.total_results)
        if not page.rows or (page.total_pages is not None and number >= page.total_pages):
            break
    return Walk(rows, tuple(totals), as_of)


async def changes(
    fetch: Callable[[Params, int], Awaitable[Listed[IndexedAsset]]],
    asset: Callable[[str], Awaitable[IndexedAsset | None]],
    since: float | None,
    pending: Collection[str],
    known: Mapping[str, IndexedAsset],
) -> Changes:
    """Poll. Also query pending assets by status, because `updated_at` may not move with every change.

    `fetch` receives query parameters and page numbers from 1; `asset` looks up a single asset.
    """
    found, as_of = await _newest(fetch, _since("created_at", since), known)
    if since is not None:
        touched, _ = await _newest(fetch, _since("updated_at", since), known)
        found |= touched
    unseen = set(pending) - found.keys()
    in_progress, _ = await _newest(fetch, _in_progress(), {}) if unseen else ({}, None)
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
    fetch: Callable[[Params, int], Awaitable[Listed[IndexedAsset]]], params: Params, known: Mapping[str, IndexedAsset]
) -> tuple[dict[str, IndexedAsset], float | None]:
    """Rows by id, newest first, up to the first page without news; and the source's time at the first page."""
    found: dict[str, IndexedAsset] = {}
    as_of: float | None = None
    for number in itertools.count(1):
        page = await fetch(params, number)
        as_of = page.as_of if number == 1 else as_of
        has_news = any(known.get(name) != row for name, row in page.rows.items())
        found |= page.rows
        if not has_news or (page.total_pages is not None and number >= page.total_pages):
            break
    return found, as_of


def _since(key: str, since: float | None) -> Params:
    """Times to the second, rounded down."""
    if since is None:
        return _newest_first(key)
    moment = datetime.fromtimestamp(min(max(since, 0.0), _LATEST), UTC)
    return (*_newest_first(key), (key, moment.strftime("%Y-%m-%dT%H:%M:%SZ")))


def _in_progress() -> Params:
    return (*_newest_first("created_at"), *(("status", status) for status in IN_PROGRESS))


def _newest_first(key: str) -> Params:
    return (("sort_by", key), ("sort_option", "desc"))
