"""How far the work on an index has come, in the source's own time."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from connector.domain import timestamps
from connector.domain.model import IN_PROGRESS, IndexedAsset, IndexState

# Source clocks are not one clock, and a row may become visible after the time that it bears.
OVERLAP_SEC = 120.0


def advanced(
    state: IndexState,
    assets: Mapping[str, IndexedAsset],
    still_pending: Collection[str],
    as_of: float | None,
    *,
    can_advance_watermark: bool = True,
) -> IndexState:
    """The state when all that these assets called for is done or has a row of its own that says it is not.

    The watermark never goes back, never past `as_of`, the source's own time when it was asked, and stays where it is
    unless that `settled` what was open: rows that a listing did not show may be older than those that it did.
    """
    latest = max((_latest(asset) for asset in assets.values()), default=None)
    if latest is not None and as_of is not None:
        latest = min(latest, as_of)
    moments = (state.watermark, latest if can_advance_watermark else None)
    watermark = max((it for it in moments if it is not None), default=None)
    in_progress = {name for name, asset in assets.items() if asset.status in IN_PROGRESS}
    return replace(state, watermark=watermark, pending=frozenset(in_progress.union(still_pending)))


def recent(assets: Mapping[str, IndexedAsset], state: IndexState) -> dict[str, IndexedAsset]:
    """Those that the next poll is shown again, because it asks from somewhat before the watermark."""
    since = (state.watermark or 0.0) - OVERLAP_SEC
    return {name: asset for name, asset in assets.items() if _latest(asset) >= since}


def _latest(asset: IndexedAsset) -> float:
    return max((_moment(text) for text in (asset.created_at, asset.updated_at)), default=0.0)


def _moment(text: str | None) -> float:
    """A time that cannot be read, or is before 1970 as Go's zero time is, moves nothing."""
    try:
        return max(timestamps.epoch(text or ""), 0.0)
    except ValueError:
        return 0.0
