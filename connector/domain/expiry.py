"""When an index expires, and whether to announce it now. Pure.

TwelveLabs deletes the indexes of a free plan some time after their creation, and says when.
"""

from dataclasses import replace

from connector.domain import timestamps
from connector.domain.ledger_model import IndexState

DAY_SEC = 86_400.0
ANNOUNCED_DAYS = (1, 7)


def expires_in(expires_at: str | None, now: float) -> float | None:
    """Seconds until then; None if the index never expires, or its time is unreadable."""
    try:
        return timestamps.epoch(expires_at) - now if expires_at else None
    except ValueError:
        return None


def days_ahead(expires_at: str | None, now: float) -> int | None:
    """The smallest of ANNOUNCED_DAYS within which the index expires; None if it is later, or has happened."""
    left = expires_in(expires_at, now)
    if left is None or left <= 0:
        return None
    return next((days for days in ANNOUNCED_DAYS if left <= days * DAY_SEC), None)


def to_announce(state: IndexState, now: float) -> int | None:
    """The number of days ahead to announce now; None if it is too early, or was announced."""
    days, told = days_ahead(state.expires_at, now), state.expiry_announced
    return days if days is not None and (told is None or days < told) else None


def announced(state: IndexState, days: int) -> IndexState:
    return replace(state, expiry_announced=days)
