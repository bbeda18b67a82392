"""The state of each index in the ledger, as `status` shows it."""

from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from connector.domain import timestamps
from connector.domain.history import KEPT_CYCLES, MINUTE_SEC, PastCycle, assets_per_minute, last_lag, worst_lag
from connector.domain.ledger_model import Checkpoint
from connector.domain.report import CycleReport
from connector.ledger.rows import LedgerRow
from connector.ports import CheckpointStore

_HOUR = 60
SHOWN = 100
"""Most assets with a problem that are shown of each index."""


async def known_names(ledger: CheckpointStore) -> dict[str, str]:
    """Index id -> name, of the indexes whose last report has one."""
    reports = await ledger.reports()
    return {index_id: name for index_id, report in reports.items() if isinstance(name := report.get("index_name"), str)}


async def index_states(
    ledger: CheckpointStore,
    max_attempts: int,
    now: float,
    live: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> list[dict[str, Any]]:
    """One JSON object per index in the ledger. `live` is what a running daemon says of its indexes.

    Raises LedgerUnavailable for an invalid report.
    """
    reports = await ledger.reports()
    for index_id, report in reports.items():
        LedgerRow("indexes", (index_id,)).typed("report", {"index_id": index_id, **report}, CycleReport)
    return [
        {**await _of_index(ledger, index_id, report, max_attempts, now), **_next(live.get(index_id, {}))}
        for index_id, report in reports.items()
    ]


def _is_success(cycle: PastCycle) -> bool:
    return not (cycle.report.get("error") or cycle.report.get("interrupted"))


def _next(live: Mapping[str, Any]) -> dict[str, str | None]:
    return {key: live.get(key) for key in ("next_poll_at", "next_cycle_at")}


async def _of_index(
    ledger: CheckpointStore, index_id: str, report: Mapping[str, Any], max_attempts: int, now: float
) -> dict[str, Any]:
    state, counts = await ledger.state(index_id), asdict(await ledger.summary(index_id, max_attempts))
    rows = await ledger.problems(index_id, SHOWN)
    minutes = await ledger.minutes(index_id, int(now // MINUTE_SEC) - _HOUR)
    rate, waiting = assets_per_minute(minutes, now), sum(counts["backlog"].values())
    lag = last_lag(minutes)
    past = await ledger.cycles(index_id, KEPT_CYCLES)
    tried = [(row, row.attempt) for row in rows if row.attempt]
    told = [(row, attempt) for row, attempt in tried if attempt.attempts < max_attempts and attempt.reason]
    quarantined = [row for row, attempt in tried if attempt.attempts >= max_attempts]
    explained = {row.indexed_asset_id for row in (*(row for row, _ in told), *quarantined)}
    return {
        "index_id": index_id,
        "index_name": report.get("index_name") or (state and state.index_name),
        "model": report.get("model") or (state and state.model),
        "assets": counts["assets"],
        "applied": counts["applied"],
        "points": counts["points"],
        "backlog": {priority.name.lower(): count for priority, count in counts["backlog"].items()},
        "counts": {name: counts[name] for name in ("opened", "deferred", "failed", "quarantined")},
        "opened": sorted(row.indexed_asset_id for row in rows if row.indexed_asset_id not in explained),
        "deferred": [_problem(row) for row, attempt in told if not attempt.attempts],
        "failed": [_problem(row) for row, attempt in told if attempt.attempts],
        "quarantined": [_problem(row) for row in quarantined],
        "withheld": report.get("withheld", 0),
        "withheld_because": report.get("withheld_because"),
        "lag_sec": report.get("lag_sec") if lag is None else lag,
        "worst_lag_sec": worst_lag(minutes, now),
        "assets_per_minute": round(rate, 1),
        "remaining_sec": round(waiting / rate * MINUTE_SEC) if waiting and rate else None,
        "last_cycle_at": timestamps.text(past[0].ended_at) if past else None,
        "last_success_at": next((timestamps.text(it.ended_at) for it in past if _is_success(it)), None),
        "last_cycle": report or None,
    }


def _problem(row: Checkpoint) -> dict[str, Any]:
    attempt = row.attempt
    return {
        "indexed_asset_id": row.indexed_asset_id,
        "filename": row.listed.filename if row.listed else None,
        "attempts": attempt.attempts if attempt else 0,
        "code": (attempt and attempt.code) or "interrupted",
        "reason": (attempt and attempt.reason) or "the process ended while the asset was being worked on",
        "due": timestamps.text(attempt.due) if attempt else None,
    }


async def quarantined_assets(ledger: CheckpointStore, max_attempts: int) -> list[dict[str, Any]]:
    """All quarantined assets, each with its index id."""
    return [
        {"index_id": index_id, **_problem(row)}
        for index_id in await ledger.reports()
        for row in (await ledger.unfinished(index_id)).values()
        if row.attempt and row.attempt.attempts >= max_attempts
    ]
