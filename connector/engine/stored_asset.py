"""What Qdrant holds of one asset: its segments and facts, read without vectors."""

from collections.abc import Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from connector.domain.stored_segments import FACT_KEYS, SEGMENT_KEYS, StoredSegment, stored_facts, stored_segments
from connector.ports import Sink

MOST_SEGMENTS = 50_000
"""A video of four hours has 7,200 segments."""


@dataclass(frozen=True, slots=True)
class StoredAsset:
    """Segments in the order of time. `truncated`: there are more of them than are read."""

    segments: tuple[StoredSegment, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Empty if there is no point."""
    truncated: bool = False


async def read_asset(
    sink: Sink, collections: Collection[str], index_id: str, indexed_asset_id: str, most: int = MOST_SEGMENTS
) -> StoredAsset:
    """Read the points of the asset in all of these collections. Raises what the sink raises."""
    segments, facts = set[StoredSegment](), dict[str, Any]()
    for collection in sorted(collections):
        reading = sink.payloads(collection, index_id, SEGMENT_KEYS, indexed_asset_id=indexed_asset_id)
        async with aclosing(reading) as pages:
            async for page in pages:
                segments.update(stored_segments(page))
                if len(segments) > most:
                    break
        # The facts are the same in all points, and may be large: those of one point are read.
        facts = facts or await _facts(sink, collection, index_id, indexed_asset_id)
    return StoredAsset(tuple(sorted(segments)[:most]), facts, truncated=len(segments) > most)


async def _facts(sink: Sink, collection: str, index_id: str, indexed_asset_id: str) -> dict[str, Any]:
    reading = sink.payloads(collection, index_id, FACT_KEYS, indexed_asset_id=indexed_asset_id, page=1)
    async with aclosing(reading) as pages:
        async for page in pages:
            if page:
                return stored_facts(page[0])
    return {}
