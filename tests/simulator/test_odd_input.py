"""The simulator answers any input and continues: a mistake gets 4xx with an explanation, never 500."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.simulator.access import Access, access, one_index, upload, video
from tests.simulator.odd_input import BODIES, DEEP, MISSING, alive

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
    """4xx with an error body in the format of its path."""
    assert 400 <= response.status_code < 500, (response.status_code, response.text[:300])
    body = response.json()
    error = body["error"] if path.startswith("/embed-v2") else body
    assert error["code"]
    assert error["message"]


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
    """Accepted or refused, nothing else."""
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


def test_a_broken_form_is_no_missing_method(api: Access) -> None:
    response = api.call("POST", "/assets", content=b"--y", headers={"content-type": "multipart/form-data"})

    assert (response.status_code, response.json()["code"]) == (400, "parameter_invalid")
