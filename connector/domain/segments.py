"""Validate segments and spoken words of a retrieved asset; convert offsets to integer milliseconds."""

from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from connector.domain.arrays import Float32, Float64, Int64
from connector.domain.errors import MalformedAsset
from connector.domain.source_model import RetrievedAsset, SegmentColumn, Transcription

_LONGEST_SEC = 1e9

# Measured with Qdrant 1.16: it does not normalize a vector whose squared norm is below this.
_SMALLEST_SQUARE = np.finfo(np.float32).eps


@dataclass(frozen=True, slots=True, eq=False)
class CheckedColumn:
    """A validated column: `start_ms` and `end_ms` have shape (n,), `vectors` has shape (n, dimension)."""

    option: str
    scope: str
    start_ms: Int64
    end_ms: Int64
    vectors: Float32

    @classmethod
    def of(cls, retrieved: RetrievedAsset, column: SegmentColumn) -> "CheckedColumn":
        what = f"{column.option} segments"
        _check_offsets(retrieved, what, column.start_sec, column.end_sec)
        _check_vectors(retrieved, what, column.vectors)
        return cls(column.option, column.scope, _ms(column.start_sec), _ms(column.end_sec), column.vectors)


@dataclass(frozen=True, slots=True, eq=False)
class SpokenWords:
    """Spoken words with valid times, sorted by (start, end); `dropped` counts words with an invalid time range."""

    start_ms: Int64
    end_ms: Int64
    values: tuple[str, ...]
    dropped: int

    @classmethod
    def of(cls, spoken: Transcription | None) -> "SpokenWords | None":
        if spoken is None or not spoken.values:
            return None
        usable = np.flatnonzero(~_unusable(spoken.start_sec, spoken.end_sec))
        order = usable[np.lexsort((spoken.end_sec[usable], spoken.start_sec[usable]))]
        values = tuple(spoken.values[i].strip() for i in order)
        dropped = len(spoken.values) - len(order)
        return cls(_ms(spoken.start_sec[order]), _ms(spoken.end_sec[order]), values, dropped)

    def within(self, start_ms: Int64, end_ms: Int64) -> tuple[str, ...]:
        """For each [start, end) the words that overlap it; a word of zero length counts where it starts.

        Words before `first` end too early, and words from `stop` on begin too late.
        """
        latest_end = np.maximum.accumulate(self.end_ms)
        first = np.minimum(latest_end.searchsorted(start_ms, "right"), self.start_ms.searchsorted(start_ms, "left"))
        stop = np.maximum(self.start_ms.searchsorted(end_ms, "left"), first)
        ranges = zip(start_ms.tolist(), first.tolist(), stop.tolist(), strict=True)
        return tuple(self._overlapping(*one) for one in ranges)

    def _overlapping(self, start: int, first: int, stop: int) -> str:
        """Of the words from `first` to before `stop`, those that do not end too early."""
        overlaps = (self.end_ms[first:stop] > start) | (self.start_ms[first:stop] == start)
        values = self.values[first:stop]
        if not overlaps.all():
            values = tuple(compress(values, overlaps))
        return " ".join(filter(None, values))


def _check_offsets(retrieved: RetrievedAsset, what: str, start_sec: Float64, end_sec: Float64) -> None:
    finite = np.isfinite(start_sec) & np.isfinite(end_sec)
    if not finite.all():
        raise malformed(retrieved, f"{what}: time range {_first(~finite)} is not finite")
    wrong = _unusable(start_sec, end_sec)
    if wrong.any():
        i = _first(wrong)
        cause = f"{what}: time range {i} runs from {start_sec[i]:g} to {end_sec[i]:g} seconds"
        raise malformed(retrieved, cause)


def _unusable(start_sec: Float64, end_sec: Float64) -> NDArray[np.bool_]:
    """Negated, because every comparison with NaN is false."""
    return ~((start_sec >= 0) & (end_sec >= start_sec) & (end_sec <= _LONGEST_SEC))


def _check_vectors(retrieved: RetrievedAsset, what: str, vectors: Float32) -> None:
    """Qdrant normalizes in float32: it stores zeros if the norm overflows, and the raw vector if it is tiny."""
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        raise malformed(retrieved, f"{what}: vector {_first(~finite)} contains a number that is not a finite float32")
    with np.errstate(over="ignore", under="ignore"):
        squares = np.einsum("ij,ij->i", vectors, vectors)
    long = ~np.isfinite(squares)
    if long.any():
        raise malformed(retrieved, f"{what}: the norm of vector {_first(long)} is not a finite float32")
    short = squares < _SMALLEST_SQUARE
    if short.any():
        i = _first(short)
        cause = f"the norm of vector {i} is too small to normalize" if vectors[i].any() else f"vector {i} is all zero"
        raise malformed(retrieved, f"{what}: {cause}")


def malformed(retrieved: RetrievedAsset, cause: str) -> MalformedAsset:
    advice = "No point of it was stored; re-index it in TwelveLabs, or report it to TwelveLabs"
    return MalformedAsset("read embeddings of asset", retrieved.asset.indexed_asset_id, cause, advice)


def _ms(seconds: Float64) -> Int64:
    """Round half to even, like Python's round()."""
    return np.rint(seconds * 1000).astype(np.int64)


def _first(mask: NDArray[np.bool_] | np.bool_) -> int:
    return int(np.argmax(mask))
