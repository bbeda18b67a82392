"""The state of each index as `status` and /api/status show it."""

from dataclasses import asdict
from pathlib import Path

from connector.domain.report import CycleReport
from connector.ledger.checkpoint_store import SqliteCheckpointStore
from connector.ledger.index_states import index_states


async def test_only_a_cycle_that_was_completed_is_a_success(tmp_path: Path) -> None:
    """A monitor that asks for the last success must not take an interrupted backfill for one."""
    error = {"code": "source_unavailable", "message": "down"}
    reports = [CycleReport("i"), CycleReport("i", interrupted=True), CycleReport("i", error=error)]
    async with SqliteCheckpointStore(tmp_path / "ledger.sqlite3") as ledger:
        for minute, report in enumerate(reports):
            await ledger.save_report("i", asdict(report), kind="full cycle", ended_at=60.0 * minute)
        (shown,) = await index_states(ledger, 5, 300.0)

    assert (shown["last_success_at"], shown["last_cycle_at"]) == (
        "1970-01-01T00:00:00.000Z",
        "1970-01-01T00:02:00.000Z",
    )
