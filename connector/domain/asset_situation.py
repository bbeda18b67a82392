"""What becomes of one asset now: the state of its ledger row, and what the row alone does not tell. Pure."""

from enum import StrEnum

from connector.domain.asset_state import AssetState, state_of
from connector.domain.ledger_model import Checkpoint
from connector.domain.source_model import READY


class Situation(StrEnum):
    """The values are public (`/api/indexes/…/assets/…`); those of an AssetState mean the same."""

    APPLIED = "applied"
    IN_PROGRESS = "in_progress"
    """Being worked on at this moment."""
    BACKLOG = "backlog"
    OPENED = "opened"
    """Work on it began in a process that ended."""
    WAITING = "waiting"
    """Not ready at the source when last seen."""
    DEFERRED = "deferred"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    PENDING = "pending"
    WITHHELD = "withheld"
    """The last full cycle did not find it at the source, and withheld its delete."""


def situation(
    row: Checkpoint | None, max_attempts: int, *, in_hand: bool = False, indexing: bool = False, withheld: bool = False
) -> Situation | None:
    """None if nothing is known of the asset.

    `in_hand`: it is being worked on now. `indexing`: it was being indexed at the source when last seen. `withheld`: the
    last full cycle named it among the deletes that it withheld.
    """
    if in_hand:
        return Situation.IN_PROGRESS
    if row is None:
        return Situation.WAITING if indexing else None
    state = state_of(row, max_attempts)
    if withheld and state is not AssetState.PENDING:
        return Situation.WITHHELD
    if state is AssetState.IDLE and not indexing and (row.listed is None or row.listed.status == READY):
        return Situation.BACKLOG  # the next full cycle plans it
    if state is AssetState.IDLE or (state is AssetState.APPLIED and indexing):
        return Situation.WAITING
    return Situation(state.value)
