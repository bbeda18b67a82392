"""Requests that are held, refused, cut, slowed down or dropped on purpose."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from connector.simulator import FaultSpec, ReceivedCall, Scenario, Simulator
from connector.simulator.api.patterns import Pattern
from tests.comparing import differences
from tests.simulator.access import JSON, Access, access

LISTING = "GET /indexes/*/indexed-assets"


@pytest.mark.parametrize(
    ("pattern", "call", "expected"),
    [
        ("GET /indexes/*", ReceivedCall("GET", "/indexes/a", ""), True),
        ("GET /indexes/*", ReceivedCall("GET", "/indexes/a/videos", ""), False),
        ("GET /indexes/**", ReceivedCall("GET", "/indexes/a/videos", ""), True),
        ("get /v1.3/indexes", ReceivedCall("GET", "/indexes", ""), True),
        ("POST /indexes", ReceivedCall("GET", "/indexes", ""), False),
        ("/indexes", ReceivedCall("GET", "/indexes", "page=1"), True),
        ("**", ReceivedCall("DELETE", "/x/y", ""), True),
        ("/indexes?page=2", ReceivedCall("GET", "/indexes", "page=2&page_limit=5"), True),
        ("/indexes?page=2", ReceivedCall("GET", "/indexes", "page=22"), False),
        ("/a.b", ReceivedCall("GET", "/axb", ""), False),
    ],
)
def test_patterns(pattern: str, call: ReceivedCall, *, expected: bool) -> None:
    assert Pattern.parse(pattern).matches(call) is expected


@pytest.mark.parametrize("pattern", ["", "GET", "indexes", "GET indexes", "G3T /indexes"])
def test_bad_patterns_are_refused(api: Access, pattern: str) -> None:
    with pytest.raises(ValueError, match="write it like"):
        api.control.hold(pattern)


def test_the_nth_request_is_held_until_released(api: Access, index: str) -> None:
    """The response includes changes made in between; other requests are not held."""
    hold = api.control.hold(f"{LISTING}?page=2", nth=2)
    assert api.listing(index, page=2, page_limit=5)["page_info"]["total_results"] == 8
    with ThreadPoolExecutor() as pool:
        held = pool.submit(api.listing, index, page=2, page_limit=5)
        assert hold.wait_reached(10).path == f"/indexes/{index}/indexed-assets"
        api.control.delete_asset(index, api.control.asset_ids(index)[0])
        assert api.listing(index, page=1)["page_info"]["total_results"] == 7
        assert not held.done()
        hold.release()
        assert held.result(10)["page_info"]["total_results"] == 7


def test_an_answer_can_be_held_after_it_was_made(api: Access, index: str) -> None:
    """Stage `response`: it shows the state before the hold."""
    hold = api.control.hold(LISTING, stage="response")
    with ThreadPoolExecutor() as pool:
        held = pool.submit(api.listing, index)
        hold.wait_reached(10)
        api.control.delete_asset(index, api.control.asset_ids(index)[0])
        hold.release()
        assert held.result(10)["page_info"]["total_results"] == 8


def test_the_log_tells_when_a_request_arrived_also_if_it_was_held(api: Access) -> None:
    """By the real clock: the simulated one may stand still."""
    hold = api.control.hold("GET /indexes")
    with ThreadPoolExecutor() as pool:
        asked = time.monotonic()
        held = pool.submit(api.get, "/indexes")
        hold.wait_reached(10)
        reached = time.monotonic()
        hold.release()
        held.result(10)
    (entry,) = api.control.requests

    assert asked <= entry.arrived <= reached


async def test_holds_work_in_the_same_loop() -> None:
    async with Simulator() as simulator, httpx.AsyncClient(headers={"x-api-key": "k"}) as http:
        hold = simulator.control.hold("GET /indexes")
        answers: list[int] = []

        async def ask() -> None:
            answers.append((await http.get(f"{simulator.base_url}/indexes")).status_code)

        async with asyncio.TaskGroup() as group:
            group.create_task(ask())
            await hold.reached()
            assert (hold.is_reached, answers) == (True, [])
            hold.release()
        assert answers == [200]


def test_a_hold_that_is_released_before_holds_nothing(api: Access) -> None:
    hold = api.control.hold("GET /indexes")
    hold.release()

    assert api.get("/indexes")["data"]
    assert not hold.is_reached
    with pytest.raises(TimeoutError):
        hold.wait_reached(0)


@pytest.mark.parametrize("nth", [0, -1])
def test_nth_counts_from_one(api: Access, nth: int) -> None:
    with pytest.raises(ValueError, match="nth"):
        api.control.hold("/indexes", nth=nth)


def test_stopping_releases_what_is_held() -> None:
    """A simulator that is closed never leaves a client waiting."""
    with ThreadPoolExecutor() as pool, access() as api:
        hold = api.control.hold("GET /indexes")
        url = f"{api.simulator.base_url}/indexes"
        asked = pool.submit(httpx.get, url, headers={"x-api-key": "k"}, trust_env=False)
        hold.wait_reached(10)

    assert asked.result(10).status_code == 200


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 413, 429, 500, 502, 503])
def test_an_injected_status_has_a_body_of_the_right_family(api: Access, status: int) -> None:
    api.control.inject("**", status=status)
    flat = api.call("GET", "/indexes")
    nested = api.call("POST", "/embed-v2", json={})

    assert (flat.status_code, nested.status_code) == (status, status)
    assert {"code", "message"} <= set(flat.json())
    assert set(nested.json()) == ({"error"} if status != 429 else {"code", "message"}) or "error" in nested.json()


def test_a_fault_happens_count_times(api: Access) -> None:
    api.control.inject("GET /indexes", status=503, count=2, headers={"retry-after": "7"})
    answers = [api.call("GET", "/indexes") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["retry-after"] == "7"


def test_probability_follows_the_seed() -> None:
    """The same requests fail in two simulators with one seed."""

    def failures() -> list[int]:
        with access() as api:
            api.control.inject("GET /indexes", status=500, probability=0.5)
            return [api.call("GET", "/indexes").status_code for _ in range(40)]

    first = failures()
    assert first == failures()
    assert 8 < first.count(500) < 32


@pytest.mark.parametrize("body", ["<html>bad gateway</html>", "", {"code": "x", "message": "y"}, None])
def test_injected_bodies(api: Access, body: JSON | str | None) -> None:
    """Text unchanged (HTML from a proxy, or nothing), any other value as JSON."""
    api.control.inject("GET /indexes", status=502, body=body)
    response = api.call("GET", "/indexes")

    expected = body if isinstance(body, str) else None
    assert response.text == expected if expected is not None else response.json()["message"]


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_cut_body_ends_too_early(api: Access, index: str, share: float) -> None:
    api.control.inject(LISTING, cut_at=share, count=1)

    with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|without sending complete"):
        api.listing(index)
    assert api.listing(index)["data"]


def test_a_dropped_connection_has_no_answer(api: Access) -> None:
    api.control.inject("GET /indexes", drop=True, count=1)

    with pytest.raises(httpx.TransportError):
        api.call("GET", "/indexes")
    assert [entry.status for entry in api.control.requests] == [0]
    assert api.get("/indexes")["data"]


def test_slow_and_delayed_answers_arrive(api: Access, index: str) -> None:
    """The complete body arrives in pieces."""
    quick = api.listing(index)
    api.control.inject(LISTING, slow=0.05, delay=0.01)

    assert api.listing(index) == quick


def test_an_answer_can_be_rewritten(api: Access, index: str) -> None:
    """Any malformed content, derived from the real response."""

    def shorten(body: JSON) -> JSON:
        body["embedding"]["video_embedding"]["segments"][0]["float"].pop()
        return body

    asset = api.control.asset_ids(index)[0]
    api.control.inject(f"GET /indexes/*/indexed-assets/{asset}", rewrite=shorten)

    assert [len(segment["float"]) for segment in api.segments(index, asset, "visual")][:2] == [511, 512]


def test_faults_can_be_in_the_scenario() -> None:
    with access(Scenario(faults=(FaultSpec(match="GET /indexes", status=503, count=1),))) as api:
        assert [api.call("GET", "/indexes").status_code for _ in range(2)] == [503, 200]


def test_clearing_ends_faults_and_holds(api: Access) -> None:
    hold = api.control.hold("GET /indexes")
    api.control.inject("GET /indexes", status=500)
    api.control.clear_faults()

    assert api.get("/indexes")["data"]
    assert not hold.is_reached


def test_unknown_faults_are_refused(api: Access) -> None:
    with pytest.raises(ValueError, match="colour"):
        api.control.inject("GET /indexes", colour="red")


def test_the_log_tells_what_was_asked(api: Access, index: str) -> None:
    """Method, path, query, status, simulated time; in order, and filtered."""
    api.listing(index, page=1)
    api.control.advance(5)
    api.call("DELETE", f"/indexes/{index}/indexed-assets/{'0' * 24}")
    first, second = api.control.requests

    assert differences(first, method="GET", path=f"/indexes/{index}/indexed-assets", query="page=1", status=200) == {}
    assert differences(second, method="DELETE", status=404) == {}
    assert second.at - first.at == 5000
    assert api.control.requests.matching("DELETE **") == [second]
    assert api.control.requests.matching(since=first.number) == [second]
    api.control.clear_requests()
    assert (len(api.control.requests), api.control.requests.total) == (0, 2)
