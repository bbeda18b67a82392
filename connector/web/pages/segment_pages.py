"""The segments of an asset in pages: the list, and the timeline above it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from connector.domain.stored_segments import StoredSegment
from connector.web.pages.moment import ANCHOR, TimeRange, moment_query, time_range
from connector.web.pages.plain_text import plain
from connector.web.pages.timeline import Bar, Span, Timeline, colour, covered, options_of, timeline, window

PAGE_SEGMENTS = 200
MOST_CHOSEN = 5


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """`number` counts from 1, and is part of the id of the row."""

    number: int
    time: str
    href: str
    options: tuple[tuple[str, str], ...]
    """Name and colour class."""
    transcript: str
    scope: str
    highlighted: bool


@dataclass(frozen=True, slots=True)
class PageWindow:
    """One page of the list in the overview."""

    bar: Bar
    href: str
    title: str
    current: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole video in one strip, where each page of the list has its place."""

    lanes: tuple[tuple[str, tuple[Bar, ...]], ...]
    """Colour class and where there are segments."""
    windows: tuple[PageWindow, ...]
    moment: Bar | None


@dataclass(frozen=True, slots=True)
class SegmentPage:
    """`first` and `last` are numbers of segments, from 1; `pages` is at least 1. Links are relative queries."""

    total: int
    page: int
    pages: int
    first: int
    last: int
    previous: str | None
    next: str | None
    rows: tuple[SegmentRow, ...]
    timeline: Timeline
    overview: Overview | None
    found: int
    """Number of segments at the moment, on all pages."""

    @property
    def chosen(self) -> tuple[SegmentRow, ...]:
        """Those of them on this page, the first ones only."""
        return tuple(row for row in self.rows if row.highlighted)[:MOST_CHOSEN]


def read_page_number(query: Mapping[str, str]) -> int | None:
    """`page` of the query. Raises ValueError with a message for users."""
    text = query.get("page")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 8 and int(text)):  # noqa: PLR2004  digits
        raise ValueError("page is not a number of a page: 1, 2, 3 …")
    return int(text)


def page_count(segments: int) -> int:
    """At least 1."""
    return max(-(-segments // PAGE_SEGMENTS), 1)


def segment_page(
    segments: Sequence[StoredSegment], duration_sec: float | None, moment: TimeRange | None, wanted: int | None
) -> SegmentPage:
    """The wanted page; without one, that of the moment, else the first.

    `segments` are in the order of time; `wanted` is from 1 to their `page_count`.
    """
    found = [n for n, it in enumerate(segments) if moment and it.overlaps(moment.start_sec, moment.end_sec)]
    pages = page_count(len(segments))
    page = wanted or (found[0] // PAGE_SEGMENTS + 1 if found else 1)
    first = (page - 1) * PAGE_SEGMENTS
    shown = segments[first : first + PAGE_SEGMENTS]
    whole = Span(0.0, max([duration_sec or 0.0, *(it.end_sec for it in segments)]))
    span = whole if pages == 1 else _span(shown)
    return SegmentPage(
        total=len(segments),
        page=page,
        pages=pages,
        first=first + 1 if shown else 0,
        last=first + len(shown),
        previous=_page_query(page - 1) if page > 1 else None,
        next=_page_query(page + 1) if page < pages else None,
        rows=tuple(_rows(shown, first, set(found))),
        timeline=timeline(shown, span, moment),
        overview=None if pages == 1 else _overview(segments, whole, page, moment),
        found=len(found),
    )


def _span(segments: Sequence[StoredSegment]) -> Span:
    return Span(min(it.start_sec for it in segments), max(it.end_sec for it in segments))


def _rows(segments: Sequence[StoredSegment], first: int, found: set[int]) -> list[SegmentRow]:
    return [
        SegmentRow(
            number=number + 1,
            time=time_range(it.start_sec, it.end_sec),
            href=f"?{moment_query(it.start_sec, it.end_sec)}#{ANCHOR}",
            options=tuple((option, colour(option)) for option in it.options),
            transcript=plain(it.transcript),
            scope=it.scope,
            highlighted=number in found,
        )
        for number, it in enumerate(segments, first)
    ]


def _overview(segments: Sequence[StoredSegment], whole: Span, current: int, moment: TimeRange | None) -> Overview:
    windows = []
    for page, first in enumerate(range(0, len(segments), PAGE_SEGMENTS), 1):
        part = segments[first : first + PAGE_SEGMENTS]
        span = _span(part)
        title = f"Segments {first + 1:,} to {first + len(part):,}, {time_range(span.start_sec, span.end_sec)}"
        bar = window(whole, span.start_sec, span.end_sec)
        windows.append(PageWindow(bar, _page_query(page), title, page == current))
    lanes = tuple((colour(option), tuple(covered(segments, option, whole))) for option in options_of(segments))
    at = window(whole, moment.start_sec, moment.end_sec) if moment else None
    return Overview(lanes, tuple(windows), at)


def _page_query(page: int) -> str:
    return f"?{urlencode({'page': page})}#{ANCHOR}"
