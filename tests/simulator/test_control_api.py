"""The control operations over HTTP behave as in Python."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from connector.simulator.control_api import OPERATIONS
from tests.comparing import differences
from tests.simulator.access import Access


def post(api: Access, operation: str, **arguments: Any) -> httpx.Response:
    return api.http.post(f"{api.simulator.control_url}/{operation}", json=arguments, headers={"x-api-key": ""})


def result(api: Access, operation: str, **arguments: Any) -> Any:
    response = post(api, operation, **arguments)
    assert response.status_code == 200, response.text
    return response.json()["result"]


def look(api: Access, path: str, **query: Any) -> Any:
    response = api.http.get(f"{api.simulator.control_url}/{path}", params=query)
    assert response.status_code == 200, response.text
    return response.json()


def test_a_life_by_http(api: Access) -> None:
    """Add, change, fail, re-index, patch, migrate, delete, expire: seen through the API."""
    index = result(api, "add_index", name="mine", model="marengo2.7")
    asset = result(api, "add_asset", index=index, filename="a.mp4", captions=["a bus", {"visual": "a tree"}])
    assert api.retrieved(index, asset)["status"] == "ready"

    result(api, "update_asset", index=index, asset=asset, duration=30.0, captions=["a kite"])
    result(api, "patch_metadata", index=index, asset=asset, metadata={"a": 1})
    result(api, "set_status", index=index, asset=asset, status="failed")
    shown = api.retrieved(index, asset)
    assert differences(shown, status="failed", user_metadata={"a": 1}) == {}
    assert shown["system_metadata"]["duration"] == 30.0

    result(api, "restart", index=index, asset=asset)
    result(api, "advance", seconds=30)
    result(api, "reindex", index=index, asset=asset, duration=12)
    result(api, "migrate", index=index, model="marengo3.0")
    assert len(api.segments(index, asset, "visual")[0]["float"]) == 512

    result(api, "delete_asset", index=index, asset=asset)
    assert api.ids(index) == []
    result(api, "expire_index", index=index)
    assert api.refused(f"/indexes/{index}")[0] == 404


def test_looking(api: Access, index: str) -> None:
    """State, assets, knobs, deliveries; the control API itself is not in the log."""
    api.listing(index)
    state = look(api, "state")

    assert (state["now"], state["requests"]) == ("2026-03-01T09:00:00.000Z", 1)
    assert [shown["_id"] for shown in state["indexes"]] == api.control.index_ids
    assets = look(api, f"indexes/{index}/assets")
    assert assets == api.control.asset_ids(index)
    assert look(api, f"indexes/{index}/assets/{assets[0]}")["_id"] == assets[0]
    assert look(api, "knobs")["missing_index"] == "404"
    assert look(api, "deliveries") == []
    (entry,) = look(api, "requests", pattern="GET /indexes/**")["requests"]
    assert differences(entry, method="GET", status=200, number=1) == {}
    assert look(api, "requests", since=1)["requests"] == []
    result(api, "clear_requests")
    assert look(api, "requests") == {"total": 1, "requests": []}


def test_faults_and_knobs(api: Access) -> None:
    result(api, "inject", pattern="GET /indexes", status=503, count=1)
    assert api.call("GET", "/indexes").status_code == 503

    result(api, "inject", pattern="GET /indexes", status=500)
    result(api, "clear_faults")
    assert result(api, "set_knobs", past_end="null")["past_end"] == "null"
    assert api.get("/indexes", page=9)["data"] is None


def test_holding_and_releasing(api: Access) -> None:
    assert post(api, "hold", pattern="GET /indexes", nth=1).json() == {"hold": 1}
    early = api.http.get(f"{api.simulator.control_url}/holds/1", params={"timeout": 0})
    assert early.status_code == 408
    with ThreadPoolExecutor() as pool:
        held = pool.submit(api.get, "/indexes")
        assert look(api, "holds/1", timeout=10)["reached"]["path"] == "/indexes"
        assert not held.done()
        assert post(api, "holds/1/release").status_code == 200
        assert held.result(10)["data"]


@pytest.mark.parametrize(
    ("operation", "arguments", "cause"),
    [
        ("explode", {}, "add_asset"),
        ("advance", {}, "seconds"),
        ("advance", {"seconds": "much"}, "seconds"),
        ("advance", {"seconds": -1}, "forward"),
        ("add_index", {"name": "x", "model": "marengo9"}, "marengo9"),
        ("add_index", {"name": "x", "colour": "red"}, "colour"),
        ("expire_index", {"index": "0" * 24}, "does not exist"),
        ("delete_asset", {"index": "nonsense", "asset": "x"}, "24 hexadecimal"),
        ("add_asset", {"index": "INDEX", "filename": "a", "colour": "red"}, "colour"),
        ("add_asset", {"index": "INDEX", "filename": "a", "captions": [{"audio": "x"}]}, "visual"),
        ("update_asset", {"index": "INDEX", "asset": "ASSET", "colour": "red"}, "colour"),
        ("update_asset", {"index": "INDEX", "asset": "ASSET", "duration": "long"}, "duration"),
        ("update_asset", {"index": "INDEX", "asset": "ASSET", "model": "marengo9"}, "marengo9"),
        ("update_asset", {"index": "INDEX", "asset": "ASSET", "captions": []}, "captions"),
        ("reindex", {"index": "INDEX", "asset": "ASSET", "duration": 0}, "duration"),
        ("inject", {"pattern": "GET /x", "rewrite": "no"}, "rewrite"),
        ("inject", {"pattern": "GET /x", "status": "500"}, "status"),
        ("inject", {"pattern": "x"}, "write it like"),
        ("set_knobs", {"null_float": 2}, "null_float"),
        ("hold", {"pattern": "/x", "stage": "never"}, "stage"),
        ("holds/7/release", {}, "no hold 7"),
        ("emit", {"event": "x", "index": "INDEX", "asset": "ASSET"}, "set_webhook"),
        ("emit", {"event": "x", "index": "INDEX", "asset": "0" * 24}, "does not exist"),
    ],
)
def test_mistakes_are_named(api: Access, index: str, operation: str, arguments: dict[str, Any], cause: str) -> None:
    """400 with the subject and the cause."""
    named = {"INDEX": index, "ASSET": api.control.asset_ids(index)[0]}
    filled = {name: named.get(value, value) if isinstance(value, str) else value for name, value in arguments.items()}
    response = post(api, operation, **filled)

    assert response.status_code == 400
    assert cause in response.json()["error"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"1"])
def test_no_json_object_is_named(api: Access, body: bytes) -> None:
    response = api.http.post(f"{api.simulator.control_url}/advance", content=body)

    assert response.status_code == 400
    assert response.json()["error"]


def test_the_operations_are_listed_with_their_arguments(api: Access) -> None:
    listed = look(api, "")["operations"]

    assert set(listed) == {*OPERATIONS, "hold"}
    assert listed["set_status"] == ["index", "asset", "status"]
