"""What the profile `frameworks` adds to a point, and what it may never be called."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.payload_profile import DERIVED_KEYS, NESTED_KEYS, SOURCE_KEYS, derived_keys, segment_text
from connector.domain.points import build
from tests.builders import asset, column, index, retrieved, spoken

RESERVED = {"_node_content", "_node_type", "node_info", "relationships", "doc_id", "document_id", "ref_doc_id", "id"}
"""LlamaIndex takes these keys of a payload as its own, and reads or removes them."""
TO = "\N{EN DASH}"
ANY = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=2)


def payload(**facts: Any) -> dict[str, Any]:
    words = spoken((1, 2, "listen"), (2, 3, "to"), (7, 8, "silence"))
    answer = retrieved(column("visual", [(0, 6), (6, 12)]), words=words, metadata={"a": [1]}, of=asset(**facts))
    return build(answer, index(), "print-1", payload_profile="frameworks").payload(0, ["visual"])


@pytest.mark.parametrize(
    ("filename", "start", "end", "transcript", "text"),
    [
        ("cup.mp4", 12.8, 19.867, "goal", f"cup.mp4 0:13{TO}0:20 goal"),
        ("cup.mp4", 0, 6, "", f"cup.mp4 0:00{TO}0:06"),
        ("cup.mp4", 0.499, 0.5, None, f"cup.mp4 0:00{TO}0:01"),
        (" my cup.mp4 ", 59.5, 60.4, " a  b ", f"my cup.mp4 1:00{TO}1:00 a  b"),
        (None, 599, 600, "x", f"asset-1 9:59{TO}10:00 x"),
        ("", 3599.5, 3661, "x", f"asset-1 1:00:00{TO}1:01:01 x"),
        (" \n", 36_000, 360_000, "\t", f"asset-1 10:00:00{TO}100:00:00"),
    ],
)
def test_the_text_of_a_segment(
    filename: str | None, start: float, end: float, transcript: str | None, text: str
) -> None:
    assert segment_text(filename, "asset-1", start, end, transcript) == text


def test_a_point_gets_the_text_twice_and_its_own_keys_nested() -> None:
    found = payload()

    text = f"asset-1.mp4 0:00{TO}0:06 listen to"
    assert (found["page_content"], found["document"]) == (text, text)
    assert found["metadata"] == {key: found[key] for key in NESTED_KEYS}
    assert found["metadata"]["user_metadata"] == {"a": [1]}
    assert {"indexed_asset_id", "start_offset_sec", "end_offset_sec", "filename", "created_at"} <= set(NESTED_KEYS)


def test_the_derived_keys_follow_from_the_others() -> None:
    """So they can be written, checked and removed without the source."""
    found = payload(filename=None)
    flat = {key: value for key, value in found.items() if key not in DERIVED_KEYS}

    assert found["document"] == f"asset-1 0:00{TO}0:06 listen to"
    assert flat | derived_keys("frameworks", flat) == found
    assert derived_keys("frameworks", {key: flat[key] for key in SOURCE_KEYS}) == derived_keys("frameworks", flat)
    assert derived_keys("none", flat) == {}


@given(st.fixed_dictionaries(dict.fromkeys(("filename", "transcript", "user_metadata", "created_at"), ANY)))
def test_whatever_somebody_wrote_into_a_point_the_text_is_not_empty(altered: dict[str, Any]) -> None:
    found = derived_keys("frameworks", payload() | altered)

    assert found.keys() == set(DERIVED_KEYS)
    assert isinstance(found["page_content"], str)
    assert found["page_content"].strip()
    assert {key: found["metadata"][key] for key in altered if key != "transcript"} == {
        key: value for key, value in altered.items() if key != "transcript"
    }


def test_no_key_is_one_that_a_framework_takes_as_its_own() -> None:
    found = payload()

    assert found.keys() & RESERVED == set()
    assert found["metadata"].keys() & (RESERVED | {"_id", "_collection_name"}) == set()
