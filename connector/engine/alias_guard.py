"""Collections that searchers read through an alias are not emptied because the settings changed."""

from connector.domain.errors import SinkMismatch
from connector.domain.index_settings import IndexSettings
from connector.domain.sink_model import CollectionInfo
from connector.ports import Sink


class AliasElsewhere(SinkMismatch):
    """Searchers read another collection through an alias than these settings write."""

    code = "alias_elsewhere"


def is_written(info: CollectionInfo, settings: IndexSettings) -> bool:
    """Whether these settings write assets of the collection's model there, by its name or one of its aliases.

    Then only the source moves points out of it, as when it indexes with another model.
    """
    name = settings.collection_name(info.model or "")
    return name in {info.name, info.real_name, *info.aliases}


async def refuse_to_empty(sink: Sink, info: CollectionInfo, settings: IndexSettings, home: str | None) -> None:
    """Raises AliasElsewhere if an alias points to the collection, and these settings would move its points `home`."""
    if not info.aliases or is_written(info, settings) or not await sink.count(info.name, settings.index_id):
        return
    alias = info.aliases[0]
    cause = f"searchers read it through alias {alias}, but these settings write {home}; nothing was moved or deleted"
    advice = (
        f"Set CONNECTOR_COLLECTION to what writes {info.real_name}; or fill another collection and move the alias with"
        f" `connector reindex start {alias} --into NAME`; or remove the alias in Qdrant if nobody searches through it"
    )
    raise AliasElsewhere("move index", f"{settings.index_id} out of collection {info.real_name}", cause, advice)
