"""Whether the collection that these settings write is the one that searchers read through an alias."""

from connector.domain.errors import ConfigError
from connector.domain.reindex_job import ReindexJob, instruction, latest, misplaced
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
        values = job.changes if alias_at == job.to_collection else job.before
        advice = f"To follow the alias, {instruction(values)}, and restart the daemon; or move the alias"
        raise ConfigError("use alias", job.alias, why, advice)
    return f"points to {alias_at}, and was moved or will be by `connector reindex`"
