"""An index state with a value in every field, for the contract tests of the ledger."""

from connector.domain.ledger_model import IndexState

STATE = IndexState(
    first_cycle_at=100.5,
    canary_at=200.25,
    deep_due_since=7.0,
    watermark=150.125,
    pending=frozenset({"b", "a"}),
    withheld_because="ä",
    expires_at="2026-05-01T00:00:00Z",
    expiry_announced=7,
)
