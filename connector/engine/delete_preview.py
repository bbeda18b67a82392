"""What a full cycle would delete if an operator allowed it. Reads source and ledger only, also beside a daemon."""

from connector.domain.index_settings import IndexSettings
from connector.domain.ledger_model import Checkpoint
from connector.domain.plan import Decision, decide_absent
from connector.domain.source_model import Index
from connector.engine.survey import Surveyor
from connector.ports import CheckpointStore


async def due_deletes(
    surveyor: Surveyor, ledger: CheckpointStore, settings: IndexSettings, index: Index, now: float
) -> list[Checkpoint]:
    """The rows of absent assets whose points would be deleted, by id; none without a complete listing."""
    listing, policy = await surveyor.listing(settings, index), settings.policy(now)
    if policy.delete_mode == "keep" or not listing.snapshot.complete:
        return []
    rows = await ledger.rows(index.index_id, sorted(listing.missing))
    return [row for _, row in sorted(rows.items()) if decide_absent(row, policy, complete=True) is Decision.DELETE]
