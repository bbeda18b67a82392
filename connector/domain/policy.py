"""Limits and options of a plan."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from connector.domain.refresh import RefreshPolicy

DeleteMode = Literal["sync", "keep"]


@dataclass(frozen=True, slots=True)
class Policy:
    """`recent_deletes` counts the last 24 hours; `respect_backoff` postpones failed assets until they are due.

    `allow_deletes`: an operator allowed the deletes of this cycle, whatever their number, if all of them are among the
    `shown` ones (None: any). `delete_grace`: seconds from the first proof of absence to the delete. Without a `refresh`
    policy, the plan has no refreshes.
    """

    now: float
    delete_mode: DeleteMode
    max_deletes: int
    max_delete_ratio: float
    max_attempts: int
    refresh: RefreshPolicy | None = None
    recent_deletes: int = 0
    allow_deletes: bool = False
    shown: frozenset[str] | None = None
    respect_backoff: bool = False
    delete_grace: float = 0.0

    def allows(self, indexed_asset_ids: Iterable[str]) -> bool:
        """True if an operator allowed these deletes."""
        return self.allow_deletes and (self.shown is None or self.shown.issuperset(indexed_asset_ids))
