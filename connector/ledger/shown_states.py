"""The states that are shown while a daemon works: an asset in its last attempt is not in quarantine yet.

An attempt counts before it begins, so that a crash loop ends in quarantine. Its row has no reason until it fails.
"""

from collections.abc import Collection
from dataclasses import replace

from connector.domain.asset_state import AssetState, state_of
from connector.domain.ledger_model import Checkpoint, Summary
from connector.ports import CheckpointStore


def in_last_attempt(row: Checkpoint, max_attempts: int, in_hand: Collection[str]) -> bool:
    """True if the asset is being worked on, and is quarantined if this attempt fails too. `in_hand` are asset ids."""
    began = row.indexed_asset_id in in_hand and row.attempt is not None and row.attempt.reason is None
    return began and state_of(row, max_attempts) is AssetState.QUARANTINED


async def shown_summary(ledger: CheckpointStore, index_id: str, max_attempts: int, in_hand: Collection[str]) -> Summary:
    """The ledger's summary, in which assets in their last attempt are opened. Raises LedgerUnavailable."""
    summary = await ledger.summary(index_id, max_attempts)
    if not summary.quarantined or not in_hand:
        return summary
    rows = (await ledger.rows(index_id, in_hand)).values()
    last = min(sum(in_last_attempt(row, max_attempts, in_hand) for row in rows), summary.quarantined)
    return replace(summary, quarantined=summary.quarantined - last, opened=summary.opened + last)
