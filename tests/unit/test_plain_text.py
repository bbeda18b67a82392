"""Texts of others in a line of a page: they cannot break it, turn it around, or make it endless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.web.pages.plain_text import cut, plain, value_text, without_middle

BAD = "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("match.mp4", "match.mp4"),
        ("<b>&\"'", "<b>&\"'"),
        ("Straße 東京 🎬", "Straße 東京 🎬"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("a\nb\t c\r\n", "a b c"),
        ("a\x00b\x1b[31m", f"a{BAD}b{BAD}[31m"),
        ("evil\u202e4pm.exe", f"evil{BAD}4pm.exe"),
        ("a\u2066b\ud800", f"a{BAD}b{BAD}"),
        ("", ""),
    ],
)
def test_a_text_is_one_line_without_control_characters(text: str, line: str) -> None:
    assert plain(text) == line


@given(st.text(max_size=200))
def test_a_line_can_be_encoded_and_is_stable(text: str) -> None:
    plain(text).encode()
    assert plain(plain(text)) == plain(text)


def test_a_long_name_keeps_its_beginning_and_its_end() -> None:
    assert without_middle("a" * 100 + ".mp4", 20) == "a" * 13 + "…" + "aa.mp4"
    assert without_middle("a" * 20, 20) == "a" * 20


def test_a_long_text_keeps_its_beginning() -> None:
    assert cut("word " * 10, 12) == "word word w…"
    assert cut("word word wo", 12) == "word word wo"
    assert cut("12345 789", 7) == "12345…"


@given(st.text(max_size=100), st.integers(3, 50))
def test_nothing_is_longer_than_asked_for(text: str, most: int) -> None:
    assert len(without_middle(text, most)) <= most
    assert len(cut(text, most)) <= most


@pytest.mark.parametrize(
    ("value", "shown"),
    [("text", "text"), (5, "5"), (True, "true"), (None, "null"), (["ü", 1.5], '["ü", 1.5]'), ({"a": {}}, '{"a": {}}')],
)
def test_a_value_that_is_no_text_is_json(value: object, shown: str) -> None:
    assert value_text(value) == shown
