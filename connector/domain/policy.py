"""Limits and options of a plan."""

from dataclasses import dataclass
from typing import Literal

from connector.domain.refresh import RefreshPolicy

DeleteMode = Literal["sync", "keep"]


@dataclass(frozen=True, slots=True)
class Policy:
    """`recent_deletes` counts the last 24 hours; `respect_backoff` postpones failed assets until they are due.

    `allow_deletes`: an operator allowed the deletes of this cycle, whatever their number. Without a `refresh` policy,
    the plan has no refreshes.
    """

    now: float
    delete_mode: DeleteMode
    max_deletes: int
    max_delete_ratio: float
    max_attempts: int
    refresh: RefreshPolicy | None = None
    recent_deletes: int = 0
    allow_deletes: bool = False
    respect_backoff: bool = False
