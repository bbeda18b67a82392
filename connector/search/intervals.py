"""Merges neighbouring segments of an asset into intervals. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from connector.search.results import Moment

IsJoined = Callable[[Moment], bool]


def merged(moments: Iterable[Moment], gap_sec: float, is_joined: IsJoined = lambda _: True) -> list[Moment]:
    """Join segments of one asset that overlap, touch, or are at most `gap_sec` apart; best first.

    An interval has the score, metadata and link of its best segment, and the highest similarity of each option. Its
    transcript joins those of its segments, by time. Segments without a neighbour stay as they are, and so do those that
    are not to be joined, but they are dropped where an interval covers a part of them.
    """
    by_asset: dict[tuple[str, str], list[Moment]] = {}
    for moment in moments:
        by_asset.setdefault((moment.index_id, moment.indexed_asset_id), []).append(moment)
    found = []
    for segments in by_asset.values():
        joined = [_joined(run) for run in _runs([it for it in segments if is_joined(it)], _ms(gap_sec))]
        rest = [it for it in segments if not is_joined(it)]
        found += [*joined, *(it for it in rest if not any(_overlap(it, interval) for interval in joined))]
    return sorted(found, key=best_first)


def best_first(moment: Moment) -> tuple[float, str, str, float, float, str]:
    """Sort key: by score, and then always in the same order."""
    place = (moment.index_id, moment.indexed_asset_id, moment.start_sec, moment.end_sec, moment.point_id)
    return (-moment.score, *place)


def _runs(segments: Sequence[Moment], gap_ms: int) -> list[list[Moment]]:
    """In milliseconds, to which offsets are rounded: a sum of floats would miss a gap of exactly that length."""
    runs: list[list[Moment]] = []
    end_ms = 0
    for segment in sorted(segments, key=lambda it: (it.start_sec, it.end_sec, it.point_id)):
        if runs and _ms(segment.start_sec) - end_ms <= gap_ms:
            runs[-1].append(segment)
            end_ms = max(end_ms, _ms(segment.end_sec))
        else:
            runs.append([segment])
            end_ms = _ms(segment.end_sec)
    return runs


def _joined(run: Sequence[Moment]) -> Moment:
    if len(run) == 1:
        return run[0]
    best = min(run, key=best_first)
    scores: dict[str, float] = {}
    for segment in run:
        for option, similarity in segment.scores.items():
            scores[option] = max(similarity, scores.get(option, similarity))
    spoken = dict.fromkeys(segment.transcript for segment in run if segment.transcript)
    return replace(
        best,
        start_sec=min(segment.start_sec for segment in run),
        end_sec=max(segment.end_sec for segment in run),
        scores=scores,
        options=tuple(dict.fromkeys(option for segment in run for option in segment.options)),
        transcript=" ".join(spoken),
        parts=tuple(run),
    )


def _overlap(one: Moment, other: Moment) -> bool:
    return one.start_sec < other.end_sec and other.start_sec < one.end_sec


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
