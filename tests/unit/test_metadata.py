"""Asset facts that Qdrant cannot store are the source's fault, and found before anything is sent."""

from typing import Any

import pytest

from connector.domain.errors import MalformedAsset
from connector.domain.fingerprint import canonical_json
from connector.domain.metadata import MAX_METADATA_BYTES, MAX_METADATA_DEPTH, MetadataLimits, storable
from connector.domain.points import build, metadata_payload
from tests.builders import asset, column, index, retrieved


def nested(levels: int, *, lists: bool = False) -> dict[str, Any]:
    value: Any = 1
    for _ in range(levels - 1):
        value = [value] if lists else {"a": value}
    return {"a": value}


def refusal(**facts: Any) -> str:
    """The cause, which is the same for a new asset and for the metadata of an applied one."""
    metadata = facts.pop("user_metadata", {})
    answer = retrieved(column(), of=asset(**facts), metadata=metadata)
    with pytest.raises(MalformedAsset, match="asset-1") as refused:
        metadata_payload(answer, index(), "print", media_links=False)
    with pytest.raises(MalformedAsset) as again:
        build(answer, index(), "print")
    assert again.value.cause == refused.value.cause
    return refused.value.cause


@pytest.mark.parametrize("key", ["width", "height", "size_bytes", "duration_sec", "fps"])
@pytest.mark.parametrize("value", [-1, -0.5, 10**30, 1e30, float(2**53) * 2, float("inf"), float("nan")])
def test_numbers_are_neither_negative_nor_beyond_what_json_holds_exactly(key: str, value: float) -> None:
    assert refusal(**{key: value}) == f"{key} is out of range: {value:g}"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (11.319724923556613, 11.3197249235566),
        (-24000 / 1001, -23.976023976024),
        (0.1 + 0.2, 0.3),
        (float(2**53), float(2**53)),
        (0.123456789012345, 0.123456789012345),
        (1.5, 1.5),
        (1.7976931348623157e308, 1.7976931348623157e308),
    ],
)
def test_floats_have_the_digits_that_qdrant_returns_as_they_were(value: float, kept: float) -> None:
    """Of more digits it changes the last one. Whole numbers are kept."""
    assert storable({"a": [value], "b": {"c": value}}) == {"a": [kept], "b": {"c": kept}}
    assert storable([True, 2**53 + 1, "0.30000000000000004"]) == [True, 2**53 + 1, "0.30000000000000004"]


def test_duration_and_frame_rate_have_these_digits_too() -> None:
    answer = retrieved(column(), of=asset(duration_sec=11.319724923556613, fps=24000 / 1001))

    payload, _ = metadata_payload(answer, index(), "print", media_links=False)

    assert (payload["duration_sec"], payload["fps"]) == (11.3197249235566, 23.976023976024)


@pytest.mark.parametrize("value", [0, 0.0, 2**53, float(2**53)])
def test_every_other_number_is_stored(value: float) -> None:
    made, _ = metadata_payload(retrieved(of=asset(width=value, fps=value)), index(), "print", media_links=False)
    assert (made["width"], made["fps"]) == (value, value)


@pytest.mark.parametrize("levels", [MAX_METADATA_DEPTH + 1, 100, 900, 100_000])
@pytest.mark.parametrize("lists", [False, True])
def test_metadata_has_a_limited_depth(levels: int, lists: bool) -> None:
    """The check itself does not recurse."""
    cause = refusal(user_metadata=nested(levels, lists=lists))
    assert cause == "user_metadata is nested more than 32 levels deep"


@pytest.mark.parametrize("lists", [False, True])
def test_the_limit_itself_is_stored(lists: bool) -> None:
    metadata = nested(MAX_METADATA_DEPTH, lists=lists)
    made, _ = metadata_payload(retrieved(metadata=metadata), index(), "print", media_links=False)
    assert made["user_metadata"] == metadata


def test_metadata_has_a_limited_size() -> None:
    """All of it counts: user metadata and the asset's facts."""
    made, _ = metadata_payload(retrieved(metadata={"text": ""}), index(), "print", media_links=False)
    counted = {key: value for key, value in made.items() if key not in {"metadata_revision", "fingerprint"}}
    longest = "x" * (MAX_METADATA_BYTES - len(canonical_json(counted)))

    stored, _ = metadata_payload(retrieved(metadata={"text": longest}), index(), "print", media_links=False)

    assert stored["user_metadata"] == {"text": longest}
    cause = refusal(user_metadata={"text": f"{longest}x"})
    assert cause == "its metadata has 16777217 bytes; the limit is 16777216"


@pytest.mark.parametrize("lists", [False, True])
def test_what_is_stored_twice_and_in_an_object_has_half_the_size_and_a_level_less(lists: bool) -> None:
    limits = MetadataLimits.of("frameworks")
    assert (limits.depth, limits.size) == (MAX_METADATA_DEPTH - 1, MAX_METADATA_BYTES / 2)
    assert MetadataLimits.of("none") == MetadataLimits(MAX_METADATA_DEPTH, MAX_METADATA_BYTES)
    profiled: dict[str, Any] = {"media_links": False, "payload_profile": "frameworks"}
    deepest = nested(limits.depth, lists=lists)

    made, _ = metadata_payload(retrieved(metadata=deepest), index(), "print", **profiled)
    assert made["user_metadata"] == deepest
    for metadata, cause in (
        (nested(MAX_METADATA_DEPTH, lists=lists), "nested more than 31 levels deep"),
        ({"text": "x" * limits.size}, "the limit is 8388608"),
    ):
        with pytest.raises(MalformedAsset, match=cause):
            metadata_payload(retrieved(metadata=metadata), index(), "print", **profiled)


def test_wide_metadata_is_stored() -> None:
    metadata = {f"key {number}": number for number in range(100_000)}
    made, _ = metadata_payload(retrieved(metadata=metadata), index(), "print", media_links=False)
    assert made["user_metadata"] == metadata
