"""Any metadata and any words of an asset become a payload that Qdrant stores, the same over REST and gRPC."""

import json
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st
from qdrant_client import grpc
from qdrant_client.conversions.conversion import GrpcToRest

from connector.domain.errors import MalformedAsset, Unavailable
from connector.domain.points import AssetPoints, build, computed_metadata_revision
from connector.qdrant.point_encoding import batches, rest_points
from connector.qdrant.point_wire import WirePoints, upsert_request
from tests.any_json import ANY_JSON, changed
from tests.builders import index
from tests.fakes.bodies import body, read, segment

INT64 = range(-(2**63), 2**63)
NUMBER = st.integers(-(2**70), 2**70) | st.floats() | st.sampled_from([2**63, -(2**63), 2**63 - 1, -0.0, 5e-324, 1e308])
METADATA = st.recursive(
    ANY_JSON | NUMBER, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2)
)
VECTOR = tuple(float(number) for number in range(1, 513))
GOOD: dict[str, Any] = {
    "created_at": "2026-03-01T09:00:00Z",
    "system_metadata": {"filename": "a.mp4", "duration": 6.5, "fps": 25, "width": 640, "height": 480, "size": 9},
    "user_metadata": {"n": 1, "deep": [[{"a": [0.5]}]], "t": "x"},
    "hls": {"video_url": "https://x/y.m3u8"},
    "transcription": [{"start": 0.0, "end": 0.5, "value": "kick"}],
}
MANY = settings(max_examples=max(200, settings().max_examples))


def built(raw: bytes) -> AssetPoints | None:
    """The points; None if the asset is at fault."""
    try:
        return build(read(raw), index(), "print", media_links=True)
    except (MalformedAsset, Unavailable) as error:
        event(error.code)
        return None


def check_storable(points: AssetPoints) -> None:
    """Strict JSON, and protobuf that says the same."""
    whole = range(len(points))
    sent = rest_points(points, whole)
    request = grpc.UpsertPoints.FromString(upsert_request("c", [(WirePoints(points), whole)]))
    messages = [GrpcToRest.convert_point_struct(message) for message in request.points]

    for model, message in zip(sent, messages, strict=True):
        assert json.loads(json.dumps(model.payload, allow_nan=False)) == message.payload == model.payload
        assert all(number in INT64 for number in integers(model.payload))
        assert computed_metadata_revision(message.payload or {}) == points.metadata_revision
    assert [row for rows in batches(points) for row in rows] == list(whole)


def integers(value: Any) -> list[int]:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return [number for part in inner for number in integers(part)]
    return [value] if isinstance(value, int) and not isinstance(value, bool) else []


@MANY
@given(st.dictionaries(st.text(), METADATA, max_size=4))
def test_any_user_metadata_is_storable_or_refused(metadata: dict[str, Any]) -> None:
    points = built(body(segment(vector=VECTOR), **{**GOOD, "user_metadata": metadata}))
    if points:
        event("built")
        check_storable(points)


@MANY
@given(changed(GOOD))
def test_any_facts_of_an_asset_are_storable_or_refused(facts: bytes) -> None:
    start = body(segment(vector=VECTOR), segment("audio", vector=VECTOR))
    points = built(start[:-1] + b", " + facts.lstrip().removeprefix(b"{"))
    if points:
        event("built")
        check_storable(points)


def test_the_good_facts_are_stored() -> None:
    points = built(body(segment(vector=VECTOR), **GOOD))

    assert points
    check_storable(points)
