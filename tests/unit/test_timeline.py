"""The timeline: where segments are drawn, and that many of them stay few and inside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.stored_segments import StoredSegment
from connector.web.pages.moment import TimeRange
from connector.web.pages.timeline import Bar, Box, Span, covered, options_of, ticks, timeline

TIMES = st.tuples(st.integers(0, 100_000), st.integers(0, 30_000)).map(lambda it: (it[0] / 10, (it[0] + it[1]) / 10))
SEGMENTS = st.lists(TIMES, max_size=60).map(lambda found: sorted(segment(*it) for it in found))


def segment(start: float, end: float, *options: str, transcript: str = "") -> StoredSegment:
    return StoredSegment(start, end, "clip", options or ("visual",), transcript)


def percent(text: str) -> float:
    assert text.endswith("%")
    return float(text[:-1])


def boxes(*segments: StoredSegment) -> dict[str, list[Box]]:
    """Option -> its boxes, where the width is 100 seconds."""
    return {lane.option: list(lane.boxes) for lane in timeline(segments, Span(0, 100), None).lanes}


def test_a_segment_is_where_its_time_is() -> None:
    found = boxes(segment(25, 50, "visual", "audio"), segment(50, 100, "audio"))

    assert list(found) == ["visual", "audio"]
    assert [it.bar for it in found["visual"]] == [Bar("25.000%", "25.000%")]
    assert [it.bar for it in found["audio"]] == [Bar("25.000%", "25.000%"), Bar("50.000%", "50.000%")]
    assert [it.href for it in found["audio"]] == ["?from=25&to=50#moment", "?from=50&to=100#moment"]


def test_a_title_has_the_time_and_the_words() -> None:
    (silent,), (spoken,) = boxes(segment(0, 6.5)).values(), boxes(segment(0, 6, transcript="w" * 400)).values()

    assert silent[0].title == "0:00.0 \N{EN DASH} 0:06.5 · visual"
    assert spoken[0].title.splitlines() == ["0:00.0 \N{EN DASH} 0:06.0 · visual", "w" * 300 + "…"]


def test_lanes_are_in_the_usual_order_and_do_not_touch() -> None:
    found = timeline([segment(0, 1, "transcription", "surprise", "visual", "audio")], Span(0, 1), None)

    assert [lane.option for lane in found.lanes] == ["visual", "audio", "transcription", "surprise"]
    assert [lane.colour for lane in found.lanes] == ["visual", "audio", "transcription", "other"]
    for above, below in zip(found.lanes, found.lanes[1:], strict=False):
        assert max(it.y + it.height for it in above.boxes) < below.y
    assert found.axis < found.height


def test_a_segment_without_an_option_is_shown_all_the_same() -> None:
    plain = StoredSegment(0, 1, "clip", (), "")

    assert options_of([plain]) == ["no option"]
    assert len(boxes(plain)["no option"]) == 1
    assert covered([plain], "no option", Span(0, 1)) == [Bar("0.000%", "100.000%")]


def test_overlapping_segments_are_below_each_other() -> None:
    """In at most four rows; the last row takes what is left."""
    found = boxes(*(segment(start, 60) for start in range(6)))["visual"]
    apart = boxes(segment(0, 10), segment(5, 15), segment(10, 20))["visual"]

    assert len({it.y for it in found}) == 4
    assert apart[0].y == apart[2].y < apart[1].y


def test_the_moment_is_marked_and_so_are_its_segments() -> None:
    segments = [segment(0, 6), segment(6, 12), segment(12, 18)]
    found = timeline(segments, Span(0, 20), TimeRange(6, 12))

    assert found.moment == Bar("30.000%", "30.000%")
    assert [it.highlighted for it in found.lanes[0].boxes] == [False, True, False]
    assert timeline(segments, Span(0, 20), None).moment is None
    assert timeline(segments, Span(0, 20), TimeRange(21, 22)).moment is None


@given(SEGMENTS, st.booleans())
def test_nothing_is_drawn_outside(segments: list[StoredSegment], whole: bool) -> None:
    span = Span(0, max([it.end_sec for it in segments], default=0)) if whole else Span(500, 700)
    found = timeline(segments, span, TimeRange(0, 1))

    bars = [box.bar for lane in found.lanes for box in lane.boxes] + covered(segments, "visual", span)
    for bar in bars:
        assert 0 <= percent(bar.x) <= 100
        assert percent(bar.width) > 0
        assert percent(bar.x) + percent(bar.width) <= 100.002
    assert sum(len(lane.boxes) for lane in found.lanes) == len(segments)
    assert all(0 <= box.y < box.y + box.height <= found.axis for lane in found.lanes for box in lane.boxes)


def test_segments_that_follow_each_other_are_one_bar() -> None:
    four_hours = [segment(2 * n, 2 * n + 2) for n in range(7200) if n != 3600]

    found = covered(four_hours, "visual", Span(0, 14_400))

    assert len(found) == 1, "a gap of two seconds in four hours is smaller than a pixel"
    assert len(covered([segment(0, 40), segment(60, 100)], "visual", Span(0, 100))) == 2
    assert covered([segment(0, 40)], "audio", Span(0, 100)) == []


@given(SEGMENTS)
def test_no_strip_has_more_bars_than_can_be_seen(segments: list[StoredSegment]) -> None:
    assert len(covered(segments, "visual", Span(0, 13_000))) <= 100 / 0.15 + 1


@pytest.mark.parametrize(
    ("span", "labels"),
    [
        (Span(0, 0), ["0:00"]),
        (Span(0, 6), ["0:00", "0:01", "0:02", "0:03", "0:04", "0:05", "0:06"]),
        (Span(0, 60), ["0:00", "0:10", "0:20", "0:30", "0:40", "0:50", "1:00"]),
        (Span(95, 100), ["1:35", "1:36", "1:37", "1:38", "1:39", "1:40"]),
        (
            Span(0, 14_400),
            ["0:00", "30:00", "1:00:00", "1:30:00", "2:00:00", "2:30:00", "3:00:00", "3:30:00", "4:00:00"],
        ),
    ],
)
def test_ticks_are_round_positions(span: Span, labels: list[str]) -> None:
    assert [it.label for it in ticks(span)] == labels


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_there_are_never_many_ticks(start: float, length: float) -> None:
    assert len(ticks(Span(start, start + length))) <= 11


def test_labels_at_the_edges_stay_inside() -> None:
    assert [it.anchor for it in ticks(Span(0, 2))] == ["start", "middle", "end"]
