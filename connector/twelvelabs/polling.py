"""The cheap poll: what is new or touched since a moment, and what became of the assets that were being indexed."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime

from connector.model import IN_PROGRESS, Changes, IndexedAsset

# Source clocks are not one clock, and a row may become visible after the time that it bears.
OVERLAP_SEC = 120.0

Params = tuple[tuple[str, str], ...]
Rows = Callable[[Params], Awaitable[tuple[Mapping[str, IndexedAsset], float | None]]]


async def changes(
    rows: Rows,
    asset: Callable[[str], Awaitable[IndexedAsset | None]],
    since: float | None,
    pending: Collection[str],
) -> Changes:
    """Whether `updated_at` moves with every change is not known, so pending assets are asked for by status besides."""
    created, as_of = await rows(_sorted_and_after("created_at", since))
    touched, _ = await rows(_sorted_and_after("updated_at", since)) if since is not None else ({}, None)
    found = {**created, **touched}
    unseen = set(pending) - found.keys()
    in_progress = (await rows(_in_progress()))[0] if unseen else {}
    for name in sorted(unseen - in_progress.keys()):
        row = await asset(name)
        if row is not None:
            found[name] = row
    return Changes(found, frozenset(unseen & in_progress.keys()), as_of)


def _sorted_and_after(key: str, since: float | None) -> Params:
    order = (("sort_by", key), ("sort_option", "asc"))
    if since is None:
        return order
    moment = datetime.fromtimestamp(int(since - OVERLAP_SEC), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (*order, (key, moment))


def _in_progress() -> Params:
    order = (("sort_by", "created_at"), ("sort_option", "asc"))
    return (*order, *(("status", status) for status in IN_PROGRESS))
