"""`connector reindex start`: fills the second collection until a clean cycle, or keeps it current until the switch."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from connector.cli.commands.sync import exit_of, print_reports, run_cycles
from connector.cli.opened_move import opened_move
from connector.cli.output import Exit, print_json, put, text
from connector.cli.polls import run_polls
from connector.cli.shared_storage import refuse_shared_storage, share_quota
from connector.domain.errors import ConnectorError
from connector.domain.reindex_job import JobState, ReindexJob, current
from connector.domain.report import CycleReport, error_facts
from connector.engine.survey import CycleOptions
from connector.reindex.acceptance import unfilled
from connector.reindex.alias_move import settle
from connector.reindex.moves import Move, current_job
from connector.settings.connector_settings import Settings
from connector.settings.reindex_jobs import read_jobs, save_job

_OWNER = "reindex start"
_TAKEOVER_SEC = 300.0
"""How long it waits for another command, such as `reindex switch`, that works on the new collection."""
_LOOK_SEC = 1.0
"""How often `--follow` looks whether the alias was moved."""


@dataclass(slots=True)
class _Filled:
    """The last cycle, and how it ended."""

    reports: list[CycleReport]
    failure: ConnectorError | None
    left: list[str]

    @property
    def code(self) -> Exit:
        return Exit.DONE if not (self.left or self.failure) else exit_of(self.reports, self.failure)

    @property
    def got_on(self) -> bool:
        return any(it.points_written or it.upserted or it.refreshed for it in self.reports)


async def start(
    settings: Settings, alias: str, given: Sequence[str], *, create_alias: bool, follow: bool, as_json: bool
) -> Exit:
    await refuse_shared_storage(settings, alias)
    async with opened_move(settings, alias, given, create_alias=create_alias) as (move, _, sink):
        job = move.job or _new_job(settings, move)
        if move.job is None:
            save_job(settings.connector_data_dir, job)
        if move.alias_at is None:
            await sink.aliases.create(alias, job.from_collection)
    job = settle(settings.connector_data_dir, job, move.alias_at or job.from_collection)  # a move may have broken off
    if move.is_moved:
        return _end(settings, alias, _Filled([], None, []), as_json=as_json)
    target = await share_quota(settings, move.target, move.changes)
    if not as_json:
        put(f"Filling {text(job.to_collection)} beside {text(job.from_collection)}.")
    filled = await _fill(settings, target, alias, as_json=as_json)
    if follow and filled.code != Exit.INTERRUPTED:
        filled = await _keep_current(settings, target, alias, filled, as_json=as_json)
    return _end(settings, alias, filled, as_json=as_json)


def _new_job(settings: Settings, move: Move) -> ReindexJob:
    last, now = current(move.alias, read_jobs(settings.connector_data_dir)), time.time()
    return ReindexJob(
        move.alias,
        last.number + 1 if last else 1,
        move.source.name,
        move.to_collection,
        dict(move.changes),
        dict(move.before),
        JobState.FILLING,
        now,
        now,
        move.source.model,
    )


async def _fill(settings: Settings, target: Settings, alias: str, *, as_json: bool) -> _Filled:
    """Until all is there, or a cycle brings nothing more."""
    while True:
        filled = await _cycle(settings, target, alias, as_json=as_json)
        if filled.code != Exit.INCOMPLETE or not filled.got_on:
            return filled


async def _cycle(
    settings: Settings, target: Settings, alias: str, *, as_json: bool, quiet: bool = False, takeover_sec: float = 0.0
) -> _Filled:
    reports, failure = await run_cycles(
        target, (), CycleOptions(), shown=not as_json, command=_OWNER, takeover_sec=takeover_sec
    )
    filled = _Filled(reports, failure, unfilled(reports))
    if not as_json and not (quiet and not filled.got_on and filled.code == Exit.DONE):
        print_reports(reports, failure)
    if filled.code == Exit.DONE:
        job = current_job(settings, alias)
        if job.state in (JobState.FILLING, JobState.ROLLED_BACK):
            save_job(settings.connector_data_dir, job.now(JobState.READY, time.time()))
    return filled


async def _keep_current(settings: Settings, target: Settings, alias: str, filled: _Filled, *, as_json: bool) -> _Filled:
    """Poll, and run full cycles, at the intervals of the daemon; an outage is waited for."""
    full_at = time.monotonic()
    while await _is_wanted(settings, target, alias):
        if time.monotonic() - full_at >= target.connector_reconcile_interval or filled.code != Exit.DONE:
            filled = await _cycle(settings, target, alias, as_json=as_json, quiet=True, takeover_sec=_TAKEOVER_SEC)
            full_at = time.monotonic()
        else:
            filled = await _poll(target, filled)
        if filled.code == Exit.INTERRUPTED:
            break
    return filled


async def _poll(target: Settings, filled: _Filled) -> _Filled:
    """After an error, the next round is a full cycle."""
    try:
        reports, interrupted = await run_polls(target, command=_OWNER, takeover_sec=_TAKEOVER_SEC)
    except ConnectorError as error:
        return replace(filled, failure=error)
    if interrupted:
        return _Filled([CycleReport("", interrupted=True)], None, ["it was interrupted"])
    return replace(filled, left=[it for report in reports for it in unfilled([replace(report, complete=True)])])


async def _is_wanted(settings: Settings, target: Settings, alias: str) -> bool:
    """Wait for the poll interval; False as soon as the alias has moved."""
    until = time.monotonic() + target.connector_poll_interval
    while current_job(settings, alias).state is not JobState.SWITCHED:
        left = until - time.monotonic()
        if left <= 0:
            return True
        await asyncio.sleep(min(left, _LOOK_SEC))
    return False


def _end(settings: Settings, alias: str, filled: _Filled, *, as_json: bool) -> Exit:
    job = current_job(settings, alias)
    if as_json:
        print_json(_document(job, filled))
    elif job.state is JobState.SWITCHED:
        put(f"{text(alias)} points to {text(job.to_collection)}: there is nothing left to fill.")
    elif filled.code == Exit.DONE:
        put(f"[ok]{text(job.to_collection)} is filled.[/ok] Next: `connector reindex switch {text(alias)}`")
    elif filled.code != Exit.INTERRUPTED:
        for what in filled.left:
            put(f"  [warning]left:[/warning] {text(what)}", hang=2)
        put(f"Go on with `connector reindex start {text(alias)}`.")
    return filled.code


def _document(job: ReindexJob, filled: _Filled) -> dict[str, Any]:
    """As JSON values; the keys are public."""
    found = {
        "alias": job.alias,
        "state": job.state.value,
        "from_collection": job.from_collection,
        "to_collection": job.to_collection,
        "changes": dict(job.changes),
        "indexes": [asdict(report) for report in filled.reports],
        "left": filled.left,
    }
    return found | ({"error": error_facts(filled.failure)} if filled.failure else {})
