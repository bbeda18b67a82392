"""A move of an alias from one collection to another one, and what follows from where the alias points."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from connector.domain.errors import ConfigError

SHAPING = (
    "CONNECTOR_COLLECTION",
    "CONNECTOR_INDEXES",
    "CONNECTOR_EMBEDDING_OPTIONS",
    "CONNECTOR_TRANSCRIPT",
    "CONNECTOR_SPARSE_TRANSCRIPT",
    "CONNECTOR_MEDIA_LINKS",
    "CONNECTOR_METADATA_INDEXES",
    "CONNECTOR_PAYLOAD_PROFILE",
)
"""The settings that shape points, or say which there are."""
COLLECTION = SHAPING[0]
RATE = "CONNECTOR_REQUESTS_PER_MINUTE"
CHANGEABLE = (*SHAPING, RATE)
"""What a reindex may change; the rate is its own share of the quota."""


class JobState(StrEnum):
    """What was done last, or begun. Where searchers are is a matter of the alias alone."""

    FILLING = "filling"
    READY = "ready"
    SWITCHING = "switching"
    SWITCHED = "switched"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"


_AT_SOURCE = {
    JobState.SWITCHING: JobState.READY,
    JobState.SWITCHED: JobState.ROLLED_BACK,
    JobState.ROLLING_BACK: JobState.ROLLED_BACK,
}
"""What a state becomes if the alias points to the old collection."""
_UNFINISHED = (JobState.FILLING, JobState.READY, JobState.SWITCHING)


@dataclass(frozen=True, slots=True)
class ReindexJob:
    """`changes` maps settings to their new values; `before` to the old ones, None for a setting that was not set.

    Both are texts, as in the environment. Collections are real names, never aliases. Times are Unix times. `from_model`
    is None if the file does not say it.
    """

    alias: str
    number: int
    from_collection: str
    to_collection: str
    changes: Mapping[str, str]
    before: Mapping[str, str | None]
    state: JobState
    created_at: float
    changed_at: float
    from_model: str | None = None

    @property
    def template(self) -> str:
        """The CONNECTOR_COLLECTION with which its ledger is opened."""
        return self.changes[COLLECTION]

    def now(self, state: JobState, at: float) -> "ReindexJob":
        """The job in this state; unchanged if it is in it already."""
        return self if state is self.state else replace(self, state=state, changed_at=at)

    def settled(self, alias_at: str | None) -> JobState:
        """The state that is true while the alias points there: a move may have broken off, or could not be recorded."""
        if alias_at == self.to_collection:
            return JobState.SWITCHED
        if alias_at != self.from_collection:
            return self.state
        return _AT_SOURCE.get(self.state, self.state)


def writer_of(template: str, jobs: Iterable[ReindexJob]) -> ReindexJob | None:
    """The job whose ledger belongs to this CONNECTOR_COLLECTION: the newest one; None if it is the first ledger's."""
    found = [job for job in jobs if job.template == template]
    return max(found, key=lambda job: (job.created_at, job.number), default=None)


def latest(jobs: Iterable[ReindexJob]) -> list[ReindexJob]:
    """The last move of each alias, by alias."""
    newest: dict[str, ReindexJob] = {}
    for job in sorted(jobs, key=lambda job: (job.alias, job.number)):
        newest[job.alias] = job
    return list(newest.values())


def current(alias: str, jobs: Iterable[ReindexJob]) -> ReindexJob | None:
    """The last move of this alias."""
    return next((job for job in latest(jobs) if job.alias == alias), None)


def goes_on(job: ReindexJob | None, changes: Mapping[str, str], alias_at: str | None) -> bool:
    """Whether a `start` with these changes (none: those of the job) is about this job, and not about a new one.

    Raises ConfigError if the job is unfinished and the changes are others.
    """
    if job is None:
        return False
    if not changes or dict(changes) == dict(job.changes):
        return True
    if job.state not in _UNFINISHED or alias_at == job.to_collection:
        return False
    cause = f"a reindex into {job.to_collection} with other settings has begun: {written(job.changes)}"
    advice = (
        f"Go on with it by omitting --set, or give it up: delete collection {job.to_collection} and the directory"
        f" reindex/{job.alias}/{job.number} of the data directory"
    )
    raise ConfigError("reindex", job.alias, cause, advice)


def must_move(job: ReindexJob, alias_at: str | None, *, back: bool = False) -> bool:
    """Whether the alias has to be moved; False if it is there already. Raises ConfigError if it is somewhere else."""
    wanted, other = job.to_collection, job.from_collection
    if back:
        wanted, other = other, wanted
    if alias_at == wanted:
        return False
    if alias_at != other:
        cause = f"it points to {alias_at or 'nothing'}, and this reindex is from {job.from_collection}"
        cause += f" to {job.to_collection}: somebody moved or removed it meanwhile"
        advice = f"Point it to {other} first, if that is what searchers need"
        raise ConfigError("move alias", job.alias, cause, advice if alias_at else recreation(job))
    return True


def recreation(job: ReindexJob) -> str:
    """Advice for an alias that somebody removed."""
    command = f"connector reindex start {job.alias} --create-alias"
    return f"Create it again in Qdrant, or with `{command}`, which points it to {job.from_collection}"


def written(values: Mapping[str, str | None]) -> str:
    """As arguments."""
    return " ".join(f"{name}={value}" for name, value in values.items() if value is not None)


def to_set(values: Mapping[str, str | None]) -> list[str]:
    """Lines for the environment, without the rate, which is that of the reindex only."""
    shown = {name: value for name, value in values.items() if name != RATE}
    return [f"{name}={value}" if value is not None else f"# remove {name}" for name, value in shown.items()]


def instruction(values: Mapping[str, str | None]) -> str:
    """The same in words: what to set, and what to remove."""
    given = [f"{name}={value}" for name, value in values.items() if value is not None and name != RATE]
    absent = [name for name, value in values.items() if value is None and name != RATE]
    parts = [f"{verb} {', '.join(names)}" for verb, names in (("set", given), ("remove", absent)) if names]
    return " and ".join(parts)


def misplaced(job: ReindexJob, alias_at: str | None, template: str) -> str | None:
    """Why settings with this CONNECTOR_COLLECTION do not write what searchers of the alias read; None if they do."""
    at_target, writes_target = alias_at == job.to_collection, template == job.template
    if alias_at is None:
        return f"alias {job.alias} does not exist any more"
    if not at_target and alias_at != job.from_collection:
        return f"alias {job.alias} points to {alias_at}, which is neither side of its reindex"
    if at_target and not writes_target:
        return f"alias {job.alias} points to {alias_at}, but these settings write another collection"
    if not at_target and writes_target and job.state not in _UNFINISHED:
        return f"alias {job.alias} points to {alias_at}, but these settings write {job.to_collection}"
    return None
