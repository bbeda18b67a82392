"""The list of segments in pages, and which page shows a moment."""

import pytest

from connector.domain.stored_segments import StoredSegment
from connector.web.pages.moment import TimeRange
from connector.web.pages.segment_pages import PAGE_SEGMENTS, page_count, read_page_number, segment_page


def segments(count: int) -> list[StoredSegment]:
    return [StoredSegment(2.0 * n, 2.0 * n + 2, "clip", ("visual",), f"word {n}") for n in range(count)]


FEW, MANY = segments(10), segments(7200)


def test_few_segments_are_one_page_without_an_overview() -> None:
    found = segment_page(FEW, 25.0, None, None)

    assert (found.total, found.page, found.pages, found.first, found.last) == (10, 1, 1, 1, 10)
    assert (found.previous, found.next, found.overview) == (None, None, None)
    assert found.timeline.span.end_sec == 25.0, "of the whole video"
    assert [row.number for row in found.rows] == list(range(1, 11))
    assert found.rows[3].href == "?from=6&to=8#moment"
    assert found.rows[3].transcript == "word 3"


def test_no_segments_are_an_empty_page() -> None:
    found = segment_page([], None, TimeRange(0, 1), None)

    assert (found.total, found.page, found.pages, found.first, found.last, found.rows) == (0, 1, 1, 0, 0, ())
    assert (found.found, found.timeline.lanes) == (0, ())


def test_many_segments_are_pages_with_an_overview() -> None:
    found = segment_page(MANY, 14_400.0, None, 2)

    assert (found.pages, page_count(7200)) == (36, 36)
    assert (found.first, found.last) == (PAGE_SEGMENTS + 1, 2 * PAGE_SEGMENTS)
    assert (found.previous, found.next) == ("?page=1#moment", "?page=3#moment")
    assert (found.timeline.span.start_sec, found.timeline.span.end_sec) == (400.0, 800.0)
    assert found.overview is not None
    assert [it.current for it in found.overview.windows] == [False, True, *[False] * 34]
    assert found.overview.windows[1].title == "Segments 201 to 400, 6:40.0 \N{EN DASH} 13:20.0"
    assert len(found.overview.lanes) == 1
    assert len(found.overview.lanes[0][1]) == 1, "they follow each other: one bar"


@pytest.mark.parametrize(("page", "links"), [(1, (None, "?page=2#moment")), (36, ("?page=35#moment", None))])
def test_the_first_and_the_last_page_lead_one_way(page: int, links: tuple[str | None, str | None]) -> None:
    found = segment_page(MANY, None, None, page)

    assert (found.previous, found.next) == links


def test_a_moment_is_on_its_page() -> None:
    found = segment_page(MANY, 14_400.0, TimeRange(8000, 8002), None)

    assert (found.page, found.found) == (21, 1)
    assert [row.number for row in found.rows if row.highlighted] == [4001]
    assert found.chosen == (found.rows[0],)
    assert found.timeline.moment is not None
    assert found.overview is not None
    assert found.overview.moment is not None


def test_a_wanted_page_counts_more_than_the_moment() -> None:
    found = segment_page(MANY, 14_400.0, TimeRange(8000, 8002), 1)

    assert (found.page, found.found, found.chosen, found.timeline.moment) == (1, 1, (), None)


def test_a_moment_without_a_segment_is_no_error() -> None:
    found = segment_page(FEW, 25.0, TimeRange(22, 23), None)

    assert (found.page, found.found) == (1, 0)


def test_of_many_segments_at_a_moment_the_first_are_told() -> None:
    assert [row.number for row in segment_page(FEW, 20.0, TimeRange(0, 20), None).chosen] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 1), (200, 1), (201, 2), (400, 2), (401, 3)])
def test_the_number_of_pages(count: int, pages: int) -> None:
    assert page_count(count) == pages


@pytest.mark.parametrize(("query", "page"), [({}, None), ({"page": "1"}, 1), ({"page": "0036"}, 36)])
def test_a_page_number_is_read(query: dict[str, str], page: int | None) -> None:
    assert read_page_number(query) == page


@pytest.mark.parametrize("text", ["", "0", "-1", "x", "1.0", "\N{ARABIC-INDIC DIGIT ONE}", "9" * 8, "1 "])
def test_what_is_no_page_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="page is not a number of a page"):
        read_page_number({"page": text})
