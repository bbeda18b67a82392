"""`connector reindex switch`: catch up, verify and compare; then move the alias."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from typing import Any

from connector.app import make_sink
from connector.cli.commands.sync import run_cycles
from connector.cli.commands.verify import run_verify
from connector.cli.moved_alias import moved_document, print_moved, print_settings
from connector.cli.output import Exit, counted, print_json, put, text
from connector.cli.shared_storage import refuse_shared_storage, share_quota
from connector.domain.errors import ConfigError, ConnectorError, SinkMismatch
from connector.domain.reindex_job import ReindexJob, must_move
from connector.domain.report import error_facts
from connector.domain.sink_model import CollectionInfo
from connector.engine.survey import CycleOptions
from connector.qdrant.sink import QdrantSink
from connector.reindex.acceptance import differences, drifted, unfilled
from connector.reindex.alias_move import move_alias, settle
from connector.reindex.collection_comparison import NEIGHBOURS, SearchComparison, compare_collections
from connector.reindex.moves import current_job
from connector.settings.connector_settings import Settings
from connector.settings.target_settings import with_changes

_ROUNDS = 3
"""What changes at TwelveLabs between a cycle and the comparison is caught up with another cycle, so many times."""
_TAKEOVER_SEC = 300.0
_HANG = 2


@dataclass(slots=True)
class _Switch:
    """What was found, and what was done. `moved_in_sec` is how long the request took; None without one."""

    job: ReindexJob
    problems: list[str] = field(default_factory=list)
    failure: ConnectorError | None = None
    interrupted: bool = False
    comparison: SearchComparison | None = None
    moved_in_sec: float | None = None
    already: bool = False

    @property
    def code(self) -> Exit:
        if self.interrupted:
            return Exit.INTERRUPTED
        return Exit.UNAVAILABLE if self.failure else Exit.INCOMPLETE if self.problems else Exit.DONE


async def switch(settings: Settings, alias: str, *, min_recall: float | None, as_json: bool) -> Exit:
    await refuse_shared_storage(settings, alias)
    it = _Switch(current_job(settings, alias))
    async with AsyncExitStack() as stack:
        sink = make_sink(settings)
        stack.push_async_callback(sink.close)
        it.already = not must_move(it.job, await sink.aliases.target(alias))
        await sink.close()  # embedded storage allows one user at a time; it connects again when it is used
        if not it.already:
            await _check(settings, it, sink, min_recall, as_json=as_json)
        if not it.already and it.code == Exit.DONE:
            moved = await move_alias(settings.connector_data_dir, it.job, sink, back=False)
            it.job, it.moved_in_sec = moved.job, moved.took_sec
        elif it.already:
            it.job = settle(settings.connector_data_dir, it.job, it.job.to_collection)
    _show(it, as_json=as_json)
    return it.code


async def _check(settings: Settings, it: _Switch, sink: QdrantSink, min_recall: float | None, *, as_json: bool) -> None:
    """Catch up, verify, compare. Sets the problems."""
    target = await share_quota(settings, with_changes(settings, it.job.changes), it.job.changes)
    for _ in range(_ROUNDS):
        if not as_json:
            put("Catching up, then comparing both collections.")
        reports, it.failure = await run_cycles(
            target, (), CycleOptions(), shown=not as_json, command="reindex switch", takeover_sec=_TAKEOVER_SEC
        )
        it.interrupted = any(report.interrupted for report in reports) and not it.failure
        it.problems = unfilled(reports)
        if it.problems or it.failure:
            if any(report.error for report in reports) and not it.failure:
                it.failure = _unavailable(it.job, it.problems)
            return
        it.problems = drifted(await run_verify(target, (), deep=False, repair=False, shown=not as_json))
        if not it.problems:
            it.comparison = await _compared(target, it.job, sink)
            await sink.close()
            it.problems = differences(it.comparison, min_recall)
            if not it.comparison.gaps:
                return


def _unavailable(job: ReindexJob, problems: list[str]) -> ConnectorError:
    return SinkMismatch("catch up", job.to_collection, "; ".join(problems), "Run it again when that is solved")


async def _compared(target: Settings, job: ReindexJob, sink: QdrantSink) -> SearchComparison:
    before, after = await _existing(job, job.from_collection, sink), await _existing(job, job.to_collection, sink)
    named = target.connector_embedding_options
    return await compare_collections(sink, before, after, named or tuple(after.vectors))


async def _existing(job: ReindexJob, collection: str, sink: QdrantSink) -> CollectionInfo:
    if info := await sink.inspect(collection):
        return info
    cause = f"collection {collection} does not exist"
    raise ConfigError("move alias", job.alias, cause, "Nothing was moved; was the collection deleted?")


def _document(it: _Switch, points_to: str, values: Mapping[str, str | None]) -> dict[str, Any]:
    """As JSON values; the keys are public."""
    comparison = asdict(it.comparison) if it.comparison else None
    found = {
        **moved_document(it.job, points_to, it.moved_in_sec, values),
        "problems": it.problems,
        "comparison": comparison,
    }
    return found | ({"error": error_facts(it.failure)} if it.failure else {})


def _show(it: _Switch, *, as_json: bool) -> None:
    job, is_there = it.job, it.code == Exit.DONE
    if as_json:
        points_to = job.to_collection if is_there else job.from_collection
        print_json(_document(it, points_to, job.changes if is_there else {}))
        return
    if it.comparison:
        put(f"  {_described(it.comparison)}", hang=_HANG)
    if not is_there:
        put(f"[error]{text(job.alias)} was not moved:[/error]")
        for problem in it.problems or [str(it.failure or "it was interrupted")]:
            put(f"  {text(problem)}", hang=_HANG)
        return
    print_moved(job, job.to_collection, it.moved_in_sec, "moved")
    print_settings(job.changes)
    put(f"{text(job.from_collection)} stays as it is; back: `connector reindex rollback {text(job.alias)}`")


def _described(found: SearchComparison) -> str:
    recall = "nothing to compare" if found.recall is None else f"recall@{NEIGHBOURS} {found.recall:.3f}"
    models = "the same model" if found.same_model else "another model"
    models += ", videos known by name" if found.identity == "filename" else ""
    points = f"{found.points_before:,} and {found.points_after:,} points"
    return (
        f"{counted(found.videos, 'video')}, {points}, {models}, {recall} of {counted(found.compared, 'neighbourhood')}"
    )
