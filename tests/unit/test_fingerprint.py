"""The fingerprint changes with everything that shapes an asset's points, and with nothing else."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.fingerprint import PointConfig, canonical_json, digest, fingerprint
from connector.domain.source_model import IndexedAsset
from tests.builders import POINT_CONFIG, asset

FULL = asset(
    asset_id="upload-1",
    updated_at="2026-01-15T13:34:29Z",
    indexed_at="2026-01-14T13:40:00Z",
    duration_sec=60.5,
    fps=25.0,
    width=1920,
    height=1080,
    size_bytes=1e9,
)


def test_the_fingerprint_of_an_asset_is_the_same_in_every_release() -> None:
    """Another value would retrieve and write every asset again; a new layout version does so on purpose."""
    sparse = replace(POINT_CONFIG, sparse_transcript=True)
    assert fingerprint(FULL, POINT_CONFIG) == "84d917344d99161f81a8ee17e0be53d0"
    assert fingerprint(FULL, sparse) == "0010869231508a93c25d0fd0f8a3db10"


@pytest.mark.parametrize("name", [field.name for field in fields(IndexedAsset)])
def test_everything_that_a_listing_says_counts(name: str) -> None:
    value = getattr(FULL, name)
    change: dict[str, Any] = {name: value + 1 if isinstance(value, int | float) else f"{value}x"}
    other = replace(FULL, **change)
    assert fingerprint(other, POINT_CONFIG) != fingerprint(FULL, POINT_CONFIG)


@pytest.mark.parametrize(
    "change",
    [
        {"model": "marengo2.7"},
        {"options": ("visual",)},
        {"options": ("audio", "visual")},
        {"collection": "other-{model}"},
        {"transcript": False},
        {"media_links": True},
        {"payload_profile": "frameworks"},
        {"sparse_transcript": True},
    ],
)
def test_every_setting_that_shapes_points_counts(change: dict[str, Any]) -> None:
    assert fingerprint(FULL, replace(POINT_CONFIG, **change)) != fingerprint(FULL, POINT_CONFIG)


def test_no_setting_is_forgotten() -> None:
    assert {field.name for field in fields(PointConfig)} == {
        "model",
        "options",
        "collection",
        "transcript",
        "media_links",
        "payload_profile",
        "sparse_transcript",
    }


def test_absent_is_not_empty() -> None:
    assert fingerprint(replace(FULL, filename=None), POINT_CONFIG) != fingerprint(
        replace(FULL, filename=""), POINT_CONFIG
    )


def test_a_digest_is_32_hex_characters() -> None:
    assert len(digest(b"part")) == len(digest()) == 32
    assert int(digest(b"part"), 16)


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_digests_agree_only_for_the_same_parts(one: list[bytes], other: list[bytes]) -> None:
    """The parts are delimited: (ab, c) differs from (a, bc)."""
    assert (digest(*one) == digest(*other)) == (one == other)


def test_canonical_json_does_not_depend_on_order() -> None:
    assert canonical_json({"b": [1, {"d": 1, "c": 2}], "a": None}) == b'{"a":null,"b":[1,{"c":2,"d":1}]}'
    assert canonical_json({"a": 1, "b": 2}) == canonical_json({"b": 2, "a": 1})
