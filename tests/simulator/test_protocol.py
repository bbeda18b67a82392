"""Common to all requests: the key, both error formats, compression, headers, unknown paths."""

import asyncio
import gzip

import httpx
import pytest

from connector.simulator import Scenario, Simulator, run_in_thread, serve
from tests.simulator.access import Access, access


@pytest.mark.parametrize(("path", "code"), [("/indexes", "api_key_invalid"), ("/assets", "api_key_invalid")])
def test_no_key_is_401_in_the_flat_family(api: Access, path: str, code: str) -> None:
    response = api.http.get(f"{api.simulator.base_url}{path}", headers={"x-api-key": ""})

    assert response.status_code == 401
    assert response.json()["code"] == code


def test_no_key_is_401_in_the_nested_family(api: Access) -> None:
    response = api.http.post(f"{api.simulator.base_url}/embed-v2", headers={"x-api-key": ""}, json={})

    assert response.status_code == 401
    assert response.json()["error"]["code"] == "API_KEY_INVALID"


@pytest.mark.parametrize(("key", "status"), [("right", 200), ("wrong", 401), ("schlüssel".encode(), 401)])
def test_a_given_key_is_the_only_one(key: str | bytes, status: int) -> None:
    with access(api_key="right") as api:
        response = api.call("GET", "/indexes", headers={"x-api-key": key})

        assert response.status_code == status


def test_gzip_only_when_asked(api: Access, index: str) -> None:
    """The same body; small responses stay uncompressed."""
    path = f"/indexes/{index}/indexed-assets"
    packed = api.call("GET", path, headers={"accept-encoding": "gzip, deflate"})
    plain = api.call("GET", path, headers={"accept-encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert packed.num_bytes_downloaded == len(gzip.compress(plain.content, 1, mtime=0))


def test_date_is_the_simulated_time(api: Access) -> None:
    """A client that caps its watermark at Date stays within the simulated time."""
    api.control.advance(61)

    assert api.call("GET", "/indexes").headers["date"] == "Sun, 01 Mar 2026 09:01:01 GMT"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("PUT", "/embed", 405), ("POST", "/indexes/", 404), ("GET", "/", 404)],
)
def test_unknown_paths_and_methods(api: Access, method: str, path: str, status: int) -> None:
    """A flat error, never a redirect or a page of the web framework."""
    response = api.call(method, path)

    assert response.status_code == status
    assert set(response.json()) == {"code", "message"}


def test_a_taken_port_is_named() -> None:
    """The message names the address, the cause and the remedy."""
    with (
        run_in_thread() as first,
        pytest.raises(OSError, match=f"127.0.0.1:{first.port}.*choose another"),
        run_in_thread(port=first.port),
    ):
        raise AssertionError("two simulators listen on one port")


async def test_serving_ends_by_cancellation() -> None:
    """As a command does: gets the address once the server listens; nothing remains afterwards."""
    listening: asyncio.Future[Simulator] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(
            serve(Scenario.default(), host="127.0.0.1", port=0, api_key="k", ready=listening.set_result)
        )
        simulator = await listening
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(f"{simulator.base_url}/indexes", headers={"x-api-key": "k"})
        task.cancel()

    assert answer.status_code == 200
    with run_in_thread(port=simulator.port) as again:
        assert again.port == simulator.port


async def test_it_serves_inside_a_running_loop() -> None:
    """And can be started again after it stopped."""
    for _ in range(2):
        async with Simulator() as simulator:
            assert simulator.base_url == f"http://127.0.0.1:{simulator.port}/v1.3"
            assert len(simulator.control.index_ids) == 2
