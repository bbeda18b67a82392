"""Pages through listings that may change meanwhile: a full walk, and a poll of what is new."""

import itertools
import math
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Generic, TypeVar

from connector.domain.errors import AssetError
from connector.domain.source_model import IN_PROGRESS, Changes, IndexedAsset, Progress
from connector.domain.watermark import last_touched, moment

T = TypeVar("T")
Params = tuple[tuple[str, str], ...]
Fetch = Callable[[Params, int], Awaitable["Listed[IndexedAsset]"]]
"""Fetches a page by query parameters and page number, from 1."""

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


async def changes(fetch: Fetch, since: float | None, known: Mapping[str, IndexedAsset]) -> Changes:
    """Assets created or updated at `since` or later. One request if nothing changed.

    Asks for the latest `updated_at`, which is documented to move with every state of an asset. If the rows show that
    the source does not keep to that, also asks with the filters by both dates.
    """
    start = math.floor(since) if since is not None else -math.inf
    rows, as_of = await _newest(fetch, _newest_first("updated_at"), known, start)
    found = {name: row for name, row in rows.items() if last_touched(row) >= start}
    if since is not None and not _are_by_update(rows.values()):
        for key in ("created_at", "updated_at"):
            found |= (await _newest(fetch, _since(key, since), known))[0]
    return Changes(found, as_of)


async def progress(
    fetch: Fetch, asset: Callable[[str], Awaitable[IndexedAsset | None]], pending: Collection[str]
) -> Progress:
    """What became of the `pending` assets. `asset` looks up a single one."""
    if not pending:
        return Progress({}, frozenset())
    in_progress, _ = await _newest(fetch, _in_progress(), {})
    found, pending_still = dict[str, IndexedAsset](), set(pending) & in_progress.keys()
    for name in sorted(set(pending) - in_progress.keys()):
        try:
            row = await asset(name)
        except AssetError:
            # One bad asset must not hide the others.
            pending_still.add(name)
            continue
        if row is not None:
            found[name] = row
    return Progress(found, frozenset(pending_still))


async def _newest(
    fetch: Fetch, params: Params, known: Mapping[str, IndexedAsset], start: float = -math.inf
) -> tuple[dict[str, IndexedAsset], float | None]:
    """Rows by id, newest first, up to the first page without news since `start`; and the source's time at the first."""
    found: dict[str, IndexedAsset] = {}
    as_of: float | None = None
    for number in itertools.count(1):
        page = await fetch(params, number)
        as_of = page.as_of if number == 1 else as_of
        news = [row for name, row in page.rows.items() if known.get(name) != row]
        found |= page.rows
        is_last = page.total_pages is not None and number >= page.total_pages
        if is_last or not news or last_touched(news[-1]) < start:
            break
    return found, as_of


def _are_by_update(rows: Collection[IndexedAsset]) -> bool:
    """True if every row has an `updated_at` that is not before its `created_at`, and the latest is first."""
    updated = [moment(row.updated_at) for row in rows]
    in_order = all(later >= earlier for later, earlier in itertools.pairwise(map(math.floor, updated)))
    return in_order and all(0.0 < at > last_touched(row) - 1.0 for row, at in zip(rows, updated, strict=True))


def _since(key: str, since: float) -> Params:
    """Times to the second, rounded down."""
    start = datetime.fromtimestamp(min(max(since, 0.0), _LATEST), UTC)
    return (*_newest_first(key), (key, start.strftime("%Y-%m-%dT%H:%M:%SZ")))


def _in_progress() -> Params:
    return (*_newest_first("created_at"), *(("status", status) for status in IN_PROGRESS))


def _newest_first(key: str) -> Params:
    return (("sort_by", key), ("sort_option", "desc"))
