"""JSON split into its parts without decoding it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.twelvelabs.json_decoding import as_object, elements, members, readable

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.lists(JSON), st.sampled_from([None, 1]))
def test_an_array_is_cut_into_its_elements(values: list[Any], indent: int | None) -> None:
    parts = elements(json.dumps(values, indent=indent).encode())

    assert parts is not None
    assert [json.loads(part) for part in parts] == values


@given(st.dictionaries(st.text(), JSON), st.booleans())
def test_an_object_is_cut_into_its_members_and_put_together_again(values: dict[str, Any], ascii_only: bool) -> None:
    parts = members(json.dumps(values, ensure_ascii=ascii_only).encode())

    assert parts is not None
    assert [json.loads(part) for part in parts.values()] == list(values.values())
    assert json.loads(as_object(parts)) == values


@given(JSON, st.booleans())
def test_text_that_is_valid_unicode_stays_as_it_is(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only).encode()

    assert readable(text) == text


@given(st.text(st.characters(categories=["L", "N", "S", "Cs"])))
def test_lone_surrogates_are_spelled_out(text: str) -> None:
    """Two of them that form a pair in JSON are one character, and stay one."""
    sent = json.dumps(text)
    spelled = [rf"\u{ord(char):04x}" if 0xD800 <= ord(char) < 0xE000 else char for char in json.loads(sent)]

    assert json.loads(readable(sent.encode())) == "".join(spelled)


@pytest.mark.parametrize("body", [b"", b"5", b"[1", b'{"a": 1', b'["a', b"[1] x", b"[" * 50_000, b"}", b'"[]"'])
def test_what_is_not_complete_has_no_parts(body: bytes) -> None:
    assert elements(body) is None
    assert members(body) is None


def test_depth_does_not_matter() -> None:
    deep = b'{"a":' * 50_000 + b"1" + b"}" * 50_000

    assert elements(b"[%b, 2]" % deep) == [deep, b"2"]
    assert members(b'{"x": %b, "y": 2}' % deep) == {"x": deep, "y": b"2"}
