"""`connector search`: embeds a text with each collection's model and prints the best moments, one list per model."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from connector.app import App, open_app
from connector.cli.output import Exit, clock, out, print_json, text
from connector.domain.errors import ConnectorError
from connector.domain.index_settings import IndexSettings
from connector.domain.sink_model import CollectionInfo
from connector.engine.discovery import ALL_INDEXES
from connector.settings.connector_settings import Settings


async def search(settings: Settings, query: str, only: Sequence[str], *, limit: int, as_json: bool) -> Exit:
    async with open_app(settings, "search", read_only=True) as app:
        lists = await search_all(app, query, only, limit)
    if as_json:
        print_json({"query": query, "models": lists})
    else:
        print_lists(lists)
    return Exit.UNAVAILABLE if any(found["error"] for found in lists) else Exit.DONE


async def search_all(app: App, query: str, only: Sequence[str], limit: int) -> list[dict[str, Any]]:
    """One document for each collection of the indexes: its model, and its hits or the error."""
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
    return lists


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
    model, hits, error = collection.model or "", [], None
    try:
        vector = await app.source.embed_text(model, query)
        hits = [asdict(hit) for hit in await app.sink.search(collection.name, vector, index_ids, limit)]
    except ConnectorError as problem:
        error = {"code": problem.code, "message": str(problem)}
    return {"model": model, "collection": collection.name, "hits": hits, "error": error}


def print_lists(lists: Sequence[dict[str, Any]]) -> None:
    if not lists:
        out.print("These indexes have no points yet: run `connector sync` first.")
    for found in lists:
        out.print(f"[bold]{text(found['model'])}[/bold], collection {text(found['collection'])}")
        if found["error"]:
            out.print(f"  [red]search failed:[/red] {text(found['error']['message'])}")
        elif not found["hits"]:
            out.print("  nothing found")
        for hit in found["hits"]:
            moment = f"{clock(hit['start_offset_sec'])}-{clock(hit['end_offset_sec'])}"
            video = text(hit["filename"] or hit["indexed_asset_id"])
            out.print(f"  {hit['score']:.3f}  {video}  {moment}  {', '.join(hit['embedding_options'])}")
            if hit["transcript"]:
                out.print(f"         [dim]{text(hit['transcript'])}[/dim]")
