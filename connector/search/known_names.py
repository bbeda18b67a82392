"""Checks the names in a search against what is stored. Raises ConfigError, which says what is known."""

from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from itertools import product

from connector.domain.bm25 import TRANSCRIPT_BM25
from connector.domain.errors import ConfigError
from connector.domain.marengo import named
from connector.domain.search_scope import Condition, Path
from connector.ports import Sink
from connector.qdrant.moment_reader import MomentReader
from connector.search.moment_request import MomentRequest
from connector.search.payload_filters import IN_LIST, KEYS, METADATA

_MOST_NAMED = 20
_MOST_PARTS = 4
"""A longer path has too many spellings to ask for."""


def check_options(request: MomentRequest, offered: Sequence[Iterable[str]]) -> None:
    known = list(dict.fromkeys(option for options in offered for option in options))
    wanted = [*(request.options or ()), *request.weights]
    if not known:
        return
    for option in wanted:
        if option == TRANSCRIPT_BM25 and option not in known:
            cause = "no collection has it" if request.text else "only a text can be searched by its words"
            advice = "Sync with CONNECTOR_SPARSE_TRANSCRIPT=true" if request.text else f"Options: {', '.join(known)}"
            raise ConfigError("search", f"option {option}", cause, advice)
        if not named(known, [option]):
            raise ConfigError("search", f"option {option}", "no collection has it", f"Options: {', '.join(known)}")
    if not any(request.weight(option) > 0 for option in named(known, request.options or known)):
        raise ConfigError("search", "weights", "all options have weight 0", "Give one of them a weight above 0")


async def check_indexes(sink: Sink, wanted: Sequence[str], held: Collection[str], collections: Sequence[str]) -> None:
    if unknown := [index_id for index_id in wanted if index_id not in held]:
        stored = sorted({index_id for name in collections for index_id in await sink.indexes_in(name)} | set(held))
        raise ConfigError(
            "search", f"index {unknown[0]}", "it has no points", f"Indexes with points: {_listed(stored)}"
        )


async def check_metadata_keys(
    reader: MomentReader, conditions: Iterable[Condition], searched: Sequence[tuple[str, Sequence[str]]]
) -> None:
    """For a search that found nothing: a metadata key that no point has is a mistake."""
    for path in dict.fromkeys(it.path for it in conditions if it.path[0] == METADATA):
        if any([await reader.has_value(name, index_ids, path) for name, index_ids in searched]):
            continue
        known = sorted({key for name, index_ids in searched for key in await reader.metadata_keys(name, index_ids)})
        name = ".".join(path[1:])
        close = get_close_matches(name, [*known, *KEYS], n=1)
        advice = f"Did you mean {close[0]}? " if close else ""
        for spelling in through_lists(path[1:]):
            if any([await reader.has_value(it, ids, (METADATA, *spelling)) for it, ids in searched]):
                advice = f'{spelling[0].removesuffix(IN_LIST)} is a list of objects: use "{".".join(spelling)}". '
                break
        raise ConfigError(
            "search",
            f"filter {name}",
            "it is no payload key, and no video has it in its metadata",
            f"{advice}Metadata keys: {_listed(known)}; payload keys: docs/payload.md",
        )


def through_lists(path: Path) -> list[Path]:
    """The same path, if the keys on its way are those of lists. A text with dots is a path that was written as one."""
    parts = [part for whole in path for part in whole.split(".") if part]
    if len(parts) > _MOST_PARTS:
        return []
    ways = product(*([part, f"{part}{IN_LIST}"] for part in parts[:-1]))
    return [(*way, parts[-1]) for way in ways if any(part.endswith(IN_LIST) for part in way)]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return (", ".join(names[:_MOST_NAMED]) or "none") + more
