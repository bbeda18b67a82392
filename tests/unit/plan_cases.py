"""Helpers for the tests of the plan."""

from dataclasses import replace
from typing import Any

from connector.domain.fingerprint import fingerprint
from connector.domain.ledger_model import IndexState
from connector.domain.plan import Plan, make_plan
from connector.domain.policy import Policy
from connector.domain.refresh import RefreshPolicy
from connector.domain.source_model import Snapshot
from tests.builders import POINT_CONFIG, applied, asset, attempt

DAY = 86_400.0
NOW = 1000 * DAY
POLICY = Policy(
    now=NOW,
    delete_mode="sync",
    max_deletes=10,
    max_delete_ratio=0.2,
    max_attempts=3,
    refresh=RefreshPolicy(interval=DAY, deep_interval=30 * DAY),
)
STATE = IndexState(first_cycle_at=0.0, canary_at=NOW)
ASSET = asset("a")
PRINT = fingerprint(ASSET, POINT_CONFIG)
FRESH = applied(PRINT, at=NOW)


def plan(snap: Snapshot, *rows: Any, state: IndexState = STATE, **policy: Any) -> Plan:
    return make_plan(snap, {it.indexed_asset_id: it for it in rows}, state, POINT_CONFIG, replace(POLICY, **policy))


def tried(attempts: int, fingerprint: str = PRINT, due: float = 0.0) -> Any:
    return attempt(fingerprint, attempts, reason="broken", code="malformed_asset", due=due)
