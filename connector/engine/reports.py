"""Keeps the report of a cycle in the ledger."""

from dataclasses import asdict

from connector.domain.errors import IndexGone
from connector.domain.report import CycleKind, CycleReport
from connector.ports import CheckpointStore


async def save_report(ledger: CheckpointStore, report: CycleReport, kind: CycleKind, now: float) -> None:
    """Save the report, unless the index never existed: a mistyped id must not stay in the ledger."""
    gone = report.error is not None and report.error["code"] == IndexGone.code
    if gone and await ledger.state(report.index_id) is None:
        return
    await ledger.save_report(report.index_id, asdict(report), kind=kind, ended_at=now)
