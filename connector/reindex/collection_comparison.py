"""Compares what searchers find in two collections: which parts of which videos, and the neighbours of segments."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from connector.domain.arrays import Float32
from connector.domain.coverage import (
    COVERAGE_KEYS,
    ROUNDING_SEC,
    SEGMENT_SEC,
    Coverage,
    Gap,
    Identity,
    Place,
    gaps,
    overlap,
)
from connector.domain.marengo import named
from connector.domain.search_scope import PointScope
from connector.domain.sink_model import CollectionInfo
from connector.qdrant.sink import QdrantSink

SAMPLE = 50
NEIGHBOURS = 10
_ITSELF = 5
"""So many segments may overlap the one whose neighbours are looked for."""
_OF_A_VIDEO, _MOST_LEFT_OUT = 20, 500
SAME_MODEL_RECALL = 0.95
OTHER_MODEL_RECALL = 0.3
"""Two models agree on the nearest segments only in part; below this, something else is wrong."""


@dataclass(frozen=True, slots=True)
class SearchComparison:
    """`recall` is the mean share of the nearest NEIGHBOURS that are the same in both; None if nothing was compared.

    Videos are the same if they have the same `identity`.
    """

    same_model: bool
    identity: Identity
    videos: int
    points_before: int
    points_after: int
    gaps: tuple[Gap, ...]
    recall: float | None
    compared: int

    @property
    def threshold(self) -> float:
        """The lowest recall that is accepted, unless the operator names another one."""
        return SAME_MODEL_RECALL if self.same_model else OTHER_MODEL_RECALL


async def compare_collections(
    sink: QdrantSink, before: CollectionInfo, after: CollectionInfo, options: Collection[str]
) -> SearchComparison:
    """`options` are those that the new collection gets. Raises what the sink raises.

    Videos are compared by name if no upload is in both.
    """
    same_model = before.model == after.model
    wanted = named(before.vectors, options)
    there, here = [await _coverage(sink, *it, "asset_id") for it in ((before, wanted), (after, options))]
    if here.ranges and not here.ranges.keys() & there.ranges.keys():
        there, here = [await _coverage(sink, *it, "filename") for it in ((before, wanted), (after, options))]
    found = gaps(there, here, ROUNDING_SEC if same_model else SEGMENT_SEC)
    pairs = [(old, named(options, [old])[0]) for old in wanted]
    sides = _Sides(sink, before.name, after.name, there, here)
    shares = [] if found else await _shares(sides, pairs, same_model=same_model)
    return SearchComparison(
        same_model,
        here.identity,
        len(there.ranges),
        there.points,
        here.points,
        tuple(found),
        fmean(shares) if shares else None,
        len(shares),
    )


async def _coverage(sink: QdrantSink, info: CollectionInfo, options: Collection[str], identity: Identity) -> Coverage:
    """Of the points with at least one of the options."""
    coverage = Coverage(identity)
    for index_id in await sink.indexes_in(info.name):
        async for page in sink.payloads(info.name, index_id, COVERAGE_KEYS):
            coverage.add(payload for payload in page if _has_one(payload, options))
    return coverage


def _has_one(payload: Mapping[str, Any], options: Collection[str]) -> bool:
    return any(option in options for option in payload.get("embedding_options") or ())


@dataclass(frozen=True, slots=True)
class _Sides:
    """The collections `before` and `after`, and what they cover: `there` and `here`."""

    sink: QdrantSink
    before: str
    after: str
    there: Coverage
    here: Coverage

    async def near(self, collection: str, option: str, vector: Float32, place: Place) -> list[Place]:
        """The nearest segments, without those that overlap the segment itself.

        Videos that are in one collection only are left out: one may be more current than the other.
        """
        both = self.there.ranges.keys() & self.here.ranges.keys()
        others = len(self.there.ranges.keys() ^ self.here.ranges.keys())
        limit = NEIGHBOURS + _ITSELF + min(others * _OF_A_VIDEO, _MOST_LEFT_OUT)
        found = await self.sink.moments.find(collection, {option: vector}, PointScope(), limit)
        places = [Place.of(it.payload, self.here.identity) for it in found]
        return [it for it in places if it.asset in both and not _overlaps(it, place)][:NEIGHBOURS]


def _overlaps(one: Place, other: Place) -> bool:
    return one.asset == other.asset and one.start < other.end and other.start < one.end


async def _shares(sides: _Sides, pairs: Sequence[tuple[str, str]], *, same_model: bool) -> list[float]:
    """For segments of a sample, and each option: the overlap of their neighbours."""
    shares = []
    for point, vectors in await sides.sink.moments.sample(sides.before, SAMPLE):
        place = Place.of(point.payload, sides.here.identity)
        if place.asset not in sides.here.found_in:
            continue
        others = vectors if same_model else await _there(sides, place)
        for old, new in pairs:
            if old in vectors and new in others:
                known = await sides.near(sides.before, old, vectors[old], place)
                found = await sides.near(sides.after, new, others[new], place)
                share = overlap(known, found, same_model=same_model)
                shares += [share] if share is not None else []
    return shares


async def _there(sides: _Sides, place: Place) -> Mapping[str, Float32]:
    """The vectors of the other model for the middle of this segment."""
    asset = sides.here.found_in[place.asset]
    found = await sides.sink.moments.at(sides.after, *asset, (place.start + place.end) / 2)
    by_option: dict[str, Float32] = {}
    for _, vectors in found:
        by_option = {**vectors, **by_option}
    return by_option
