"""Orders moments: by asset, by the scores of a reranker, by rank across models. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from connector.domain.errors import ConfigError
from connector.search.intervals import best_first
from connector.search.results import Moment, Moments


def grouped(moments: Iterable[Moment]) -> list[Moment]:
    """The best moment of each asset, with its others inside; in the order of `moments`, which are best first."""
    by_asset: dict[tuple[str, str], list[Moment]] = {}
    for moment in moments:
        by_asset.setdefault((moment.index_id, moment.indexed_asset_id), []).append(moment)
    return [replace(best, others=tuple(others)) for best, *others in by_asset.values()]


def reranked(moments: Sequence[Moment], scores: Sequence[float]) -> list[Moment]:
    """With these scores instead, best first. Raises ConfigError unless there is one finite number for each moment."""
    try:
        numbers = [float(score) for score in scores]
    except (TypeError, ValueError) as error:
        raise _wrong(f"it did not return numbers: {error}") from None
    if len(numbers) != len(moments):
        raise _wrong(f"it returned {len(numbers)} scores for {len(moments)} moments")
    if not all(map(math.isfinite, numbers)):
        raise _wrong("it returned a score that is not a finite number")
    return sorted((replace(it, score=score) for it, score in zip(moments, numbers, strict=True)), key=best_first)


def across(lists: Sequence[Moments], limit: int, *, by_asset: bool = False) -> Moments:
    """One list by rank: the best of each model, then the second of each, and so on.

    Scores of different models are not comparable, so only the rank counts; of one rank, the newest model comes first.
    Two collections of one model may have the same segments, as during a reindex: each comes once, at its best rank.
    So does each asset of a model, if the moments are grouped by asset.
    """
    ranked = [(rank, order, it) for order, found in enumerate(lists) for rank, it in enumerate(found.moments)]
    moments, shown = list[Moment](), set[tuple[str, ...]]()
    for _, _, moment in sorted(ranked, key=lambda it: it[:2]):
        keys = _asset_key(moment) if by_asset else _segment_keys(moment)
        if not keys & shown:
            moments.append(moment)
            shown |= keys
    answers = [found.near for found in lists if found.error is None]
    near = True if True in answers else None if None in answers or not answers else False
    error = next((found.error for found in lists if found.error), None)
    complete = len(moments) <= limit and all(found.complete for found in lists)
    return Moments("", "", tuple(moments[:limit]), near, error, complete)


def _asset_key(moment: Moment) -> set[tuple[str, ...]]:
    return {(moment.model, moment.index_id, moment.indexed_asset_id)}


def _segment_keys(moment: Moment) -> set[tuple[str, ...]]:
    return {(it.point_id,) for it in moment.parts or (moment,)}


def _wrong(cause: str) -> ConfigError:
    return ConfigError("rerank", "moments", cause, "Return one number for each moment, in their order")
