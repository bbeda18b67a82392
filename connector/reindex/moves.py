"""What a reindex moves: from which collection to which one, with which settings. Only reads."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from connector.domain.errors import ConfigError
from connector.domain.reindex_job import COLLECTION, ReindexJob, current, goes_on, must_move
from connector.domain.sink_model import CollectionInfo
from connector.domain.source_model import Index
from connector.engine.discovery import ALL_INDEXES, of_account
from connector.ports import Source
from connector.qdrant.sink import QdrantSink
from connector.settings.connector_settings import Settings
from connector.settings.names import did_you_mean
from connector.settings.reindex_jobs import read_jobs
from connector.settings.target_settings import as_given, with_changes

_OPERATION = "reindex"


@dataclass(frozen=True, slots=True)
class Move:
    """`target` are the settings of the new collection, `indexes` those that it gets.

    `alias_at` is None if there is no such alias yet: then it is created and points to `source.name`. `job` is None if
    this move has not begun. `found` is the new collection, None before it exists.
    """

    alias: str
    alias_at: str | None
    source: CollectionInfo
    to_collection: str
    found: CollectionInfo | None
    target: Settings
    changes: Mapping[str, str]
    before: Mapping[str, str | None]
    indexes: Sequence[Index]
    job: ReindexJob | None

    @property
    def is_moved(self) -> bool:
        return self.alias_at == self.to_collection


def current_job(settings: Settings, alias: str) -> ReindexJob:
    """The last move of the alias. Raises ConfigError if there was none."""
    jobs = read_jobs(settings.connector_data_dir)
    if job := current(alias, jobs):
        return job
    known = ", ".join(sorted({job.alias for job in jobs})) or "none"
    begin = f"`connector reindex start {alias} --into NAME`"
    advice = f"Begin with {begin}. Aliases with a reindex: {known}"
    raise ConfigError(_OPERATION, alias, "there is no reindex of this alias in the data directory", advice)


async def find_move(
    alias: str,
    settings: Settings,
    changes: Mapping[str, str],
    sink: QdrantSink,
    source: Source,
    *,
    create_alias: bool = False,
) -> Move:
    """The move that is under way, or a new one with these changes. Raises ConfigError if it is not possible."""
    jobs = read_jobs(settings.connector_data_dir)
    aliases = await sink.aliases.all()  # after the jobs: a move changes the alias first
    job, alias_at = current(alias, jobs), aliases.get(alias)
    if job and goes_on(job, changes, alias_at):
        return await _begun(job, alias_at, settings, sink, source, create_alias=create_alias)
    if not changes.get(COLLECTION):
        advice = f"Add --into NAME, or --set {COLLECTION}=...: the new collection needs a name of its own"
        typo = "" if job else _near(alias, {*aliases, *(it.alias for it in jobs)})
        raise ConfigError(_OPERATION, alias, f"no new collection is named{typo}", advice)
    target = with_changes(settings, changes)
    _check_templates(alias, settings, target, jobs)
    lookup = _Lookup(source)
    indexes = await lookup.indexes(target)
    to_collection = _only_home(alias, target, indexes)
    await _check_alias(alias, alias_at, to_collection, aliases, sink)
    homes = {name: aliases.get(name, name) for name in await lookup.homes(settings)}
    if alias in homes:
        advice = f"Set {COLLECTION} to {homes[alias]} first, or move another alias"
        raise ConfigError(_OPERATION, alias, "the connector writes through it, so it would follow the alias", advice)
    from_collection = alias_at or _to_alias(alias, set(homes.values()), aliases, create_alias=create_alias)
    if from_collection not in homes.values():
        cause = f"it points to {from_collection}, which the present settings do not write"
        raise ConfigError(_OPERATION, alias, cause, f"They write {', '.join(sorted(homes.values()))}")
    found = await sink.inspect(to_collection)
    before = await _existing(alias, from_collection, sink)
    await _check_target(alias, before, found, to_collection, sink)
    _check_owners(alias, before, indexes, await sink.indexes_in(from_collection))
    return Move(
        alias, alias_at, before, to_collection, found, target, changes, as_given(settings, changes), indexes, None
    )


async def _begun(
    job: ReindexJob,
    alias_at: str | None,
    settings: Settings,
    sink: QdrantSink,
    source: Source,
    *,
    create_alias: bool,
) -> Move:
    if alias_at is not None or not create_alias:
        must_move(job, alias_at)
    target = with_changes(settings, job.changes)
    return Move(
        job.alias,
        alias_at,
        await _existing(job.alias, job.from_collection, sink),
        job.to_collection,
        await sink.inspect(job.to_collection),
        target,
        job.changes,
        job.before,
        await _Lookup(source).indexes(target),
        job,
    )


class _Lookup:
    """The indexes of settings; asks for each once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._known: dict[str, Index] = {}

    async def indexes(self, settings: Settings) -> list[Index]:
        if settings.connector_indexes == ALL_INDEXES:
            account = await self._source.indexes()
            self._known |= {index.index_id: index for index in account}
            return [self._known[index_id] for index_id in of_account(account, ())]
        for index_id in settings.connector_indexes:
            if index_id not in self._known:
                self._known[index_id] = await self._source.index(index_id)
        return [self._known[index_id] for index_id in settings.connector_indexes]

    async def homes(self, settings: Settings) -> set[str]:
        """The collections that the settings write; they may be aliases."""
        found = [index for index in await self.indexes(settings) if index.model]
        return {settings.of_index(index.index_id).collection_name(index.model or "") for index in found}


def _check_templates(alias: str, settings: Settings, target: Settings, jobs: Sequence[ReindexJob]) -> None:
    template = target.connector_collection
    if template == settings.connector_collection:
        cause = f"{COLLECTION} is {template} already"
        raise ConfigError(_OPERATION, alias, cause, "The new collection needs a name of its own: choose another one")
    if used := next((job for job in jobs if job.template == template), None):
        cause = f"{COLLECTION}={template} belongs to the reindex of alias {used.alias} into {used.to_collection}"
        raise ConfigError(_OPERATION, alias, cause, "Choose another name")
    if own := next((it.id for it in settings.overrides if it.collection), None):
        cause = f"index {own} has a collection of its own in the settings file"
        raise ConfigError(_OPERATION, alias, cause, "Remove `collection` from its table: a reindex moves all indexes")


def _only_home(alias: str, target: Settings, indexes: Sequence[Index]) -> str:
    """An alias points to one collection. Raises ConfigError for several, and for an index without embeddings."""
    homes: dict[str, str] = {}
    for index in indexes:
        of_index = target.of_index(index.index_id)
        of_index.point_config(index)
        homes.setdefault(of_index.collection_name(index.model or ""), index.index_id)
    if len(homes) > 1:
        advice = "Choose indexes of one model with --set CONNECTOR_INDEXES=..., and no {index_id} in the name"
        cause = f"the new settings write several collections ({', '.join(sorted(homes))}), and an alias points to one"
        raise ConfigError(_OPERATION, alias, cause, advice)
    return next(iter(homes))


async def _check_alias(
    alias: str, alias_at: str | None, to_collection: str, aliases: Mapping[str, str], sink: QdrantSink
) -> None:
    if alias_at is None and await sink.inspect(alias):
        cause = "a collection has this name, and Qdrant allows no alias with the name of a collection"
        advice = "Choose another alias, and let searchers use it before you move it"
        raise ConfigError(_OPERATION, alias, cause, advice)
    if to_collection in aliases:
        cause = f"the new collection {to_collection} is an alias of {aliases[to_collection]}"
        raise ConfigError(_OPERATION, alias, cause, f"Choose another {COLLECTION}")
    if to_collection == alias_at:
        cause = f"it points to {to_collection} already"
        raise ConfigError(_OPERATION, alias, cause, f"Choose another {COLLECTION} for the new collection")


def _near(alias: str, known: Collection[str]) -> str:
    """The alias that was meant, if this one is misspelled."""
    return did_you_mean(alias, known).rstrip("?")


def _to_alias(alias: str, homes: set[str], aliases: Collection[str], *, create_alias: bool) -> str:
    if not create_alias:
        advice = (
            "Add --create-alias, which points it to the present collection; then let searchers use the alias"
            f" instead of the collection. Aliases in Qdrant: {', '.join(sorted(aliases)) or 'none'}"
        )
        raise ConfigError(_OPERATION, alias, f"there is no such alias in Qdrant{_near(alias, aliases)}", advice)
    if len(homes) != 1:
        cause = f"the present settings write several collections: {', '.join(sorted(homes)) or 'none'}"
        raise ConfigError(_OPERATION, alias, cause, "Create the alias in Qdrant for one of them")
    return next(iter(homes))


async def _existing(alias: str, collection: str, sink: QdrantSink) -> CollectionInfo:
    info = await sink.inspect(collection)
    if info and info.instance_id:
        return info
    cause = f"collection {collection} was not made by the connector" if info else f"there is no collection {collection}"
    raise ConfigError(_OPERATION, alias, cause, "Run `connector sync` first: a reindex moves from what it has written")


async def _check_target(
    alias: str, before: CollectionInfo, found: CollectionInfo | None, to_collection: str, sink: QdrantSink
) -> None:
    """A new move begins with no collection or an empty one. Another ledger's is never taken over."""
    if found is None:
        return
    if found.real_name == before.name:
        raise ConfigError(_OPERATION, alias, f"{to_collection} is the present collection", "Choose another name")
    if found.owners or found.instance_id or found.points or await sink.indexes_in(to_collection):
        cause = f"collection {to_collection} is in use" if found.owners else f"collection {to_collection} is not empty"
        advice = "Choose another name, or delete that collection if nothing needs it"
        raise ConfigError(_OPERATION, alias, cause, advice)


def _check_owners(alias: str, before: CollectionInfo, indexes: Sequence[Index], held: Sequence[str]) -> None:
    """Points without an owner would count as left over by an earlier collection, and would be moved, not copied."""
    unowned = [it.index_id for it in indexes if it.index_id in held and it.index_id not in before.owners]
    if unowned:
        cause = f"{before.name} does not say who owns index {unowned[0]}"
        raise ConfigError(_OPERATION, alias, cause, "Run `connector sync` with the present settings first")
