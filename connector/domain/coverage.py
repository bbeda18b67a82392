"""Which parts of which videos two collections cover, and how alike the neighbours of a segment are in both."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

COVERAGE_KEYS = ("asset_id", "filename", "start_offset_sec", "end_offset_sec", "embedding_options")
ROUNDING_SEC = 0.05
SEGMENT_SEC = 10.0
"""The longest segment that Marengo makes. Models cut videos differently, so the last one may be missing."""

_JOINED_EVERY = 64
"""Ranges that touch are joined now and then, which saves memory."""

Range = tuple[float, float]
Identity = Literal["asset_id", "filename"]
"""What is equal in both collections. A video that was uploaded again has another asset id."""


@dataclass(frozen=True, slots=True)
class Place:
    """A segment of a video; `asset` is the same in all indexes that hold the video."""

    asset: str
    start: float
    end: float

    @classmethod
    def of(cls, payload: Mapping[str, Any], identity: Identity) -> "Place":
        return cls(video_of(payload, identity), float(payload["start_offset_sec"]), float(payload["end_offset_sec"]))


@dataclass(frozen=True, slots=True)
class Gap:
    """`missing`: nothing of the video is there; otherwise `seconds` is its longest part that is not."""

    asset: str
    missing: bool
    seconds: float


@dataclass(slots=True)
class Coverage:
    """The time ranges of each video; `found_in` is the (index id, indexed asset id) of one of its assets."""

    identity: Identity = "asset_id"
    ranges: dict[str, list[Range]] = field(default_factory=dict)
    found_in: dict[str, tuple[str, str]] = field(default_factory=dict)
    points: int = 0

    def add(self, payloads: Iterable[Mapping[str, Any]]) -> None:
        for payload in payloads:
            place = Place.of(payload, self.identity)
            ranges = self.ranges.setdefault(place.asset, [])
            ranges.append((place.start, place.end))
            if len(ranges) % _JOINED_EVERY == 0:
                ranges[:] = joined(ranges)
            self.found_in.setdefault(place.asset, (payload["index_id"], payload["indexed_asset_id"]))
            self.points += 1


def video_of(payload: Mapping[str, Any], identity: Identity) -> str:
    """The uploaded video behind an indexed asset: an index with another model has other indexed assets of it."""
    return str(payload.get(identity) or payload["indexed_asset_id"])


def joined(ranges: Iterable[Range]) -> list[Range]:
    """In order, without overlaps."""
    found: list[Range] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1] + ROUNDING_SEC:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def gaps(before: Coverage, after: Coverage, tolerance_sec: float) -> list[Gap]:
    """What `after` lacks of `before`, by video. Ignores parts that are not longer than the tolerance."""
    found = []
    for asset, ranges in sorted(before.ranges.items()):
        if asset not in after.ranges:
            found.append(Gap(asset, missing=True, seconds=sum(end - start for start, end in joined(ranges))))
            continue
        longest = max((end - start for start, end in _left(joined(ranges), joined(after.ranges[asset]))), default=0.0)
        if longest > tolerance_sec + ROUNDING_SEC:
            found.append(Gap(asset, missing=False, seconds=longest))
    return found


def _left(ranges: Sequence[Range], covered: Sequence[Range]) -> Iterable[Range]:
    """The parts of `ranges` that are not in `covered`; both are joined."""
    for start, end in ranges:
        at = start
        for first, last in covered:
            if first >= end:
                break
            if first > at:
                yield at, first
            at = max(at, last)
        if at < end:
            yield at, end


def overlap(before: Sequence[Place], after: Sequence[Place], *, same_model: bool) -> float | None:
    """The share of the neighbours in `before` that are also in `after`. None if there are no neighbours.

    Of the same model, the segments are the same. Models cut videos differently: then a part in common is enough.
    """
    if not before:
        return None
    found = sum(1 for one in before if any(_is_same(one, other, exactly=same_model) for other in after))
    return found / len(before)


def _is_same(one: Place, other: Place, *, exactly: bool) -> bool:
    if one.asset != other.asset:
        return False
    if exactly:
        return abs(one.start - other.start) < ROUNDING_SEC and abs(one.end - other.end) < ROUNDING_SEC
    return one.start < other.end and other.start < one.end
