"""The watermark: source time up to which all changes of an index are processed."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from connector.domain import timestamps
from connector.domain.ledger_model import IndexState
from connector.domain.source_model import IN_PROGRESS, IndexedAsset

# The source's clocks differ, and a row may become visible later than its timestamp.
OVERLAP_SEC = 120.0


def poll_start(state: IndexState) -> float | None:
    """The time from which the next poll requests changes, OVERLAP_SEC before the watermark; None asks for all."""
    return None if state.watermark is None else state.watermark - OVERLAP_SEC


def advanced(
    state: IndexState,
    assets: Mapping[str, IndexedAsset],
    asked: Collection[str],
    still_pending: Collection[str],
    as_of: float | None,
    *,
    can_advance_watermark: bool = True,
) -> IndexState:
    """The state after every one of these assets was applied, or has a row that says what is left to do.

    `asked` are the pending assets that the source was asked about, of which it said that some are `still_pending`. The
    watermark never moves back and never passes `as_of`, the source's time of the request. It stays unless
    `can_advance_watermark`: an incomplete listing may miss rows older than the ones it shows.
    """
    latest = max((last_touched(asset) for asset in assets.values()), default=None)
    if latest is not None and as_of is not None:
        latest = min(latest, as_of)
    moments = (state.watermark, latest if can_advance_watermark else None)
    watermark = max((it for it in moments if it is not None), default=None)
    elsewhere = state.pending.difference(asked, assets)
    in_progress = {name for name, asset in assets.items() if asset.status in IN_PROGRESS}
    return replace(state, watermark=watermark, pending=frozenset(elsewhere.union(in_progress, still_pending)))


def recent(assets: Mapping[str, IndexedAsset], state: IndexState) -> dict[str, IndexedAsset]:
    """The assets that the next poll lists again because of the overlap."""
    since = poll_start(state)
    return {name: asset for name, asset in assets.items() if since is None or last_touched(asset) >= since}


def newest_first(asset: IndexedAsset) -> float:
    """Sort key: the asset that was created last is the smallest."""
    return -moment(asset.created_at)


def last_touched(asset: IndexedAsset) -> float:
    """The later one of its two dates, in source time."""
    return max(moment(asset.created_at), moment(asset.updated_at))


def moment(text: str | None) -> float:
    """0.0 for an unreadable time, or one before 1970 such as Go's zero time: neither moves the watermark."""
    try:
        return max(timestamps.epoch(text or ""), 0.0)
    except ValueError:
        return 0.0
