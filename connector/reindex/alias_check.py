"""Whether the collection that these settings write is the one that searchers read through an alias."""

from connector.domain.errors import ConfigError
from connector.domain.reindex_job import ReindexJob, instruction, latest, misplaced, recreation
from connector.ports import Sink
from connector.settings.connector_settings import Settings
from connector.settings.reindex_jobs import read_jobs


def current_jobs(settings: Settings) -> list[ReindexJob]:
    """The last reindex of each alias. Raises LedgerUnavailable."""
    return latest(read_jobs(settings.connector_data_dir))


async def check_alias(job: ReindexJob, settings: Settings, sink: Sink) -> str:
    """Where the alias points. Raises ConfigError if these settings write another collection, and what the sink raises.

    A key that may not list aliases cannot tell where it points.
    """
    info = await sink.inspect(job.alias)
    if info and info.real_name is None:
        return "the key of Qdrant may not list aliases, so where it points is not known"
    alias_at = info.real_name if info else None
    if why := misplaced(job, alias_at, settings.connector_collection):
        raise ConfigError("use alias", job.alias, why, _advice(job, alias_at))
    return f"points to {alias_at}, and was moved or will be by `connector reindex`"


def _advice(job: ReindexJob, alias_at: str | None) -> str:
    if alias_at is None:
        return recreation(job)
    values = {job.from_collection: job.before, job.to_collection: job.changes}.get(alias_at)
    if values is None:
        return f"Point it to {job.from_collection} or {job.to_collection}, or use settings that write {alias_at}"
    return f"To follow the alias, {instruction(values)}, and restart the daemon; or move the alias"
