"""Before a pass changes anything: the index is there, and its collection exists, fits and is ours."""

from dataclasses import dataclass

from connector.domain.index_settings import IndexSettings
from connector.domain.sink_model import Owner
from connector.domain.source_model import Index
from connector.engine.owners import Standing, entry_to_write, owner_of
from connector.ports import CheckpointStore, Sink


@dataclass(frozen=True, slots=True)
class Prepared:
    index: Index
    owner: Owner
    warnings: tuple[str, ...] = ()


async def prepared(
    index: Index, sink: Sink, ledger: CheckpointStore, settings: IndexSettings, *, take_over: bool
) -> Prepared:
    """Check or create the collection of the index. Raises SinkMismatch, OwnedElsewhere.

    For an unknown model, the first asset creates the collection; if it exists, check it here.
    """
    owner = owner_of(await ledger.identity(), settings, index.model)
    if index.model is None:
        return Prepared(index, owner)
    found = await sink.inspect(settings.collection_name(index.model))
    if found:
        mine = await Standing.of(ledger, index.index_id)
        entry_to_write(found, index.index_id, owner, mine, take_over=take_over)
    spec = settings.needed_spec(index, found)
    warnings = (await sink.ensure(spec, settings.metadata_indexes)).warnings if spec else ()
    return Prepared(index, owner, warnings)
