"""Compare the stored points of a sample of assets, vectors included, with what the source returns now."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from connector.domain import points
from connector.domain.deep_comparison import compare_points
from connector.domain.errors import AssetError
from connector.domain.index_settings import IndexSettings
from connector.domain.ledger_model import Applied
from connector.domain.source_model import READY, Index
from connector.domain.verification import DriftFinding
from connector.ports import Sink, Source

DEEP_SAMPLE = 20
"""So many assets of each index are retrieved."""

Choose = Callable[[Sequence[str], int], list[str]]
"""Chooses so many of these."""


@dataclass(frozen=True, slots=True)
class DeepComparison:
    """How many assets were compared, and how many of the sample could not be, because the source has no answer."""

    compared: int
    unanswered: int


async def compare_deep(
    source: Source,
    sink: Sink,
    settings: IndexSettings,
    index: Index,
    applied: Mapping[str, Applied],
    choose: Choose,
) -> tuple[DeepComparison, list[DriftFinding]]:
    """Assets are chosen from `applied`: those whose ledger row is closed."""
    names = choose(list(applied), min(DEEP_SAMPLE, len(applied)))
    results = [await _compare(source, sink, settings, index, name, applied[name]) for name in sorted(names)]
    answers = [it for it in results if it is not None]
    comparison = DeepComparison(len(answers), len(results) - len(answers))
    return comparison, [finding for findings in answers for finding in findings]


async def _compare(
    source: Source, sink: Sink, settings: IndexSettings, index: Index, name: str, applied: Applied
) -> list[DriftFinding] | None:
    """None if the source has no answer that can be compared."""
    try:
        retrieved = await source.retrieve(index, name, settings.embedding_options, transcript=settings.transcript)
    except AssetError:
        return None
    if retrieved is None or retrieved.asset.status != READY or retrieved.columns is None or retrieved.model is None:
        return None
    with source.in_memory(sum(column.vectors.nbytes for column in retrieved.columns)):
        try:
            built = await asyncio.to_thread(
                points.build,
                retrieved,
                index,
                applied.fingerprint,
                media_links=settings.media_links,
                transcript=settings.transcript,
                payload_profile=settings.payload_profile,
                sparse_transcript=settings.sparse_transcript,
            )
        except AssetError:
            return None
        stored = await sink.points(applied.collection, index.index_id, name)
        return await asyncio.to_thread(compare_points, built, stored, applied)
