"""`connector status`: what the ledger says, without asking the source or the sink."""

from collections.abc import Mapping
from typing import Any

from connector.checkpoints import SqliteCheckpointStore
from connector.commands.output import Exit, number, out, print_json, text
from connector.model import Checkpoint
from connector.ports import CheckpointStore
from connector.settings import Settings


async def status(settings: Settings, *, as_json: bool) -> Exit:
    async with SqliteCheckpointStore(settings.ledger_path, read_only=True) as ledger:
        indexes = await index_states(ledger, settings.connector_max_attempts)
    if as_json:
        print_json({"ledger": str(settings.ledger_path), "indexes": indexes})
    elif not indexes:
        out.print("Nothing has been synced yet: run `connector sync`.")
    else:
        for index in indexes:
            _print(index)
    return Exit.DONE


async def index_states(ledger: CheckpointStore, max_attempts: int) -> list[dict[str, Any]]:
    """One document for each index that the ledger knows."""
    return [
        _of_index(index_id, await ledger.load(index_id), report, max_attempts)
        for index_id, report in (await ledger.reports()).items()
    ]


def _of_index(
    index_id: str, rows: Mapping[str, Checkpoint], report: Mapping[str, Any], max_attempts: int
) -> dict[str, Any]:
    tried = [row for row in rows.values() if row.attempt]
    exhausted = {row.indexed_asset_id for row in tried if row.attempt and row.attempt.attempts >= max_attempts}
    return {
        "index_id": index_id,
        "index_name": report.get("index_name"),
        "model": report.get("model"),
        "assets": len(rows),
        "applied": sum(1 for row in rows.values() if row.applied and not row.opened),
        "points": sum(row.applied.points for row in rows.values() if row.applied),
        "interrupted": sorted(row.indexed_asset_id for row in rows.values() if row.opened),
        "failed": [_problem(row) for row in tried if row.indexed_asset_id not in exhausted],
        "quarantined": [_problem(row) for row in tried if row.indexed_asset_id in exhausted],
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


def _print(index: Mapping[str, Any]) -> None:
    out.print(f"[bold]{text(index['index_name'] or '')} ({index['index_id']})[/bold]")
    out.print(
        f"  {number(index['applied'])} of {number(index['assets'])} assets applied, {number(index['points'])} points"
    )
    if index["last_cycle"]:
        lag = "" if index["lag_sec"] is None else f", lag {index['lag_sec']:.1f} s"
        out.print(f"  last cycle: {index['last_cycle']['duration_sec']:.1f} s{lag}")
        if index["last_cycle"]["error"]:
            out.print(f"  [red]it failed:[/red] {text(index['last_cycle']['error']['message'])}")
    if index["withheld"]:
        out.print(f"  [yellow]{index['withheld']} deletes withheld:[/yellow] {text(index['withheld_because'])}")
    for name in index["interrupted"]:
        out.print(f"  [yellow]interrupted[/yellow] {name}")
    for word in ("failed", "quarantined"):
        for problem in index[word]:
            tries = f"({problem['attempts']} attempts)"
            out.print(f"  [yellow]{word}[/yellow] {problem['indexed_asset_id']} {tries}: {text(problem['reason'])}")
