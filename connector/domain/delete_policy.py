"""Decide whether the deletes of a cycle are allowed or withheld. Pure.

Each cycle carries out all of its deletes or withholds all of them. The deletes of the last 24 hours plus those of this
cycle must not exceed the limit; deletes that an operator allowed do not count. While deletes are withheld, the ratio
applies to the smallest ledger size since then, so that new assets never raise the limit. A withheld batch passes when
enough of its assets are listed again, or when earlier deletes are older than 24 hours. A batch that exceeds the limit
by itself never passes with time, not even in part.

`engine.delete_proof` also withholds deletes that the source does not confirm.
"""

from connector.domain.ledger_model import IndexState
from connector.domain.policy import Policy
from connector.domain.source_model import Snapshot

INCOMPLETE = "the listing is incomplete, so it does not prove that an asset is absent"


def delete_veto(deletes: int, snapshot: Snapshot, size: int, policy: Policy, *, allowed: bool) -> str | None:
    """Why these deletes are withheld; None if they are not. `max_delete_ratio` applies to `size` assets.

    `allowed` by an operator, they may exceed the limit.
    """
    if not deletes:
        return None
    if not snapshot.complete:
        return INCOMPLETE
    if allowed:
        return None
    if not snapshot.assets:
        return "the listing is empty, but the ledger is not"
    wanted = policy.recent_deletes + deletes
    limit = max(policy.max_deletes, int(policy.max_delete_ratio * size))
    return f"{wanted} deletes within 24 hours exceed the limit of {limit}" if wanted > limit else None


def size_for_limit(state: IndexState, size: int) -> int:
    """While deletes are withheld, ledger growth must not raise their limit."""
    if state.withheld_because is None:
        return size
    return min(size, state.withheld_from or 0)
