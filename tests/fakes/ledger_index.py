"""What the ledger in memory keeps of one index."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from connector.domain.asset_state import AssetPage, AssetQuery
from connector.domain.history import KEPT_MINUTES, Minute, PastCycle
from connector.domain.ledger_model import Attempt, Checkpoint, IndexState


@dataclass(slots=True)
class FakeLedgerIndex:
    """The rows of one index; `deletes` are the times of the deletes that were carried out."""

    rows: dict[str, Checkpoint] = field(default_factory=dict)
    deletes: list[float] = field(default_factory=list)
    claims: dict[str, int] = field(default_factory=dict)
    state: IndexState | None = None
    report: dict[str, Any] = field(default_factory=dict)
    cycles: list[PastCycle] = field(default_factory=list)
    minutes: dict[int, Minute] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        return self.state is not None or bool(self.report)

    def change(self, name: str, **facts: Any) -> None:
        self.rows[name] = replace(self.rows.get(name, Checkpoint(name)), **facts)

    def change_known(self, name: str, **facts: Any) -> None:
        if name in self.rows:
            self.change(name, **facts)

    def count(self, name: str, fingerprint: str, now: float) -> Attempt:
        before = self.rows.get(name, Checkpoint(name)).attempt
        same = before if before and before.fingerprint == fingerprint else Attempt(fingerprint, 0, now)
        counted = Attempt(fingerprint, same.attempts + 1, min(same.since, now))
        self.change(name, attempt=counted, priority=None)
        return counted

    def open(self, name: str, collections: Collection[str]) -> None:
        held = self.rows.get(name, Checkpoint(name)).collections
        self.change(name, opened=True, collections=held | frozenset(collections))

    def page(self, query: AssetQuery, limit: int, after: str, before: str | None) -> AssetPage:
        found = [
            row
            for name, row in sorted(self.rows.items(), reverse=before is not None)
            if (name > after if before is None else name < before) and query.matches(row)
        ]
        kept = found[:limit]
        more = kept[-1].indexed_asset_id if len(found) > limit else None
        return AssetPage(tuple(kept if before is None else kept[::-1]), more)

    def add_minute(self, minute: Minute) -> None:
        before = self.minutes.get(minute.minute, Minute(minute.minute))
        self.minutes[minute.minute] = Minute(
            minute.minute,
            before.assets + minute.assets,
            before.points + minute.points,
            before.lags + minute.lags,
            before.lag_sum + minute.lag_sum,
            max(before.lag_max, minute.lag_max),
        )
        for old in [it for it in self.minutes if it <= minute.minute - KEPT_MINUTES]:
            del self.minutes[old]
