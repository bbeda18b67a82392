"""`connector search`: embeds a text with each collection's model and prints the nearest moments, one list per model."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from connector.app import App, open_app
from connector.cli.output import Exit, clock, counted, print_json, put, text
from connector.domain.arrays import Float32
from connector.domain.errors import ConnectorError
from connector.domain.index_settings import IndexSettings
from connector.domain.marengo import newest_model_first
from connector.domain.nearness import ENOUGH, least_similarities
from connector.domain.sink_model import CollectionInfo, Hit
from connector.engine.discovery import ALL_INDEXES
from connector.settings.connector_settings import Settings

_EXPLAINED = (
    "[dim]Score: fused ranks (RRF). It orders one list and is not a similarity; those are beside the options.[/dim]"
)
_NOTHING_NEAR = (
    "[warning]Nothing is near:[/warning] no segment is clearly more similar to this text than the others. Try a more "
    "specific text. The best one is:"
)
_ALL_LISTED = "all are listed, whether they are near or not."
_INDENT = 2
_HIT_INDENT = 9


async def search(settings: Settings, query: str, only: Sequence[str], *, limit: int, as_json: bool) -> Exit:
    async with open_app(settings, "search", read_only=True) as app:
        lists = await search_all(app, query, only, limit)
    if as_json:
        print_json({"query": query, "models": lists})
    else:
        print_lists(lists)
    return Exit.UNAVAILABLE if any(found["error"] for found in lists) else Exit.DONE


async def search_all(app: App, query: str, only: Sequence[str], limit: int) -> list[dict[str, Any]]:
    """One document for each collection of the indexes: its model, and its hits or the error. Newest model first."""
    everything = app.settings.connector_indexes == ALL_INDEXES and not only
    indexes = [] if everything else await app.indexes(only)
    lists, seen = [], set()
    for collection in await _collections(app, indexes):
        if collection.instance_id in seen:
            continue  # an alias, or a copy restored next to the original
        seen.add(collection.instance_id)
        holding = [index.index_id for index in indexes if await app.sink.count(collection.name, index.index_id)]
        if everything or holding:
            lists.append(await _of_collection(app, collection, query, holding, limit))
    return sorted(lists, key=lambda found: newest_model_first(found["model"]))


async def _collections(app: App, indexes: Sequence[IndexSettings]) -> list[CollectionInfo]:
    """The collections of these indexes, by their configured names; without indexes, all collections of ours.

    The models come from our existing collections: a collection's name depends on its model.
    """
    ours = await app.sink.collections()
    named = indexes or [app.settings.of_index(index_id) for index_id in await app.ledger.known()]
    models = {info.model: None for info in ours if info.model}
    names = dict.fromkeys(index.collection_name(model) for model in models for index in named)
    found = [info for name in names if (info := await app.sink.inspect(name)) and info.instance_id]
    return found if indexes else [*found, *ours]


async def _of_collection(
    app: App, collection: CollectionInfo, query: str, index_ids: Sequence[str], limit: int
) -> dict[str, Any]:
    model, near, hits, error = collection.model or "", None, [], None
    try:
        vector = await app.source.embed_text(model, query)
        near, found = await _nearest(app, collection.name, vector, index_ids, limit)
        hits = [asdict(hit) for hit in found]
    except ConnectorError as problem:
        error = {"code": problem.code, "message": str(problem)}
    return {"model": model, "collection": collection.name, "near": near, "hits": hits, "error": error}


async def _nearest(
    app: App, collection: str, vector: Float32, index_ids: Sequence[str], limit: int
) -> tuple[bool | None, list[Hit]]:
    """Whether the hits are near, and the hits; None and all of them if there are too few segments to tell.

    If none is near, the one hit is the best of them.
    """
    least = least_similarities(await app.sink.similarities(collection, vector, index_ids))
    if least == {}:
        return False, await app.sink.search(collection, vector, index_ids, 1)
    hits = await app.sink.search(collection, vector, index_ids, limit, least)
    return (None if least is None else True), hits


def print_lists(lists: Sequence[Mapping[str, Any]]) -> None:
    if not lists:
        put("These indexes have no points yet: run `connector sync` first.")
        return
    for found in lists:
        _print_list(found)
    near = sum(len(found["hits"]) for found in lists if found["near"] is not False)
    put(f"{counted(near, 'hit')} from {counted(len(lists), 'model')}.")
    if any(found["hits"] for found in lists):
        put(_EXPLAINED)


def _print_list(found: Mapping[str, Any]) -> None:
    put(f"[bold]{text(found['model'])}[/bold], collection {text(found['collection'])}", hang=_INDENT)
    if found["error"]:
        put(f"  [error]search failed:[/error] {text(found['error']['message'])}", hang=_INDENT)
    elif not found["hits"]:
        put("  nothing found")
    elif found["near"] is False:
        put(f"  {_NOTHING_NEAR}", hang=_INDENT)
    elif found["near"] is None:
        put(f"  [warning]Fewer than {ENOUGH} segments:[/warning] {_ALL_LISTED}", hang=_INDENT)
    for hit in found["hits"]:
        _print_hit(hit)


def _print_hit(hit: Mapping[str, Any]) -> None:
    moment = f"{clock(hit['start_offset_sec'])}-{clock(hit['end_offset_sec'])}"
    video = text(hit["filename"] or hit["indexed_asset_id"])
    index = text(hit["index_name"] or hit["index_id"])
    put(f"  {hit['score']:.3f}  {video}  {moment}  {index}", hang=_HIT_INDENT)
    behind = ", ".join(f"{text(option)} {similarity:.2f}" for option, similarity in hit["similarities"].items())
    put(f"{' ' * _HIT_INDENT}{behind}", hang=_HIT_INDENT)
    if hit["transcript"]:
        put(f"{' ' * _HIT_INDENT}[dim]{text(hit['transcript'])}[/dim]", hang=_HIT_INDENT)
