"""`connector reindex status`: how far a reindex is, and what blocks it. Does not ask TwelveLabs."""

from typing import Any

from connector.app import make_sink
from connector.cli.output import Exit, counted, number, print_json, put, text
from connector.domain import timestamps
from connector.domain.errors import ConfigError, ConnectorError
from connector.domain.reindex_job import JobState, ReindexJob, misplaced, must_move, to_set
from connector.domain.report import error_facts
from connector.ledger.ledger_opening import open_store, owner_of
from connector.reindex.moves import current_job
from connector.settings.connector_settings import Settings
from connector.settings.target_settings import with_changes

_HANG = 2
_TROUBLES = ("failed", "deferred", "withheld", "quarantined")
_NEXT = {
    JobState.FILLING: "connector reindex start",
    JobState.READY: "connector reindex switch",
    JobState.SWITCHING: "connector reindex switch",
    JobState.ROLLING_BACK: "connector reindex rollback",
    JobState.ROLLED_BACK: "connector reindex start",
}


async def reindex_status(settings: Settings, alias: str, *, as_json: bool) -> Exit:
    job = current_job(settings, alias)
    target = with_changes(settings, job.changes)
    document: dict[str, Any] = {
        "alias": job.alias,
        "state": job.state.value,
        "alias_at": None,
        "from_collection": job.from_collection,
        "to_collection": job.to_collection,
        "changes": dict(job.changes),
        "before": dict(job.before),
        "created_at": timestamps.text(job.created_at),
        "changed_at": timestamps.text(job.changed_at),
        "running": await owner_of(target.ledger),
        "indexes": await _indexes(target),
        "blocks": [],
        "error": None,
    }
    sink = make_sink(settings)
    try:
        document["alias_at"] = await sink.aliases.target(alias)
        job = job.now(job.settled(document["alias_at"]), job.changed_at)
        document["state"] = job.state.value
        document["blocks"] = _blocks(settings, job, document)
    except ConnectorError as error:
        document["error"] = error_facts(error)
    finally:
        await sink.close()
    if as_json:
        print_json(document)
    else:
        _print(document, job)
    return Exit.UNAVAILABLE if document["error"] else Exit.DONE


async def _indexes(target: Settings) -> list[dict[str, Any]]:
    found = []
    async with open_store(target.ledger, read_only=True) as ledger:
        for index_id, report in (await ledger.reports()).items():
            summary = await ledger.summary(index_id, target.connector_max_attempts)
            found.append(
                {
                    "index_id": index_id,
                    "index_name": report.get("index_name"),
                    "listed": max(report.get("listed", 0), summary.assets),
                    "applied": summary.applied,
                    "points": summary.points,
                    **{name: report.get(name, 0) for name in _TROUBLES},
                    "interrupted": report.get("interrupted", False),
                    "error": report.get("error"),
                }
            )
    return found


def _blocks(settings: Settings, job: ReindexJob, found: dict[str, Any]) -> list[str]:
    blocks = []
    for it in found["indexes"]:
        name = it["index_name"] or it["index_id"]
        if it["error"]:
            blocks.append(f"{name}: {it['error']['message']}")
        troubles = [f"{it[what]} {what}" for what in _TROUBLES if it[what]]
        blocks += [f"{name}: {', '.join(troubles)}"] if troubles else []
    try:
        must_move(job, found["alias_at"])
    except ConfigError as error:
        return [*blocks, str(error)]
    if why := misplaced(job, found["alias_at"], settings.connector_collection):
        blocks.append(why)
    return blocks


def _print(found: dict[str, Any], job: ReindexJob) -> None:
    put(f"[bold]{text(job.alias)}[/bold]: {job.state.value.replace('_', ' ')} since {found['changed_at']}")
    put(f"  points to {text(found['alias_at'] or 'nothing that is known')}")
    put(f"  from {text(job.from_collection)} to {text(job.to_collection)}")
    for line in to_set(job.changes):
        put(f"  {text(line)}")
    for it in found["indexes"]:
        name = f"{it['index_name']} ({it['index_id']})" if it["index_name"] else it["index_id"]
        done = f"{number(it['applied'])} of {counted(it['listed'], 'asset')} applied"
        put(f"  {text(name)}: {done}, {counted(it['points'], 'point')}", hang=_HANG)
    if found["running"]:
        put(f"  `connector {text(found['running'])}` works on it")
    for block in found["blocks"]:
        put(f"  [warning]blocks:[/warning] {text(block)}", hang=_HANG)
    if found["error"]:
        put(f"  [error]Qdrant:[/error] {text(found['error']['message'])}", hang=_HANG)
    if job.state in _NEXT:
        put(f"  next: `{_NEXT[job.state]} {text(job.alias)}`")
