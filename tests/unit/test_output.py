"""Human-readable output: text from elsewhere must not control the terminal."""

import pytest

from connector.cli.output import clock, span, text


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("cup-final.mp4", "cup-final.mp4"),
        ("Überraschung 会議.mp4", "Überraschung 会議.mp4"),
        ("\x1b]0;owned\x07.mp4", "\N{REPLACEMENT CHARACTER}]0;owned\N{REPLACEMENT CHARACTER}.mp4"),
        ("two\nlines", "two\N{REPLACEMENT CHARACTER}lines"),
        ("c1 \x9b31m", "c1 \N{REPLACEMENT CHARACTER}31m"),
        ("[red]no markup[/red]", r"\[red]no markup\[/red]"),
    ],
)
def test_words_from_elsewhere_are_words(given: str, shown: str) -> None:
    assert text(given) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(0.0, "0:00.0"), (75.26, "1:15.3"), (3723.4, "1:02:03.4")])
def test_moments_are_written_as_people_write_them(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (119.4, "119 s"),
        (120.0, "2 min"),
        (7200.0, "2 h"),
        (172_800.0, "2 d"),
        (86_400_000.0, "1,000 d"),
    ],
)
def test_lengths_of_time_are_short(seconds: float, shown: str) -> None:
    assert span(seconds) == shown


def test_a_countdown_has_whole_seconds() -> None:
    assert span(3.4, whole=True) == "3 s"
