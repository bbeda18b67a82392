"""Whatever is sent, the simulator answers it and goes on: a mistake is 4xx with a body that says so, never 500."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from connector.simulator.control_api import OPERATIONS
from connector.simulator.world.clock import LATEST_MS, SimulatedClock, parse_ms
from tests.simulator.access import Access, access, one_index, upload, video

DEEP, DEEP_OBJECT = b"[" * 50_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000
MISSING = "f" * 24
BODIES: dict[str, bytes] = {
    "deep list": DEEP,
    "deep object": DEEP_OBJECT,
    "deep but complete": b'{"user_metadata": ' + b'{"a":' * 500 + b"1" + b"}" * 501,
    "empty": b"",
    "cut": b'{"index_name": "x',
    "list": b"[]",
    "null": b"null",
    "number": b"1e400",
    "not a number": b'{"user_metadata": {"a": NaN}}',
    "lone surrogate": rb'{"index_name": "\ud800", "asset_id": "\udfff", "user_metadata": {"\ud800": "\ud800"}}',
    "not UTF-8": b'{"index_name": "\xff\xfe", "model_name": "\xed\xa0\x80"}',
    "huge integer": b'{"user_metadata": {"a": ' + b"9" * 5_000 + b"}}",
}
WRONG: list[Any] = [None, True, -1, 1e300, 2**70, "", "x", "\x00", [], [[]], [None], {}, {"a": {"b": []}}, [{"a": []}]]
JSON_ROUTES = (
    ("POST", "/indexes", {"index_name": "new", "models": [{"model_name": "marengo3.0", "model_options": ["visual"]}]}),
    ("PUT", "/indexes/{index}", {"index_name": "new name"}),
    (
        "POST",
        "/indexes/{index}/indexed-assets",
        {"asset_id": "{upload}", "user_metadata": {}, "enable_video_stream": True},
    ),
    ("PATCH", "/indexes/{index}/indexed-assets/{asset}", {"user_metadata": {"a": 1}}),
    ("PATCH", "/indexes/{index}/videos/{asset}", {"user_metadata": {"a": 1}}),
    ("PATCH", "/assets/{upload}/user-metadata", {"user_metadata": {"a": 1}}),
    ("PUT", "/assets/{upload}/user-metadata", {"user_metadata": {"a": 1}}),
    (
        "POST",
        "/embed-v2",
        {
            "input_type": "text",
            "model_name": "marengo3.0",
            "text": {"input_text": "a dog", "media_sources": None},
            "auto_truncate": True,
            "embedding_dimension": None,
        },
    ),
)
FORM_ROUTES = ("/assets", "/tasks", "/embed")


@pytest.fixture(scope="module")
def api() -> Iterator[Access]:
    with access(one_index(assets=(video(), video("b.mp4")))) as found:
        yield found


@pytest.fixture
def places(api: Access) -> dict[str, str]:
    index = api.control.index_ids[0]
    return {"index": index, "asset": api.control.asset_ids(index)[0], "upload": upload(api)}


def refused(response: httpx.Response, path: str) -> None:
    """4xx with a body of the family of its path."""
    assert 400 <= response.status_code < 500, (response.status_code, response.text[:300])
    body = response.json()
    error = body["error"] if path.startswith("/embed-v2") else body
    assert error["code"]
    assert error["message"]


def alive(api: Access) -> None:
    """Everything that a client or a person asks for is still there."""
    index = next(it for it in api.control.index_ids if api.control.asset_ids(it))
    listed = api.listing(index, sort_by="updated_at", created_at="2026-01-01T00:00:00Z")["data"]
    assert listed
    asset = listed[0]["_id"]
    assert api.retrieved(index, asset, embedding_option=["visual", "audio"], transcription="true")
    assert api.get("/indexes")["data"]
    assert api.http.get(f"{api.simulator.control_url}/state").status_code == 200


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize(("method", "path", "good"), JSON_ROUTES, ids=lambda it: it if isinstance(it, str) else "")
def test_a_body_that_is_not_the_right_json_is_refused(
    api: Access, places: dict[str, str], method: str, path: str, good: Any, body: bytes
) -> None:
    assert good
    where = path.format(**places)
    refused(api.call(method, where, content=body, headers={"content-type": "application/json"}), path)
    alive(api)


@pytest.mark.parametrize(("method", "path", "good"), JSON_ROUTES, ids=lambda it: it if isinstance(it, str) else "")
def test_a_value_of_any_type_in_any_place_is_answered(
    api: Access, places: dict[str, str], method: str, path: str, good: dict[str, Any]
) -> None:
    """Accepted or refused, and nothing else."""
    where = path.format(**places)
    for changed in variants(good):
        sent = json.loads(json.dumps(changed).replace("{upload}", places["upload"]))
        response = api.call(method, where, json=sent)
        assert response.status_code < 500, (sent, response.text[:300])
        if response.status_code >= 400:
            refused(response, path)
    alive(api)


def variants(value: Any) -> Iterator[Any]:
    """The value with each of its parts replaced by each wrong one."""
    yield from WRONG
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in list(parts):
        for wrong in variants(part):
            changed = dict(value) if isinstance(value, dict) else list(value)
            changed[key] = wrong
            yield changed


@pytest.mark.parametrize("path", FORM_ROUTES)
@pytest.mark.parametrize(
    "fields",
    [
        {"user_metadata": DEEP.decode()},
        {"user_metadata": '{"a": ' + "9" * 5_000 + "}"},
        {"user_metadata": r'{"\ud800": 1}'},
        {"url": "http://[", "video_url": "http://[", "text": ""},
        {"url": "http://x/%ff%00", "video_url": "http://x/%ff%00", "text": "x " * 1000},
        {"method": "\x00", "index_id": "\x00", "model_name": "\x00"},
    ],
    ids=["deep", "digits", "surrogate", "URL", "escapes", "control characters"],
)
def test_a_form_of_any_content_is_answered(
    api: Access, places: dict[str, str], path: str, fields: dict[str, str]
) -> None:
    good = {"method": "url", "url": "http://x/a.mp4", "index_id": places["index"], "video_url": "http://x/a.mp4"}
    data = {**good, "model_name": "marengo3.0", "text": "a dog", **fields}
    response = api.call("POST", path, data=data, files={"x": ("", b"")})
    assert response.status_code < 500, response.text[:300]
    if response.status_code >= 400:
        refused(response, path)
    alive(api)


@pytest.mark.parametrize("path", [*FORM_ROUTES, "/embed-v2"])
@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=x", "text/plain", "\xff"])
def test_a_form_that_is_none_is_refused(api: Access, path: str, kind: str) -> None:
    headers = {"content-type": kind.encode("latin-1")}
    refused(api.call("POST", path, content=b"--y\r\nnonsense\xff", headers=headers), path)


@pytest.mark.parametrize(
    "query",
    [
        {"page": "9" * 5_000},
        {"page": "-1"},
        {"page_limit": "1e300"},
        {"page_limit": "\u0663"},
        {"created_at": "0001-01-01T00:00:00+23:59"},
        {"updated_at": "9999-12-31T23:59:59.999999-23:59"},
        {"created_at": "nan"},
        {"width": "nan"},
        {"duration[gte]": "inf"},
        {"duration[lte]": "1e999"},
        {"size": "9" * 5_000},
        {"sort_by": "\x00"},
        {"user_metadata[\x00]": "\x00"},
        {"embedding_option": "\x00"},
        {"transcription": "\x00"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "path",
    ["/indexes", "/tasks", "/assets", "/indexes/{index}/indexed-assets", "/indexes/{index}/indexed-assets/{asset}"],
)
def test_a_query_of_any_content_is_answered(
    api: Access, places: dict[str, str], path: str, query: dict[str, str]
) -> None:
    response = api.call("GET", path.format(**places), params=query)
    assert response.status_code < 500, response.text[:300]
    if response.status_code >= 400:
        refused(response, path)


@pytest.mark.parametrize("name", ["%00", "%ff", "%2e%2e", "x" * 5_000, "%2F", "\u0663" * 24, MISSING, "9" * 24])
@pytest.mark.parametrize(
    "path", ["/indexes/{}", "/indexes/{}/indexed-assets", "/assets/{}", "/tasks/{}", "/assets/{}/transcription"]
)
def test_an_id_of_any_content_is_refused(api: Access, path: str, name: str) -> None:
    refused(api.call("GET", path.format(name)), path)


NUMBERS: tuple[Any, ...] = (-1, 0, 1e300, -1e300, 1e19, 2**70, 1e-300, True, None, "x", [], {})
ARGUMENTS: dict[str, dict[str, Any]] = {
    "add_index": {"name": "x", "model": "marengo3.0", "options": ["visual"], "generate": 1},
    "add_asset": {
        "index": "{index}",
        "filename": "a.mp4",
        "captions": [{"visual": "a", "audio": "b", "speech": "c", "seconds": 4.0}],
        "status": "ready",
        "duration": 10.0,
        "fps": 25.0,
        "width": 640,
        "height": 360,
        "ready_in": 1.0,
        "metadata": {"a": 1},
        "scenes": [{"visual": "a", "seconds": 4.0}],
    },
    "update_asset": {
        "index": "{index}",
        "asset": "{asset}",
        "captions": [{"visual": "a", "seconds": 4.0}, {"visual": "b", "seconds": 4.0}],
        "model": "marengo3.0",
        "bump": True,
        "filename": "a.mp4",
        "duration": 10.0,
        "fps": 25.0,
        "width": 640,
        "height": 360,
        "metadata": {"a": 1},
    },
    "set_status": {"index": "{index}", "asset": "{asset}", "status": "ready"},
    "restart": {"index": "{index}", "asset": "{asset}", "status": "ready"},
    "reindex": {"index": "{index}", "asset": "{asset}", "duration": 10.0, "bump": True},
    "migrate": {"index": "{index}", "model": "marengo3.0"},
    "expire_index": {"index": MISSING},
    "delete_index": {"index": MISSING},
    "delete_asset": {"index": "{index}", "asset": MISSING},
    "patch_metadata": {"index": "{index}", "asset": "{asset}", "metadata": {"a": 1}},
    "advance": {"seconds": 1.0},
    "set_knobs": {
        "ready_lag_s": 0,
        "null_float": 0.0,
        "rate_limit": None,
        "rate_limit_window_s": 60.0,
        "webhook_copies": 1,
        "webhook_loss": 0.0,
        "webhook_clock_skew_s": 0.0,
    },
    "inject": {
        "pattern": "GET /indexes",
        "status": 500,
        "body": {"a": 1},
        "headers": {"x-a": "b", "content-length": "1", "x y": "b", "x-b": "\r\nx", "x-c": "\u00e4"},
        "count": 1,
        "probability": 1.0,
        "cut_at": 0.5,
        "delay": 0.0,
        "slow": 0.0,
        "drop": False,
    },
    "clear_faults": {},
    "clear_requests": {},
    "set_webhook": {"url": "http://127.0.0.1:9/", "secret": "s"},
    "emit": {"event": "index.task.ready", "index": "{index}", "asset": "{asset}"},
    "hold": {"pattern": "/nowhere", "nth": 1, "stage": "request"},
}


def test_every_operation_is_tried() -> None:
    assert set(ARGUMENTS) == {*OPERATIONS, "hold"}


@pytest.fixture
def fresh() -> Iterator[Access]:
    """What is accepted here changes what is asked for next."""
    with access(one_index(assets=(video(), video("b.mp4")))) as found:
        yield found


@pytest.mark.parametrize("operation", [*OPERATIONS, "hold"])
def test_a_control_operation_is_carried_out_or_refused_and_breaks_nothing(
    fresh: Access, operation: str, caplog: pytest.LogCaptureFixture
) -> None:
    index = fresh.control.index_ids[0]
    asset = fresh.control.asset_ids(index)[0]
    fresh.control.set_webhook("http://127.0.0.1:9/", "secret")
    bodies = [*BODIES.values(), b'{"self": 1}', *(json.dumps(it).encode() for it in calls(ARGUMENTS[operation]))]
    for body in bodies:
        sent = body.replace(b"{index}", index.encode()).replace(b"{asset}", asset.encode())
        response = fresh.http.post(f"{fresh.simulator.control_url}/{operation}", content=sent)
        assert response.status_code in {200, 400}, (sent[:300], response.text[:300])
        if response.status_code == 400:
            assert response.json()["error"]
            continue
        if operation == "set_knobs":
            fresh.control.set_knobs(rate_limit=None, ready_lag_s=0)
        if operation == "inject":
            with suppress(httpx.RemoteProtocolError, httpx.ReadError):
                fresh.call("GET", "/indexes")
            fresh.control.clear_faults()
        alive(fresh)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def calls(good: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The call with each number, text and list in it replaced."""
    yield {**good, "self": 1}
    yield {**good, "unheard of": 1}
    for changed in replaced(good):
        if isinstance(changed, dict):
            yield changed


def replaced(value: Any) -> Iterator[Any]:
    yield from NUMBERS
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in list(parts):
        for wrong in replaced(part):
            changed = dict(value) if isinstance(value, dict) else list(value)
            changed[key] = wrong
            yield changed


@pytest.mark.parametrize(
    "path",
    [
        "requests?since=nan",
        "requests?since=1e300",
        "requests?pattern=%00",
        "indexes/%00/assets",
        "indexes/x/assets/%ff",
        "holds/0",
        f"holds/{'9' * 5_000}",
        "holds/1?timeout=nan",
        "holds/1?timeout=-1",
        "holds/1?timeout=x",
    ],
)
def test_looking_with_odd_arguments_is_refused(fresh: Access, path: str) -> None:
    fresh.control.hold("/nowhere")
    fresh.http.post(f"{fresh.simulator.control_url}/hold", json={"pattern": "/nowhere"})

    response = fresh.http.get(f"{fresh.simulator.control_url}/{path}")

    assert (response.status_code, bool(response.json()["error"])) == (400, True)


def test_a_broken_form_is_no_missing_method(api: Access) -> None:
    response = api.call("POST", "/assets", content=b"--y", headers={"content-type": "multipart/form-data"})

    assert (response.status_code, response.json()["code"]) == (400, "parameter_invalid")


@pytest.mark.parametrize("seconds", [1e300, 1e19, 253_402_300_799.0, float("inf"), float("nan"), -1])
def test_simulated_time_stays_within_the_calendar(fresh: Access, seconds: float) -> None:
    with pytest.raises(ValueError, match="simulated time"):
        fresh.control.advance(seconds)

    alive(fresh)


def test_the_last_moment_can_be_shown_in_every_spelling(fresh: Access) -> None:
    """And a clock that flows stops there."""
    fresh.control.advance((LATEST_MS - parse_ms(fresh.control.now)) / 1000)
    for timestamps in ("millis", "seconds", "offset"):
        fresh.control.set_knobs(timestamps=timestamps)
        fresh.control.add_asset(fresh.control.index_ids[0], "last.mp4", ready_in=1e9)
        alive(fresh)
    assert SimulatedClock(LATEST_MS - 1, 1e9, iter([0.0, 1e300]).__next__).now_ms() == LATEST_MS
