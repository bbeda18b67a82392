"""`connector sync`: one full cycle for each index."""

import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, replace

from connector.app import App, open_app
from connector.cli.follow import daemon_runs, follow
from connector.cli.interrupts import interrupts
from connector.cli.output import Exit, number, out, print_json, text
from connector.cli.progress import ProgressBar
from connector.domain.errors import ConfigError, ConnectorError, InternalError
from connector.domain.report import CycleReport, error_facts
from connector.engine.discovery import ALL_INDEXES
from connector.engine.survey import CycleOptions
from connector.ledger.command_queue import read_report
from connector.settings.connector_settings import Settings

log = logging.getLogger(__name__)


async def sync(settings: Settings, only: Sequence[str], *, allow_deletes: bool, take_over: bool, as_json: bool) -> Exit:
    """Every configured index gets a report, even if nothing could be opened."""
    reports: dict[str, CycleReport] = {}
    failure: ConnectorError | None = None
    options = CycleOptions(allow_deletes=allow_deletes, take_over=take_over)
    try:
        with ProgressBar(shown=not as_json) as bar:
            if daemon_runs(settings):
                await _through_daemon(settings, only, reports, bar, options)
            else:
                async with open_app(settings, "sync", observe=bar.observe) as app:
                    await _cycles(app, only, reports, options)
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001  logged, and stored in every report
        failure = _failure(error)
        for index_id in _named(settings, only):
            reports[index_id] = replace(reports.get(index_id, CycleReport(index_id)), error=error_facts(failure))
    if as_json:
        document = {"indexes": [asdict(report) for report in reports.values()]}
        print_json(document | ({"error": error_facts(failure)} if failure else {}))
    else:
        _print(list(reports.values()), failure)
    return _exit(list(reports.values()), failure)


def _failure(error: Exception) -> ConnectorError:
    if isinstance(error, ConnectorError):
        return error
    log.error("command.crashed", exc_info=error)
    return InternalError.of(error, "run", "sync")


async def _through_daemon(
    settings: Settings, only: Sequence[str], reports: dict[str, CycleReport], bar: ProgressBar, options: CycleOptions
) -> None:
    """Let the daemon that owns the ledger run the cycles."""
    arguments = {"indexes": list(only), "allow_deletes": options.allow_deletes, "take_over": options.take_over}
    result = await follow(settings, "sync", arguments, bar.show)
    for facts in result["reports"]:
        reports[facts["index_id"]] = read_report(facts)


async def _cycles(app: App, only: Sequence[str], reports: dict[str, CycleReport], options: CycleOptions) -> None:
    indexes = await app.indexes(only)
    for settings in indexes:
        reports[settings.index_id] = CycleReport(settings.index_id, interrupted=True)
    with interrupts(app.engine.workers):
        for settings in indexes:
            if app.engine.workers.stopping:
                return
            report = await app.engine.cycle(settings, options)
            reports[settings.index_id] = report
            await app.ledger.save_report(settings.index_id, asdict(report), ended_at=time.time())


def _named(settings: Settings, only: Sequence[str]) -> Sequence[str]:
    configured = () if settings.connector_indexes == ALL_INDEXES else settings.connector_indexes
    return only or configured


def _exit(reports: list[CycleReport], failure: ConnectorError | None) -> Exit:
    if any(report.interrupted for report in reports) and not failure:
        return Exit.INTERRUPTED
    if failure or any(report.error for report in reports):
        return Exit.UNAVAILABLE
    return Exit.DONE if all(report.clean for report in reports) else Exit.INCOMPLETE


def _print(reports: list[CycleReport], failure: ConnectorError | None) -> None:
    for report in reports:
        print_report(report)
    if failure and not reports:
        out.print(f"[red]{text(failure)}[/red]")


def print_report(report: CycleReport) -> None:
    name = f"{report.index_name} ({report.index_id})" if report.index_name else report.index_id
    out.print(f"[bold]{text(name)}[/bold]" + (f", {report.model}" if report.model else ""))
    if report.error:
        out.print(f"  [red]not completed:[/red] {text(report.error['message'])}")
    if report.interrupted:
        out.print("  [yellow]interrupted; the next cycle continues from here[/yellow]")
    counts = {
        "listed": report.listed,
        "upserted": report.upserted,
        "refreshed": report.refreshed,
        "deleted": report.deleted,
        "unchanged": report.unchanged,
        "waiting": report.waiting,
        "deferred": report.deferred,
        "vanished": report.vanished,
        "failed": report.failed,
        "quarantined": report.quarantined,
        "withheld": report.withheld,
        "kept": report.kept,
    }
    shown = [f"{number(count)} {what}" for what, count in counts.items() if count or what == "listed"]
    out.print(f"  {', '.join(shown)}")
    out.print(
        f"  {number(report.points_written)} points written, {number(report.requests)} requests,"
        f" {report.duration_sec:.1f} s"
        + ("" if report.complete or report.error or report.interrupted else "; the listing was incomplete")
    )
    if report.withheld_because:
        out.print(f"  [yellow]{report.withheld} deletes withheld:[/yellow] {text(report.withheld_because)}")
        out.print("  list them with `connector plan`; allow them once with `connector sync --allow-deletes`")
    for warning in report.warnings:
        out.print(f"  [yellow]warning:[/yellow] {text(warning)}")
    for problem in report.problems:
        out.print(f"  [yellow]{problem.state}[/yellow] {text(problem.indexed_asset_id)}: {text(problem.reason)}")
