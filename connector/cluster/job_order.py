"""Jobs and their outcomes as JSON: what the holder of an index asks for, and what a worker answers."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from connector.cluster.carried_errors import ErrorFacts, facts_of
from connector.domain.activity import Activity
from connector.domain.errors import ConnectorError
from connector.domain.ledger_model import Attempt, Checkpoint
from connector.domain.plan import Announced, Decision, Refresh, Upsert
from connector.domain.priority import Priority
from connector.domain.report import Outcome, Result
from connector.domain.source_model import IndexedAsset
from connector.engine.apply import Change

VERSION = 1


@dataclass(frozen=True, slots=True)
class JobOrder:
    """One change of one asset. `settings` is the digest of the settings that its plan depended on.

    The row of the asset is not part of it: the worker reads it when it begins.
    """

    index_id: str
    epoch: int
    kind: str
    indexed_asset_id: str
    fingerprint: str
    priority: Priority
    settings: str
    asset: IndexedAsset | None = None
    reason: Decision = Decision.NEW
    deep: bool = False
    canary: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    index_name: str | None = None
    cycle_id: str | None = None
    order_id: str = field(default_factory=lambda: secrets.token_hex(8))
    version: int = VERSION

    @property
    def change(self) -> Change:
        row = Checkpoint(self.indexed_asset_id)
        if self.kind == "refresh":
            return Refresh(row, self.fingerprint, self.deep, self.canary)
        if self.asset:
            return Upsert(self.asset, self.fingerprint, self.reason)
        return Announced(self.indexed_asset_id, fingerprint=self.fingerprint)

    @property
    def activity(self) -> Activity:
        return Activity(self.index_id, self.index_name, self.cycle_id or "", self.indexed_asset_id)

    def encoded(self) -> bytes:
        return msgspec.json.encode(self)


def order_of(
    index_id: str,
    epoch: int,
    change: Change,
    *,
    priority: Priority,
    settings: str,
    names: Mapping[str, str],
    activity: Activity | None,
) -> JobOrder:
    order = JobOrder(
        index_id,
        epoch,
        "announced",
        change.indexed_asset_id,
        change.fingerprint,
        priority,
        settings,
        names=dict(names),
        index_name=activity.index_name if activity else None,
        cycle_id=activity.cycle_id if activity else None,
    )
    if isinstance(change, Upsert):
        return replace(order, kind="upsert", asset=change.asset, reason=change.reason)
    if isinstance(change, Refresh):
        return replace(order, kind="refresh", deep=change.deep, canary=change.canary)
    return order


def decoded_order(payload: bytes) -> JobOrder | None:
    """None for an order of a newer release."""
    if msgspec.json.decode(payload, type=_Versioned).version > VERSION:
        return None
    return msgspec.json.decode(payload, type=JobOrder)


@dataclass(frozen=True, slots=True)
class _Versioned:
    version: int


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """`raised` if the error ends the pass; `is_fenced` if another worker may have done the change meanwhile."""

    order_id: str
    indexed_asset_id: str
    outcome: Outcome = Outcome.UNCHANGED
    points: int = 0
    error: ErrorFacts | None = None
    raised: bool = False
    is_fenced: bool = False
    lag_sec: float | None = None
    dropped_words: int = 0
    filename: str | None = None
    attempt: Attempt | None = None

    @classmethod
    def of(cls, order: JobOrder, result: Result) -> "JobOutcome":
        return cls(
            order.order_id,
            result.indexed_asset_id,
            result.outcome,
            result.points,
            facts_of(result.error) if result.error else None,
            lag_sec=result.lag_sec,
            dropped_words=result.dropped_words,
            filename=result.filename,
            attempt=result.attempt,
        )

    @classmethod
    def of_error(cls, order: JobOrder, error: ConnectorError, *, is_fenced: bool = False) -> "JobOutcome":
        return cls(order.order_id, order.indexed_asset_id, error=facts_of(error), raised=True, is_fenced=is_fenced)

    def result(self) -> Result:
        """Raises the error that ends the pass."""
        error = self.error.error() if self.error else None
        if error and self.raised:
            raise error
        return Result(
            self.indexed_asset_id,
            self.outcome,
            self.points,
            error,
            self.lag_sec,
            self.dropped_words,
            self.filename,
            self.attempt,
        )

    def encoded(self) -> str:
        return msgspec.json.encode(self).decode()


def decoded_outcome(text: str) -> JobOutcome:
    return msgspec.json.decode(text, type=JobOutcome)
