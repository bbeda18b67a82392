"""The payload of a point: complete, native JSON, and asset metadata separate from segment data."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.points import build, metadata_payload
from tests.builders import asset, column, index, retrieved, spoken

FULL = asset(
    asset_id="upload-1",
    created_at="2026-01-14T15:34:29.5+02:00",
    indexed_at="2026-01-14T13:40:00Z",
    duration_sec=60.5,
    fps=29.97,
    width=1920,
    height=1080,
    size_bytes=1e9,
)
ANSWER = retrieved(
    column("visual", [(0, 6), (6, 12.0005)]),
    column("audio", [(6, 12.0005)]),
    of=FULL,
    words=spoken((7, 8, "goal")),
    metadata={"category": "sport", "batch": 7},
    hls_url="https://cdn.example/a.m3u8",
)
NATIVE = (str, int, float, bool, type(None), list, dict)


def payload(point: int = 1, **options: Any) -> dict[str, Any]:
    return build(ANSWER, index("index-1"), "print-1", **options).payload(point, ["visual", "audio"])


def nested(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(deep for item in inner for deep in nested(item))]


def test_the_whole_payload() -> None:
    """The keys are a contract with every program that searches."""
    built = build(ANSWER, index("index-1"), "print-1")
    assert payload() == {
        "index_id": "index-1",
        "index_name": "name of index-1",
        "indexed_asset_id": "asset-1",
        "asset_id": "upload-1",
        "embedding_model": "marengo3.0",
        "embedding_options": ["visual", "audio"],
        "embedding_scope": "clip",
        "start_offset_sec": 6.0,
        "end_offset_sec": 12.0,
        "segment": 1,
        "transcript": "goal",
        "filename": "asset-1.mp4",
        "created_at": "2026-01-14T13:34:29.500Z",
        "indexed_at": "2026-01-14T13:40:00Z",
        "duration_sec": 60.5,
        "fps": 29.97,
        "width": 1920,
        "height": 1080,
        "size_bytes": 1_000_000_000,
        "user_metadata": {"category": "sport", "batch": 7},
        "revision": built.revision,
        "metadata_revision": built.metadata_revision,
        "fingerprint": "print-1",
        "asset_points": 2,
    }


def test_absent_facts_are_null_and_not_missing() -> None:
    """set_payload merges and never removes: a missing key would keep its old value."""
    bare = asset(created_at=None, filename=None)
    built = build(retrieved(column(), of=bare), index(), "print-1").payload(0, ["visual"])
    assert built.keys() == payload().keys()
    absent = {key for key, value in built.items() if value is None}
    facts = {"asset_id", "filename", "created_at", "indexed_at", "duration_sec", "fps", "width", "height", "size_bytes"}
    assert absent == facts
    assert built["user_metadata"] == {}


def test_every_value_is_native_json() -> None:
    """REST cannot send NumPy numbers."""
    assert {type(value) for value in nested(payload())} <= set(NATIVE)
    assert json.loads(json.dumps(payload())) == payload()


def test_offsets_are_those_of_the_point_id() -> None:
    built = build(retrieved(column(ranges=[(0.1234, 7.0006)])), index(), "print").payload(0, ["visual"])
    assert (built["start_offset_sec"], built["end_offset_sec"]) == (0.123, 7.001)


def test_whole_numbers_of_pixels_and_bytes_have_no_fraction() -> None:
    built = build(retrieved(of=asset(width=640, size_bytes=1e12, fps=25.0, duration_sec=60.0)), index(), "print")
    spelled = {key: repr(built.asset_payload[key]) for key in ("width", "size_bytes", "fps", "duration_sec")}
    assert spelled == {"width": "640", "size_bytes": "1000000000000", "fps": "25.0", "duration_sec": "60.0"}


@pytest.mark.parametrize(("wanted", "keys"), [(False, set()), (True, {"hls_url"})])
def test_volatile_links_are_stored_only_when_asked_for(wanted: bool, keys: set[str]) -> None:
    assert payload(media_links=wanted).keys() - payload().keys() == keys
    assert payload(media_links=True)["hls_url"] == "https://cdn.example/a.m3u8"


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (2**63 - 1, 2**63 - 1),
        (-(2**63), -(2**63)),
        (2**63, "9223372036854775808"),
        (-(2**63) - 1, "-9223372036854775809"),
        (True, True),
        (1e300, 1e300),
        (None, None),
        ("ünï", "ünï"),
        ([1, [2**64, {"deep": 2**64}]], [1, ["18446744073709551616", {"deep": "18446744073709551616"}]]),
        ({"key": {"of": [False]}}, {"key": {"of": [False]}}),
    ],
)
def test_user_metadata_is_stored_as_received_but_for_huge_integers(given: Any, stored: Any) -> None:
    made, _ = metadata_payload(retrieved(metadata={"value": given}), index(), "print", media_links=False)
    assert made["user_metadata"] == {"value": stored}
    assert type(made["user_metadata"]["value"]) is type(stored)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_any_metadata_becomes_json_that_qdrant_can_hold(metadata: dict[str, Any]) -> None:
    made, _ = metadata_payload(retrieved(metadata=metadata), index(), "print", media_links=False)
    values = nested(made["user_metadata"])
    assert json.loads(json.dumps(made)) == made
    assert [it for it in values if type(it) is int and not -(2**63) <= it < 2**63] == []


def test_a_metadata_change_rewrites_the_assets_keys_and_none_of_the_segments() -> None:
    made, revision = metadata_payload(ANSWER, index("index-1"), "print-1", media_links=False)
    built = build(ANSWER, index("index-1"), "print-1")
    assert built.asset_payload == made | {"embedding_model": "marengo3.0", "asset_points": 2}
    assert built.metadata_revision == revision
    segment_keys = {"embedding_options", "embedding_scope", "start_offset_sec", "end_offset_sec", "segment"}
    assert payload().keys() - built.asset_payload.keys() == segment_keys | {"transcript", "revision"}
