"""The state of each index in the ledger, as `status` shows it."""

from collections.abc import Mapping
from typing import Any

from connector.domain.ledger_model import Checkpoint
from connector.domain.report import CycleReport
from connector.ledger.rows import LedgerRow
from connector.ports import CheckpointStore


async def index_states(ledger: CheckpointStore, max_attempts: int) -> list[dict[str, Any]]:
    """One JSON object per index in the ledger. Raises LedgerUnavailable for an invalid report."""
    reports = await ledger.reports()
    for index_id, report in reports.items():
        LedgerRow("indexes", (index_id,)).typed("report", {"index_id": index_id, **report}, CycleReport)
    return [
        _of_index(index_id, await ledger.load(index_id), report, max_attempts) for index_id, report in reports.items()
    ]


def _of_index(
    index_id: str, rows: Mapping[str, Checkpoint], report: Mapping[str, Any], max_attempts: int
) -> dict[str, Any]:
    tried = [(row, row.attempt) for row in rows.values() if row.attempt]
    exhausted = {row.indexed_asset_id for row, attempt in tried if attempt.attempts >= max_attempts}
    told = [(row, attempt) for row, attempt in tried if row.indexed_asset_id not in exhausted and attempt.reason]
    opened = {row.indexed_asset_id for row, attempt in tried if not attempt.reason} - exhausted
    return {
        "index_id": index_id,
        "index_name": report.get("index_name"),
        "model": report.get("model"),
        "assets": len(rows),
        "applied": sum(1 for row in rows.values() if row.applied and not row.opened),
        "points": sum(row.applied.points for row in rows.values() if row.applied),
        "opened": sorted(opened.union(row.indexed_asset_id for row in rows.values() if row.opened)),
        "deferred": [_problem(row) for row, attempt in told if not attempt.attempts],
        "failed": [_problem(row) for row, attempt in told if attempt.attempts],
        "quarantined": [_problem(row) for row, _ in tried if row.indexed_asset_id in exhausted],
        "withheld": report.get("withheld", 0),
        "withheld_because": report.get("withheld_because"),
        "lag_sec": report.get("lag_sec"),
        "last_cycle": report or None,
    }


def _problem(row: Checkpoint) -> dict[str, Any]:
    attempt = row.attempt
    return {
        "indexed_asset_id": row.indexed_asset_id,
        "attempts": attempt.attempts if attempt else 0,
        "code": (attempt and attempt.code) or "interrupted",
        "reason": (attempt and attempt.reason) or "the process ended while the asset was being worked on",
        "due": attempt.due if attempt else 0.0,
    }
