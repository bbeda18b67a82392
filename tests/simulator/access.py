"""A simulator in a thread and a plain HTTP client for it."""

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx

from connector.simulator import AssetSpec, Control, IndexSpec, Scenario, Scene, Simulator, run_in_thread

JSON = dict[str, Any]


class Access:
    """`path` is relative to /v1.3; list values of parameters become repeated keys."""

    def __init__(self, simulator: Simulator, http: httpx.Client) -> None:
        self.simulator = simulator
        self.control: Control = simulator.control
        self.http = http

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.http.request(method, f"{self.simulator.base_url}{path}", **options)

    def get(self, path: str, **query: Any) -> JSON:
        response = self.call("GET", path, params=query)
        assert response.status_code == 200, response.text
        body: JSON = response.json()
        return body

    def refused(self, path: str, **query: Any) -> tuple[int, str]:
        """Status and code of an error in the flat format."""
        response = self.call("GET", path, params=query)
        return response.status_code, response.json()["code"]

    def listing(self, index: str, **query: Any) -> JSON:
        return self.get(f"/indexes/{index}/indexed-assets", **query)

    def ids(self, index: str, **query: Any) -> list[str]:
        return [item["_id"] for item in self.listing(index, **query)["data"]]

    def retrieved(self, index: str, asset: str, **query: Any) -> JSON:
        return self.get(f"/indexes/{index}/indexed-assets/{asset}", **query)

    def segments(self, index: str, asset: str, *options: str) -> list[JSON]:
        body = self.retrieved(index, asset, embedding_option=list(options))
        found: list[JSON] = body["embedding"]["video_embedding"]["segments"]
        return found


@contextlib.contextmanager
def access(scenario: Scenario | None = None, key: str = "tlk_test", **options: Any) -> Iterator[Access]:
    with (
        run_in_thread(scenario, **options) as simulator,
        httpx.Client(headers={"x-api-key": key}, trust_env=False, timeout=20) as http,
    ):
        yield Access(simulator, http)


def one_index(**facts: Any) -> Scenario:
    """A single marengo3.0 index without assets, unless `facts` override that."""
    return Scenario(indexes=(IndexSpec(**{"name": "only", **facts}),))


def video(filename: str = "a.mp4", *scenes: Scene, **facts: Any) -> AssetSpec:
    shown = scenes or (Scene(visual="a red bus", audio="engine", speech="all aboard", seconds=4.0),)
    return AssetSpec(filename=filename, scenes=shown, **facts)


def upload(api: Access, url: str = "https://example.invalid/red-bus.mp4", **fields: Any) -> str:
    response = api.call("POST", "/assets", data={"method": "url", "url": url, **fields}, files={"x": ("", b"")})
    assert response.status_code == 201, response.text
    asset_id: str = response.json()["_id"]
    return asset_id


def index_it(api: Access, index: str, asset: str, **body: Any) -> httpx.Response:
    return api.call("POST", f"/indexes/{index}/indexed-assets", json={"asset_id": asset, **body})
