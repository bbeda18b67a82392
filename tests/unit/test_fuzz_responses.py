"""Whatever TwelveLabs or a proxy responds: a value, or an error of ours."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from connector.domain.errors import AssetError, ConfigError, ConnectorError, CycleError, MalformedAsset, Unavailable
from connector.twelvelabs import listing_decoding as decoding
from connector.twelvelabs.calls import Call, Refused
from connector.twelvelabs.error_responses import RetryableError, error_from_response
from connector.twelvelabs.rate_headers import quota
from connector.twelvelabs.text_embedding import text_query
from tests.any_json import ANY_JSON, ANY_TEXT, ANY_TEXT_OF_JSON, changed
from tests.fakes.bodies import body, read, segment

CALL = Call("look up", "ix1", "indexes/ix1")
MANY = settings(max_examples=max(300, settings().max_examples))

INDEX: dict[str, Any] = {
    "_id": "ix1",
    "index_name": "news",
    "expires_at": "2026-05-01T00:00:00Z",
    "models": [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}],
}
ROW: dict[str, Any] = {
    "_id": "a1",
    "status": "ready",
    "asset_id": "u1",
    "created_at": "2026-03-01T09:00:00Z",
    "updated_at": "2026-03-01T09:05:00Z",
    "indexed_at": "2026-03-01T09:05:00Z",
    "system_metadata": {"filename": "a.mp4", "duration": 6.5, "fps": 25, "width": 640, "height": 480.4, "size": 9},
}
PAGE_INFO = {"page": 1, "total_page": 1, "total_results": 2, "limit_per_page": 50}
TASK = {"_id": "t1", "index_id": "ix1", "video_id": "a1", "status": "ready"}
WORDS = [{"start": 0.0, "end": 0.5, "value": "kick"}, {"start": 0.5, "end": 1.0, "value": "off"}]
METADATA = {"user_metadata": {"a": 1}, "hls": {"video_url": "https://x/y.m3u8"}, "transcription": WORDS}
EMBEDDED = json.loads(body(segment(), segment("audio"), **{**ROW, **METADATA}))

READERS: dict[str, tuple[Any, Callable[[bytes], Any]]] = {
    "assets": (
        {"data": [ROW, {**ROW, "_id": "a2"}], "page_info": PAGE_INFO},
        lambda raw: decoding.read_assets(raw, CALL),
    ),
    "indexes": (
        {"data": [INDEX, {**INDEX, "_id": "ix2"}], "page_info": PAGE_INFO},
        lambda raw: decoding.read_indexes(raw, CALL),
    ),
    "index": (INDEX, lambda raw: decoding.read_index(raw, CALL)),
    "task": (TASK, lambda raw: decoding.read_task(raw, CALL)),
    "anything": (INDEX, lambda raw: decoding.read_json(raw, CALL)),
    "asset": (EMBEDDED, read),
}


@pytest.mark.parametrize("name", READERS)
@MANY
@given(data=st.data())
def test_any_value_at_any_place_of_a_response_is_read_or_an_error_of_ours(name: str, data: st.DataObject) -> None:
    good, reader = READERS[name]
    raw, allowed = data.draw(changed(good)), (AssetError if name == "asset" else CycleError, Unavailable)
    try:
        reader(raw)
    except allowed as error:
        event(error.code)
    else:
        event("read")


@pytest.mark.parametrize("name", READERS)
def test_the_good_responses_are_read(name: str) -> None:
    """Otherwise every change of them would be an error, and show nothing."""
    good, reader = READERS[name]

    reader(json.dumps(good).encode())


@MANY
@given(changed({"data": [ROW, {**ROW, "_id": "a2"}], "page_info": PAGE_INFO}))
def test_every_row_of_a_listing_has_a_name(raw: bytes) -> None:
    """Valid Unicode, so that the ledger and messages can hold it."""
    try:
        page = decoding.read_assets(raw, CALL)
    except ConnectorError:
        return
    for name, row in page.rows.items():
        assert name.encode()
        assert row.indexed_asset_id == name
        assert row.status.encode()


@pytest.mark.parametrize("model", ["marengo2.7", "marengo3.0", "marengo3.5"])
@given(data=st.data())
def test_any_embedding_of_a_text_is_a_vector_or_an_error_of_ours(model: str, data: st.DataObject) -> None:
    dimension = {"marengo2.7": 1024, "marengo3.0": 512, "marengo3.5": 3}[model]
    numbers = [0.5] * dimension
    old, new = {"text_embedding": {"segments": [{"float": numbers}]}}, {"data": [{"embedding": numbers}]}
    call, reader = text_query(model, "goal")
    good = old if model == "marengo2.7" else new
    assert reader(bytearray(json.dumps(good).encode()), call).shape == (dimension,)

    few = json.loads(json.dumps(good).replace(json.dumps(numbers), "[0.5, 1]"))
    raw = bytearray(data.draw(changed(few)))
    with suppress(CycleError, Unavailable, ConfigError):
        assert reader(raw, call).ndim == 1


NUMBERS = st.integers().map(str) | st.floats().map(str) | st.sampled_from(["9" * 5000, "1e999", "٣", "1_0", "0x10"])
DATES = st.sampled_from(
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 0001 08:49:37 +2359",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Sun, 06 Nov 1994 08:49:37 +999999999999",
        "Sun, 06 Nov 99999999999999999999 08:49:37",
        "Thu, 01 Jan 1970",
        "6 Nov",
        " ",
        ",",
    ]
)
HEADER = NUMBERS | DATES | st.text(st.characters(max_codepoint=255), max_size=40)
NAMES = ["retry-after", "date", "x-ratelimit-dimensions"]
NAMES += [f"x-ratelimit-{part}{what}" for part in ("", "request-", "a-") for what in ("remaining", "reset", "limit")]
HEADERS = st.dictionaries(st.sampled_from(NAMES), HEADER | st.just("a, request,"))
PROBLEM = {"error": {"code": "too_many_requests", "message": "wait", "details": {"retryAfter": 5}}}
PROBLEMS = changed(PROBLEM) | changed(PROBLEM["error"]) | st.binary(max_size=30) | st.builds(str.encode, st.just("<x>"))


@MANY
@given(st.integers(300, 599), HEADERS, PROBLEMS, st.floats(0, 4e9))
@example(300, {}, json.dumps({"message": "\u202ea\u200bb"}).encode(), 0.0)
def test_any_error_response_is_an_error_of_ours(status: int, headers: dict[str, str], raw: bytes, wall: float) -> None:
    """On one line, whatever the text in it; a wait is a number of seconds."""
    error = error_from_response(CALL, status, headers, raw, wall)

    assert isinstance(error, RetryableError | Refused | ConnectorError)
    if isinstance(error, RetryableError):
        assert 0 <= error.at_least < float("inf")
    cause = error.says if isinstance(error, Refused) else error.error if isinstance(error, RetryableError) else error
    assert str(cause).isprintable()
    assert len(str(cause)) < 1000


@MANY
@given(HEADERS, st.floats(0, 4e9))
def test_any_rate_limit_headers_are_a_quota_or_none(headers: dict[str, str], wall: float) -> None:
    found = quota(headers, wall)

    assert found is None or 0 < found.reset_after < float("inf")


@given(ANY_TEXT_OF_JSON, ANY_TEXT, ANY_JSON)
def test_any_metadata_of_an_asset_is_read_or_wrong_content(metadata: str, key: str, value: object) -> None:
    raw = f'{{"_id": "a1", "user_metadata": {{{json.dumps(key)}: {metadata}, "b": {json.dumps(value)}}}}}'
    with suppress(MalformedAsset, Unavailable):
        found = read(raw.encode(errors="surrogatepass"))
        assert json.dumps(found.user_metadata, allow_nan=False, ensure_ascii=False).encode()
