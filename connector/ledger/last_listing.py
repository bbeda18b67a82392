"""The last listing that decided which deletes are withheld: a resumed cycle or a failure decides nothing."""

from collections.abc import Mapping
from typing import Any

from connector.domain.history import KEPT_CYCLES, PastCycle, last_decided
from connector.ports import CheckpointStore

_RECENT = 20


async def decided_cycle(ledger: CheckpointStore, index_id: str) -> PastCycle | None:
    """The cycle of that listing; None if the history has none. Raises LedgerUnavailable."""
    for limit in (_RECENT, KEPT_CYCLES):
        past = await ledger.cycles(index_id, limit)
        decided = last_decided(past)
        if decided or len(past) < limit:
            return decided
    return None


async def last_listing(ledger: CheckpointStore, index_id: str, report: Mapping[str, Any]) -> Mapping[str, Any]:
    """The report of that listing; the last one if the history has none. Raises LedgerUnavailable.

    `report` is the last one of the index. It names all problems, and those of the history the first ones only.
    """
    last, decided = await ledger.cycles(index_id, 1), await decided_cycle(ledger, index_id)
    return decided.report if decided and decided != last[0] else report
