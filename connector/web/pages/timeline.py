"""Segments on a timeline: one lane per embedding option, drawn as SVG. Pure.

Horizontal places are percentages of the width, so that the drawing needs no scripts and no styles to fit.
Vertical ones are CSS pixels.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from connector.domain.marengo import OPTION_ORDER
from connector.domain.stored_segments import StoredSegment
from connector.web.pages.formats import clock
from connector.web.pages.moment import ANCHOR, TimeRange, moment_query, time_range

_STEPS_SEC = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400)
_MOST_TICKS = 9
_LABEL, _ROW, _GAP, _AXIS = 20, 24, 10, 22
_MOST_ROWS = 4
"""Overlapping segments of one option are drawn below each other, in so many rows."""
_LEAST_WIDTH = 0.15
_LONGEST_TITLE = 300
_NO_OPTION = "no option"


@dataclass(frozen=True, slots=True)
class Span:
    """`start_sec` to `end_sec`, which the whole width shows."""

    start_sec: float
    end_sec: float

    def x(self, seconds: float) -> float:
        """Percentage of the width, within the span."""
        length = self.end_sec - self.start_sec
        share = (seconds - self.start_sec) / length if length > 0 else 0.0
        return 100 * min(max(share, 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of the width, in percent."""

    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Box:
    """A segment; `y` and `height` are in pixels."""

    bar: Bar
    y: int
    height: int
    href: str
    title: str
    highlighted: bool


@dataclass(frozen=True, slots=True)
class Lane:
    option: str
    colour: str
    segments: int
    y: int
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    x: str
    label: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """`axis` is the y of the ticks; `moment` is where the highlighted time is, None if it is not in the span."""

    span: Span
    height: int
    axis: int
    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    moment: Bar | None


def timeline(segments: Sequence[StoredSegment], span: Span, moment: TimeRange | None) -> Timeline:
    """Lanes of these segments, which are in the order of time."""
    lanes, y = [], 0
    for option in options_of(segments):
        mine = [it for it in segments if option in (it.options or (_NO_OPTION,))]
        rows = _rows(mine)
        top = y + _LABEL
        boxes = tuple(
            Box(
                _bar(span, it.start_sec, it.end_sec),
                top + row * _ROW,
                _ROW - 3,
                f"?{moment_query(it.start_sec, it.end_sec)}#{ANCHOR}",
                _title(option, it),
                moment is not None and it.overlaps(moment.start_sec, moment.end_sec),
            )
            for it, row in zip(mine, rows, strict=True)
        )
        lanes.append(Lane(option, colour(option), len(mine), y, boxes))
        y = top + (max(rows, default=0) + 1) * _ROW + _GAP
    return Timeline(span, y + _AXIS, y, tuple(lanes), ticks(span), _moment(span, moment))


def options_of(segments: Sequence[StoredSegment]) -> list[str]:
    """The options that the segments have, in the usual order; `no option` for segments without one."""
    return in_order({option for it in segments for option in (it.options or (_NO_OPTION,))})


def in_order(options: Collection[str]) -> list[str]:
    """The usual order; options that are not known come last."""
    known = [option for option in OPTION_ORDER if option in options]
    return [*known, *sorted(set(options) - set(known))]


def colour(option: str) -> str:
    """The class that colours an option."""
    return option if option in OPTION_ORDER else "other"


def covered(segments: Sequence[StoredSegment], option: str, span: Span) -> list[Bar]:
    """Where segments of the option are, as few bars: gaps that nobody would see are closed."""
    bars, least = list[tuple[float, float]](), (span.end_sec - span.start_sec) * _LEAST_WIDTH / 100
    for it in segments:
        if option not in (it.options or (_NO_OPTION,)):
            continue
        if bars and it.start_sec <= bars[-1][1] + least:
            bars[-1] = (bars[-1][0], max(bars[-1][1], it.end_sec))
        else:
            bars.append((it.start_sec, it.end_sec))
    return [_bar(span, start, end) for start, end in bars]


def ticks(span: Span) -> tuple[Tick, ...]:
    """Round positions, evenly spaced; the labels at the edges stay inside."""
    length = span.end_sec - span.start_sec
    step = next((it for it in _STEPS_SEC if length / it <= _MOST_TICKS), length / _MOST_TICKS)
    places = [n * step for n in range(int(span.start_sec // step), int(span.end_sec // step) + 1)] if step else [0.0]
    inside = [place for place in places if span.start_sec <= place <= span.end_sec]
    return tuple(Tick(f"{x:.3f}%", clock(place), _anchor(x)) for place in inside for x in [span.x(place)])


def window(span: Span, start_sec: float, end_sec: float) -> Bar:
    return _bar(span, start_sec, end_sec)


def _bar(span: Span, start_sec: float, end_sec: float) -> Bar:
    left = min(span.x(start_sec), 100 - _LEAST_WIDTH)
    return Bar(f"{left:.3f}%", f"{max(span.x(end_sec) - left, _LEAST_WIDTH):.3f}%")


def _moment(span: Span, moment: TimeRange | None) -> Bar | None:
    if moment is None or moment.end_sec < span.start_sec or moment.start_sec > span.end_sec:
        return None
    return _bar(span, moment.start_sec, moment.end_sec)


def _rows(segments: Sequence[StoredSegment]) -> list[int]:
    """The row of each segment: the first one that is free, or the last one of all."""
    ends, rows = list[float](), []
    for it in segments:
        free = next((row for row, end in enumerate(ends) if end <= it.start_sec), len(ends))
        row = min(free, _MOST_ROWS - 1)
        if row == len(ends):
            ends.append(it.end_sec)
        ends[row] = max(ends[row], it.end_sec)
        rows.append(row)
    return rows


def _title(option: str, segment: StoredSegment) -> str:
    said = segment.transcript
    shown = f"{said[:_LONGEST_TITLE]}…" if len(said) > _LONGEST_TITLE else said
    head = f"{time_range(segment.start_sec, segment.end_sec)} · {option}"
    return f"{head}\n{shown}" if shown else head


def _anchor(x: float) -> str:
    """The SVG text-anchor."""
    return "start" if x < 2 else "end" if x > 98 else "middle"  # noqa: PLR2004  percent
