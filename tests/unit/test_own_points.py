"""A point is the connector's own if its id equals the id computed from its payload."""

from typing import Any

import pytest

from connector.domain.points import is_own, point_id

OWN_ID = point_id("index-1", "asset-1", "marengo3.0", "clip", 1500, 6000)
PAYLOAD: dict[str, Any] = {
    "index_id": "index-1",
    "indexed_asset_id": "asset-1",
    "embedding_model": "marengo3.0",
    "embedding_scope": "clip",
    "start_offset_sec": 1.5,
    "end_offset_sec": 6,
}


def test_a_point_with_the_id_of_its_payload_is_own() -> None:
    assert is_own(OWN_ID, PAYLOAD)
    assert is_own(OWN_ID, {**PAYLOAD, "text": "more"})


def test_offsets_are_rounded_to_milliseconds() -> None:
    assert is_own(OWN_ID, {**PAYLOAD, "start_offset_sec": 1.5004, "end_offset_sec": 5.9996})
    assert not is_own(OWN_ID, {**PAYLOAD, "start_offset_sec": 1.501})
    assert not is_own(OWN_ID, {**PAYLOAD, "end_offset_sec": 5.999})


def test_a_copy_with_another_id_is_not_own() -> None:
    assert not is_own("99999999-2222-3333-4444-555555555555", PAYLOAD)


@pytest.mark.parametrize("key", ["index_id", "indexed_asset_id", "embedding_model", "embedding_scope"])
def test_every_text_of_the_id_counts(key: str) -> None:
    assert not is_own(OWN_ID, {**PAYLOAD, key: "other"})


@pytest.mark.parametrize("key", PAYLOAD)
def test_a_point_without_a_part_of_its_id_is_not_own(key: str) -> None:
    assert not is_own(OWN_ID, {name: value for name, value in PAYLOAD.items() if name != key})


@pytest.mark.parametrize("key", ["index_id", "indexed_asset_id", "embedding_model", "embedding_scope"])
@pytest.mark.parametrize("value", [None, 1])
def test_a_text_of_another_type_is_not_read_as_text(key: str, value: Any) -> None:
    """Even if the id is computed from its text."""
    spelled = {**PAYLOAD, key: str(value)}
    texts = (spelled["index_id"], spelled["indexed_asset_id"], spelled["embedding_model"], spelled["embedding_scope"])
    spelled_id = point_id(*texts, 1500, 6000)

    assert is_own(spelled_id, spelled)
    assert not is_own(spelled_id, {**PAYLOAD, key: value})


@pytest.mark.parametrize("key", ["start_offset_sec", "end_offset_sec"])
@pytest.mark.parametrize("offset", ["1.5", None, float("nan"), float("inf"), float("-inf")])
def test_an_offset_that_is_not_a_finite_number_is_not_own(key: str, offset: Any) -> None:
    assert not is_own(OWN_ID, {**PAYLOAD, key: offset})
