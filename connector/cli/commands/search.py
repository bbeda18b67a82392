"""`connector search`: the search library on the command line; prints the nearest moments, one list per model."""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.app import App, open_app
from connector.cli.output import Exit, clock, counted, print_json, put, text
from connector.domain.bm25 import TRANSCRIPT_BM25
from connector.domain.nearness import ENOUGH
from connector.domain.report import error_facts
from connector.engine.discovery import ALL_INDEXES
from connector.search import AsyncVideoSearch, Moment, Moments, SearchOptions
from connector.search.moment_request import checked
from connector.search.query_inputs import SegmentQuery
from connector.settings.connector_settings import Settings

_EXPLAINED = (
    "[dim]Score: fused ranks (RRF). It orders one list and is not a similarity; those are beside the options.[/dim]"
)
_WORDS_EXPLAINED = (
    f"[dim]{TRANSCRIPT_BM25}: the share of the text that is said there, in the same words; rare ones count more.[/dim]"
)
_NOTHING_NEAR = (
    "[warning]Nothing is near:[/warning] no segment is clearly more similar to this text than the others. Try a more "
    "specific text. The best one is:"
)
_ALL_LISTED = "all are listed, whether they are near or not."
_LONGEST_SEC = 3600.0
"""Longer than all retries."""
_INDENT = 2
_HIT_INDENT = 9


async def search(
    settings: Settings, query: str | SegmentQuery, asked: SearchOptions, only: Sequence[str], *, as_json: bool
) -> Exit:
    async with open_app(settings, "search", read_only=True) as app:
        lists = await search_all(app, query, only, asked)
    if as_json:
        print_json({"query": _named(query), "models": lists})
    else:
        print_lists(lists)
    return Exit.UNAVAILABLE if any(found["error"] for found in lists) else Exit.DONE


async def search_all(
    app: App, query: str | SegmentQuery, only: Sequence[str], asked: SearchOptions
) -> list[dict[str, Any]]:
    """One document for each collection of the indexes: its model, and its hits or the error. Newest model first."""
    everything = app.settings.connector_indexes == ALL_INDEXES and not only
    indexes = () if everything else [index.index_id for index in await app.indexes(only)]
    near: SearchOptions = {**asked, "near_only": True}
    request = checked(_text(query), **near)
    async with AsyncVideoSearch.from_settings(app.settings, indexes=indexes, timeout_sec=_LONGEST_SEC) as moments:
        return [_document(found, asked) for found in await moments.lists(query, request)]


def _document(found: Moments, asked: SearchOptions) -> dict[str, Any]:
    """As JSON values; the keys are public."""
    return {
        "model": found.model,
        "collection": found.collection,
        "near": found.near,
        "hits": [_hit(moment, asked) for moment in found],
        "error": error_facts(found.error) if found.error else None,
    }


def _hit(moment: Moment, asked: SearchOptions) -> dict[str, Any]:
    """What the moment was merged from, and the others of its asset, are there if they were asked for."""
    hit: dict[str, Any] = {
        "score": moment.score,
        "index_id": moment.index_id,
        "index_name": moment.index_name,
        "indexed_asset_id": moment.indexed_asset_id,
        "filename": moment.filename,
        "start_offset_sec": moment.start_sec,
        "end_offset_sec": moment.end_sec,
        "embedding_options": moment.options,
        "transcript": moment.transcript,
        "similarities": moment.scores,
    }
    if asked.get("merge_gap_sec") is not None:
        hit["parts"] = [_hit(part, {}) for part in moment.parts]
    if asked.get("group_by_asset"):
        hit["others"] = [_hit(other, {**asked, "group_by_asset": False}) for other in moment.others]
    return hit


def _text(query: str | SegmentQuery) -> str:
    return query if isinstance(query, str) else ""


def _named(query: str | SegmentQuery) -> str:
    return query if isinstance(query, str) else f"{query.index_id}/{query.indexed_asset_id}@{query.second}"


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
    if any(TRANSCRIPT_BM25 in hit["similarities"] for found in lists for hit in found["hits"]):
        put(_WORDS_EXPLAINED)


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
    if hit.get("parts"):
        put(f"{' ' * _HIT_INDENT}joined from {counted(len(hit['parts']), 'segment')}", hang=_HIT_INDENT)
    if hit.get("others"):
        put(f"{' ' * _HIT_INDENT}{counted(len(hit['others']), 'more moment')} in this video", hang=_HIT_INDENT)
