"""`connector sync`: one full cycle for each index."""

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext, suppress
from dataclasses import asdict, replace

from connector.app import App, open_app
from connector.cli.allowed_deletes import announce_deletes
from connector.cli.follow import daemon_runs, follow
from connector.cli.interrupts import interrupts
from connector.cli.output import Exit, counted, number, print_json, put, text
from connector.cli.progress import ProgressBars
from connector.domain.errors import ConfigError, ConnectorError, InternalError
from connector.domain.events import ChangeFinished, Event
from connector.domain.report import CycleKind, CycleReport, error_facts
from connector.engine.discovery import ALL_INDEXES
from connector.engine.reports import save_report
from connector.engine.survey import CycleOptions
from connector.engine.throughput import Throughput
from connector.ledger.command_queue import read_report
from connector.ledger.index_states import known_names
from connector.ledger.ledger_opening import open_store
from connector.ports import Observer
from connector.settings.connector_settings import Settings
from connector.twelvelabs.scanning_process import ScanningProcess

_HANG = 2
_COUNTS = (
    "listed",
    "upserted",
    "refreshed",
    "deleted",
    "unchanged",
    "waiting",
    "deferred",
    "vanished",
    "failed",
    "quarantined",
    "withheld",
    "kept",
    "pending",
)
_TROUBLES = ("deferred", "withheld", "failed", "quarantined")
_FAULTS = ("failed", "quarantined")

log = logging.getLogger(__name__)


async def sync(
    settings: Settings,
    only: Sequence[str],
    *,
    allow_deletes: bool,
    take_over: bool,
    as_json: bool,
    scanning: ScanningProcess | None,
) -> Exit:
    """Every configured index gets a report, even if nothing could be opened. `scanning` is that of `open_app`."""
    options = CycleOptions(allow_deletes=allow_deletes, take_over=take_over)
    with closing(scanning) if scanning else nullcontext():  # it is ours until the source has it
        reports, failure = await run_cycles(settings, only, options, shown=not as_json, scanning=scanning)
    if as_json:
        document = {"indexes": [asdict(report) for report in reports]}
        print_json(document | ({"error": error_facts(failure)} if failure else {}))
    else:
        print_reports(reports, failure)
    return exit_of(reports, failure)


async def run_cycles(
    settings: Settings,
    only: Sequence[str],
    options: CycleOptions,
    *,
    shown: bool,
    command: str = "sync",
    takeover_sec: float = 0.0,
    scanning: ScanningProcess | None = None,
) -> tuple[list[CycleReport], ConnectorError | None]:
    """One full cycle for each index, by the daemon if one runs, and the error of all. Raises ConfigError.

    `shown`: show progress. `command` owns the ledger meanwhile; `takeover_sec`: how long to wait for another owner.
    `scanning` is that of `open_app`.
    """
    reports: dict[str, CycleReport] = {}
    failure: ConnectorError | None = None
    try:
        with ProgressBars(shown=shown) as bars:
            if await daemon_runs(settings):
                await _through_daemon(settings, only, reports, bars, options)
            else:
                counts: dict[str, Throughput] = {}
                observe = _counting(bars, counts)
                async with open_app(
                    settings, command, observe=observe, takeover_sec=takeover_sec, scanning=scanning
                ) as app:
                    await _cycles(app, only, reports, bars, options, counts)
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001  logged, and stored in every report
        failure = _failure(error)
        for index_id in _named(settings, only):
            reports[index_id] = replace(reports.get(index_id, CycleReport(index_id)), error=error_facts(failure))
    return list(reports.values()), failure


def _failure(error: Exception) -> ConnectorError:
    if isinstance(error, ConnectorError):
        return error
    log.error("command.crashed", exc_info=error)
    return InternalError.of(error, "run", "sync")


async def _through_daemon(
    settings: Settings, only: Sequence[str], reports: dict[str, CycleReport], bars: ProgressBars, options: CycleOptions
) -> None:
    """Let the daemon that owns the ledger run the cycles."""
    if bars.shown:
        async with open_store(settings.ledger, read_only=True) as ledger:
            names = await known_names(ledger)
        bars.expect({index_id: names.get(index_id) for index_id in only or _named(settings, only) or names})
    arguments = {"indexes": list(only), "allow_deletes": options.allow_deletes, "take_over": options.take_over}
    if options.allow_deletes:
        async with open_app(settings, "plan", read_only=True) as app:
            allowed = await announce_deletes(app, await app.indexes(only))
        arguments["shown"] = {index_id: sorted(names) for index_id, names in allowed.items()}
    result = await follow(settings, "sync", arguments, bars.show)
    for facts in result["reports"]:
        report = reports[facts["index_id"]] = read_report(facts)
        bars.expect({report.index_id: report.index_name})
        bars.end(report)


async def _cycles(
    app: App,
    only: Sequence[str],
    reports: dict[str, CycleReport],
    bars: ProgressBars,
    options: CycleOptions,
    counts: dict[str, Throughput],
) -> None:
    indexes = await app.indexes(only)
    if bars.shown:
        bars.expect(await _names(app, [index.index_id for index in indexes]))
    allowed = await announce_deletes(app, indexes) if options.allow_deletes else {}
    for settings in indexes:
        reports[settings.index_id] = CycleReport(settings.index_id, interrupted=True)
    with interrupts(app.engine.workers):
        for settings in indexes:
            if app.engine.workers.stopping:
                return
            bars.begin(settings.index_id)
            counts[settings.index_id] = Throughput(app.ledger, settings.index_id, time.time)
            report = await app.engine.cycle(settings, replace(options, shown=allowed.get(settings.index_id)))
            bars.end(report)
            reports[settings.index_id] = report
            await save_report(app.ledger, report, CycleKind.SYNC, time.time())
            await counts[settings.index_id].save()


def _counting(bars: ProgressBars, counts: Mapping[str, Throughput]) -> Observer:
    def observe(event: Event, /) -> None:
        bars.observe(event)
        if isinstance(event, ChangeFinished):
            counts[event.index_id].count(event.result)

    return observe


async def _names(app: App, index_ids: Sequence[str]) -> dict[str, str | None]:
    """Index id -> name: as last known, or from the source; None if neither knows it."""
    names = await known_names(app.ledger)
    if not names.keys() >= set(index_ids):
        with suppress(ConnectorError):  # the cycle reports it
            names |= {index.index_id: index.name for index in await app.source.indexes()}
    return {index_id: names.get(index_id) for index_id in index_ids}


def _named(settings: Settings, only: Sequence[str]) -> Sequence[str]:
    configured = () if settings.connector_indexes == ALL_INDEXES else settings.connector_indexes
    return only or configured


def exit_of(reports: list[CycleReport], failure: ConnectorError | None) -> Exit:
    if any(report.interrupted for report in reports) and not failure:
        return Exit.INTERRUPTED
    if failure or any(report.error for report in reports):
        return Exit.UNAVAILABLE
    return Exit.DONE if all(report.clean for report in reports) else Exit.INCOMPLETE


def print_reports(reports: list[CycleReport], failure: ConnectorError | None) -> None:
    for report in reports:
        print_report(report)
    if failure and not reports:
        put(f"[error]{text(failure)}[/error]")
    if len(reports) > 1:
        _print_summary(reports)


def print_report(report: CycleReport) -> None:
    name = f"{report.index_name} ({report.index_id})" if report.index_name else report.index_id
    put(f"[bold]{text(name)}[/bold]" + (f", {report.model}" if report.model else ""), hang=_HANG)
    if report.error:
        put(f"  [error]not completed:[/error] {text(report.error['message'])}", hang=_HANG)
    if report.interrupted:
        put("  [warning]interrupted;[/warning] the next cycle continues from here", hang=_HANG)
    counts = {name: getattr(report, name) for name in _COUNTS}
    shown = [f"{number(count)} {what}" for what, count in counts.items() if count or what == "listed"]
    put(f"  {', '.join(shown)}", hang=_HANG)
    put(
        f"  {counted(report.points_written, 'point')} written, {counted(report.requests, 'request')},"
        f" {report.duration_sec:.1f} s"
        + ("" if report.complete or report.error or report.interrupted else "; the listing was incomplete"),
        hang=_HANG,
    )
    if report.withheld_because:
        withheld = counted(report.withheld, "delete")
        put(f"  [warning]{withheld} withheld:[/warning] {text(report.withheld_because)}", hang=_HANG)
        put("  list them with `connector plan`; allow them once with `connector sync --allow-deletes`", hang=_HANG)
    for warning in report.warnings:
        put(f"  [warning]warning:[/warning] {text(warning)}", hang=_HANG)
    for problem in report.problems:
        put(f"  {_in_colour(problem.state)} {text(problem.indexed_asset_id)}: {text(problem.reason)}", hang=_HANG)


def _in_colour(state: str) -> str:
    meaning = "error" if state in _FAULTS else "warning"
    return f"[{meaning}]{state}[/{meaning}]"


def _print_summary(reports: Sequence[CycleReport]) -> None:
    """One line for all indexes. The counts of what went wrong come last, in colour."""
    done = [
        f"{number(total)} {name}"
        for name in ("upserted", "refreshed", "deleted", "unchanged")
        if (total := sum(getattr(report, name) for report in reports))
    ]
    troubles = {name: sum(getattr(report, name) for report in reports) for name in _TROUBLES}
    troubled = [f"{number(total)} {_in_colour(name)}" for name, total in troubles.items() if total]
    if unfinished := sum(1 for report in reports if report.error):
        troubled.append(f"[error]{counted(unfinished, 'index', 'indexes')} not completed[/error]")
    clean = "" if troubled or any(report.interrupted for report in reports) else "; [ok]everything is in sync[/ok]"
    put(f"{number(len(reports))} indexes: {', '.join([*done, *troubled]) or 'nothing to do'}{clean}.", hang=_HANG)
