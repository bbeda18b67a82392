"""The state of an asset, as its ledger row tells it: each row has exactly one. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from connector.domain.ledger_model import Checkpoint


class AssetState(StrEnum):
    """What a list of assets can be narrowed down to."""

    APPLIED = "applied"
    """Current, as far as the connector knows."""
    OPENED = "opened"
    """Being worked on, or left so by a process that ended."""
    BACKLOG = "backlog"
    """Planned, not yet begun. The sink may hold an earlier revision."""
    DEFERRED = "deferred"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    PENDING = "pending"
    """Gone from the source; the delete waits for the end of the grace period."""
    IDLE = "idle"
    """Nothing is applied and nothing is planned: not ready at the source when it was last seen."""


@dataclass(frozen=True, slots=True)
class AssetQuery:
    """Assets of one state (None: of any), whose id or file name contains `text` (ASCII letters in either case)."""

    max_attempts: int
    """Tried so often, an asset is quarantined."""
    state: AssetState | None = None
    text: str = ""

    def matches(self, row: Checkpoint) -> bool:
        filename = (row.listed and row.listed.filename) or ""
        named = any(ascii_lower(self.text) in ascii_lower(name) for name in (row.indexed_asset_id, filename))
        return named and self.state in {None, state_of(row, self.max_attempts)}


@dataclass(frozen=True, slots=True)
class AssetPage:
    """Rows in the order of their ids.

    `more` continues in the direction of reading: all rows up to this id were looked at. None: there are no more.
    """

    rows: tuple[Checkpoint, ...]
    more: str | None = None


def ascii_lower(text: str) -> str:
    """Only a to z, as SQLite does it."""
    return "".join(char.lower() if char.isascii() else char for char in text)


def state_of(row: Checkpoint, max_attempts: int) -> AssetState:
    """The same as the counts of the ledger's summary say of all rows together."""
    if row.priority is not None:
        return AssetState.BACKLOG
    if row.attempt is not None and row.attempt.attempts >= max_attempts:
        return AssetState.QUARANTINED
    if row.attempt is not None and row.attempt.reason is not None:
        return AssetState.FAILED if row.attempt.attempts else AssetState.DEFERRED
    if row.attempt is not None or row.opened:
        return AssetState.OPENED
    if row.absent_since is not None:
        return AssetState.PENDING
    return AssetState.IDLE if row.applied is None else AssetState.APPLIED
