"""Numbers, durations and times as the pages show them, and what the templates make of text."""

import pytest

from connector.domain.report import CycleKind
from connector.web.pages import formats
from connector.web.pages.rendering import due_at, prose, time_at

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, formats.NONE),
        (0, "0"),
        (999, "999"),
        (1234567, "1,234,567"),
        (1.25, "1.2"),
        (1234.56, "1,234.6"),
        (2.04, "2"),
    ],
)
def test_a_number(value: float | None, text: str) -> None:
    assert formats.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, formats.NONE),
        (-3.0, "0 s"),
        (0.0, "0 s"),
        (4.26, "4.3 s"),
        (10.4, "10 s"),
        (59.7, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (3601, "1 h"),
        (18_120, "5 h 2 min"),
        (273_600, "3 d 4 h"),
        (1e9, "11574 d 1 h"),
    ],
)
def test_a_duration(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("after", "text"),
    [
        (0, "now"),
        (-1, "now"),
        (-2, "2 s ago"),
        (-59.4, "59 s ago"),
        (-60, "1 min ago"),
        (45, "in 45 s"),
        (7200, "in 2 h"),
        (-200_000, "2 d ago"),
    ],
)
def test_a_time_is_relative_and_says_when_exactly(after: float, text: str) -> None:
    assert formats.relative(NOW + after, NOW) == text
    assert f">{text}</time>" in time_at(NOW + after, NOW)


def test_a_time_has_its_exact_utc_time() -> None:
    exact = '<time datetime="2027-01-15T08:00:00Z" title="2027-01-15 08:00:00 UTC" data-relative>now</time>'

    assert time_at(NOW, NOW) == time_at("2027-01-15T08:00:00.000Z", NOW) == exact


@pytest.mark.parametrize(("after", "text"), [(-6, "due"), (0, "due"), (6, "in 6 s")])
def test_what_should_have_begun_is_due(after: float, text: str) -> None:
    assert f"data-relative data-due>{text}</time>" in due_at(NOW + after, NOW)
    assert due_at(None, NOW) == formats.NONE


@pytest.mark.parametrize("at", [None, "", "<script>", "yesterday"])
def test_what_is_no_time_is_a_dash(at: str | None) -> None:
    assert time_at(at, NOW) == formats.NONE


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (65.9, "1:05"), (3723, "1:02:03")])
def test_a_position_in_a_video(seconds: float, text: str) -> None:
    assert formats.clock(seconds) == text


def test_long_text_is_cut() -> None:
    assert formats.shortened("x" * 120) == "x" * 120
    assert formats.shortened("x" * 10_000) == "x" * 119 + "…"


def test_characters_that_turn_the_direction_are_not_shown() -> None:
    assert formats.shortened("a\u202egpj.exe\x1b\n b") == "a\ufffdgpj.exe\ufffd b"


def test_every_kind_of_work_has_its_words() -> None:
    assert [kind for kind in (*CycleKind, "starting", "waiting") if formats.doing(kind) == kind] == []
    assert formats.doing("something new") == "something new"


def test_code_in_prose_is_marked_and_everything_is_escaped() -> None:
    assert prose("run `a <b>` & <c>") == "run <code>a &lt;b&gt;</code> &amp; &lt;c&gt;"
