"""Announces once 7 days and once 1 day ahead that an index will expire, also if the process restarts in between."""

from functools import partial

from connector.domain.events import IndexExpires
from connector.domain.expiry import announced, to_announce
from connector.domain.ledger_model import IndexState
from connector.ports import CheckpointStore, Observer


async def announce_expiry(
    ledger: CheckpointStore, observe: Observer, index_id: str, state: IndexState | None, now: float
) -> None:
    """Stored before it is told, so that no restart repeats it."""
    days = to_announce(state, now) if state else None
    if state and days is not None:
        await ledger.update_state(index_id, partial(announced, days=days))
        observe(IndexExpires(index_id, state.index_name, state.expires_at or "", days))
