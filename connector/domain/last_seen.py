"""The index as a full cycle last saw it: what polls and refreshes use, and what a rename changes."""

from dataclasses import replace

from connector.domain.ledger_model import IndexState
from connector.domain.source_model import Index


def noted(state: IndexState, index: Index, now: float) -> IndexState:
    """Every payload contains the index name, so a rename makes all assets due for a shallow refresh.

    A new time of expiry is announced again.
    """
    renamed = state.index_name is not None and state.index_name != index.name
    return replace(
        state,
        index_name=index.name,
        model=index.model,
        model_options=index.model_options,
        expires_at=index.expires_at,
        expiry_announced=state.expiry_announced if state.expires_at == index.expires_at else None,
        shallow_due_since=now if renamed else state.shallow_due_since,
    )


def listed(state: IndexState, at: float, digest: str) -> IndexState:
    """A complete listing began `at`, and all of its work is in the ledger. `digest` is that of the settings."""
    return replace(state, listed_at=at, listed_with=digest)


def last_seen(index_id: str, state: IndexState) -> Index:
    return Index(index_id, state.index_name or "", state.model, state.model_options, state.expires_at)
