"""Text that PostgreSQL cannot store is escaped without loss."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.ledger.postgres.escaped_text import MARK, escaped, unescaped

ODD = st.text(st.sampled_from(f"\0a0d8{MARK}\ud800\udfff\ue001🎬")) | st.text(st.characters(exclude_categories=()))


@given(ODD)
def test_it_is_read_as_it_was(text: str) -> None:
    assert unescaped(escaped(text)) == text


@given(ODD)
def test_what_is_stored_has_neither_nul_nor_lone_surrogates(text: str) -> None:
    stored = escaped(text)

    assert "\0" not in stored
    assert stored.encode().decode() == stored


@given(ODD, ODD)
def test_different_texts_stay_different(one: str, other: str) -> None:
    assert (escaped(one) == escaped(other)) == (one == other)


@given(ODD, ODD)
def test_a_part_of_a_text_is_found_in_what_is_stored(one: str, other: str) -> None:
    assert escaped(one) in escaped(f"{other}{one}{other}")


@pytest.mark.parametrize("text", ["", "plain", "ä", "🎬", "\ue001", "%00", "\\u0000"])
def test_other_text_is_stored_as_it_is(text: str) -> None:
    assert escaped(text) == text


@pytest.mark.parametrize("text", [f"{MARK}x", f"{MARK}", f"{MARK}d7ff", f"a{MARK}e000"])
def test_text_that_somebody_else_wrote_is_read_as_it_is(text: str) -> None:
    assert unescaped(text) == text
