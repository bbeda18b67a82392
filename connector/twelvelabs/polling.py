"""The cheap poll: assets created or updated since a time, and the status of assets that were being indexed."""

import itertools
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime

from connector.domain.errors import AssetError
from connector.domain.source_model import IN_PROGRESS, Changes, IndexedAsset
from connector.domain.watermark import OVERLAP_SEC
from connector.twelvelabs.walk import Listed

# The last second of the year 9999. A watermark comes from source times, which may be anything.
_LATEST = 253_402_300_799.0

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
    found, as_of = await _newest(page, _after("created_at", since), known)
    if since is not None:
        touched, _ = await _newest(page, _after("updated_at", since), known)
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


def _after(key: str, since: float | None) -> Params:
    order = (("sort_by", key), ("sort_option", "desc"))
    if since is None:
        return order
    moment = datetime.fromtimestamp(min(max(since - OVERLAP_SEC, 0.0), _LATEST), UTC)
    return (*order, (key, moment.strftime("%Y-%m-%dT%H:%M:%SZ")))


def _in_progress() -> Params:
    return (("sort_by", "created_at"), ("sort_option", "desc"), *(("status", status) for status in IN_PROGRESS))
