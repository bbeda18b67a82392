"""The collections that a search reads: those with the configured names, and all others that the connector made."""

from collections.abc import Callable, Iterable

from connector.domain.sink_model import CollectionInfo
from connector.ports import Sink


async def searched_collections(
    sink: Sink, names: Callable[[str], Iterable[str]], *, others: bool
) -> list[CollectionInfo]:
    """`names` returns the configured names for a model. With `others`, all other collections of ours follow.

    Each collection comes once: an alias, or a copy restored next to the original, has the same instance id. The models
    come from our existing collections, because a collection's name depends on its model.
    """
    ours = await sink.collections()
    models = {info.model: None for info in ours if info.model}
    configured = dict.fromkeys(name for model in models for name in names(model))
    found = [info for name in configured if (info := await sink.inspect(name)) and info.instance_id]
    distinct: dict[str | None, CollectionInfo] = {}
    for info in [*found, *(ours if others else ())]:
        distinct.setdefault(info.instance_id, info)
    return list(distinct.values())
