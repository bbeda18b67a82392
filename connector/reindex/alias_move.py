"""The move of an alias: write what is intended, move it in one atomic request, read it back, write what was done.

    save(switching) -> move -> where does it point? -> save(switched)

If the intent cannot be written, nothing is moved. If the end cannot be written, the intent and the alias together tell
it (`ReindexJob.settled`), so the next command goes on from there.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from connector.domain.errors import ConfigError, ConnectorError, LedgerUnavailable, SinkUnavailable, TransientError
from connector.domain.reindex_job import JobState, ReindexJob, must_move
from connector.qdrant.sink import QdrantSink
from connector.settings.reindex_jobs import save_job

_OPERATION = "move alias"


@dataclass(frozen=True, slots=True)
class AliasMoved:
    """`took_sec` is how long the request took."""

    job: ReindexJob
    took_sec: float


async def move_alias(data_dir: Path, job: ReindexJob, sink: QdrantSink, *, back: bool) -> AliasMoved:
    """Move it to the new collection, or back. Every error says where the alias points, if that is known."""
    wanted = job.from_collection if back else job.to_collection
    alias_at = await sink.aliases.target(job.alias)
    must_move(job, alias_at, back=back)
    intent = job.now(JobState.ROLLING_BACK if back else JobState.SWITCHING, time.time())
    _announce(data_dir, intent, alias_at)
    began_at, took_sec, failure = time.monotonic(), 0.0, None
    try:
        await sink.aliases.move(job.alias, wanted)
        took_sec = time.monotonic() - began_at
    except ConnectorError as error:
        failure = error
    found = await _target(sink, job.alias, failure)
    if found != wanted:
        with suppress(LedgerUnavailable):
            save_job(data_dir, job)
        raise _not_moved(job, found, failure, _command(job, back=back)) from failure
    try:
        return AliasMoved(settle(data_dir, intent, found), took_sec)
    except LedgerUnavailable as error:
        cause = f"the alias points to {wanted} now, but the job could not be recorded: {error.cause}"
        advice = f"{error.advice}; then run `{_command(job, back=back)}` again"
        raise LedgerUnavailable(_OPERATION, job.alias, cause, advice) from error


def settle(data_dir: Path, job: ReindexJob, alias_at: str | None) -> ReindexJob:
    """Record what is true while the alias points there, unless that is recorded. Raises LedgerUnavailable."""
    settled = job.now(job.settled(alias_at), time.time())
    if settled is not job:
        save_job(data_dir, settled)
    return settled


def _announce(data_dir: Path, intent: ReindexJob, alias_at: str | None) -> None:
    try:
        save_job(data_dir, intent)
    except LedgerUnavailable as error:
        cause = f"it was not moved and points to {alias_at}: the job could not be recorded: {error.cause}"
        raise LedgerUnavailable(_OPERATION, intent.alias, cause, error.advice) from error


async def _target(sink: QdrantSink, alias: str, failure: ConnectorError | None) -> str | None:
    """Where it points after the request, of which a `failure` does not tell. Raises SinkUnavailable."""
    try:
        return await sink.aliases.target(alias)
    except ConnectorError as error:
        raise SinkUnavailable(
            _OPERATION,
            alias,
            f"{(failure or error).cause}; whether it was moved is not known",
            "See `connector reindex status`, or run it again: it goes on from where the alias points",
        ) from error


def _not_moved(job: ReindexJob, found: str | None, failure: ConnectorError | None, command: str) -> ConnectorError:
    if failure is None:
        cause = f"after the move it points to {found}: somebody else moved it at the same time"
        return ConfigError(_OPERATION, job.alias, cause, "See `connector reindex status`, then run it again")
    kind = SinkUnavailable if isinstance(failure, TransientError) else type(failure)
    cause = f"it was not moved and points to {found or 'nothing'}: {failure.cause}"
    return kind(_OPERATION, job.alias, cause, failure.advice or f"Run `{command}` again")


def _command(job: ReindexJob, *, back: bool) -> str:
    return f"connector reindex {'rollback' if back else 'switch'} {job.alias}"
