"""429 in all its variants, injected and from a real limit."""

from collections.abc import Callable

import pytest

from tests.simulator.access import Access, access

OLD = {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-used", "x-ratelimit-reset"}
NEW = {
    "x-ratelimit-dimensions",
    "x-ratelimit-request-limit",
    "x-ratelimit-request-remaining",
    "x-ratelimit-request-reset",
}


class Timer:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def statuses(api: Access, count: int) -> list[int]:
    return [api.call("GET", "/indexes").status_code for _ in range(count)]


def test_the_limit_counts_within_a_window_of_real_time() -> None:
    timer = Timer()
    with access(timer=timer) as api:
        api.control.set_knobs(rate_limit=3, rate_limit_window_s=10)
        assert statuses(api, 5) == [200, 200, 200, 429, 429]

        timer.now += 10
        assert statuses(api, 4) == [200, 200, 200, 429]


@pytest.mark.parametrize(("knob", "expected"), [("old", OLD), ("new", NEW), ("both", OLD | NEW), ("none", set())])
def test_header_sets(knob: str, expected: set[str]) -> None:
    """On successes and on 429; the reset time is in the service's time, like Date."""
    with access(timer=Timer()) as api:
        api.control.set_knobs(rate_limit=1, rate_limit_headers=knob)
        for status in (200, 429):
            response = api.call("GET", "/indexes")

            assert response.status_code == status
            assert {name for name in response.headers if name.startswith("x-ratelimit")} == expected
            if expected:
                name = "x-ratelimit-reset" if "x-ratelimit-reset" in expected else "x-ratelimit-request-reset"
                assert int(response.headers[name]) == 1772355600 + 61


@pytest.mark.parametrize(
    ("knob", "check"),
    [
        ("flat", lambda response: response.json()["code"] == "too_many_requests"),
        ("nested", lambda response: response.json()["error"]["details"]["retryAfter"] == "60"),
        ("empty", lambda response: response.content == b""),
    ],
)
@pytest.mark.parametrize("retry_after", [True, False])
def test_bodies_with_and_without_retry_after(knob: str, check: Callable[..., bool], *, retry_after: bool) -> None:
    with access(timer=Timer()) as api:
        api.control.set_knobs(rate_limit=1, rate_limit_body=knob, retry_after=retry_after)
        api.call("GET", "/indexes")
        response = api.call("GET", "/indexes")

        assert response.status_code == 429
        assert check(response)
        assert response.headers.get("retry-after") == ("60" if retry_after else None)


def test_embed_v2_is_nested_by_nature() -> None:
    with access(timer=Timer()) as api:
        api.control.set_knobs(rate_limit=1)
        api.call("GET", "/indexes")

        assert api.call("POST", "/embed-v2", json={}).json()["error"]["code"] == "RATE_LIMIT_EXCEEDED"


def test_an_injected_429_has_the_same_variants(api: Access) -> None:
    api.control.set_knobs(rate_limit_body="nested")
    api.control.inject("GET /indexes", status=429, headers={"retry-after": "3"})
    response = api.call("GET", "/indexes")

    assert response.json()["error"]["code"] == "RATE_LIMIT_EXCEEDED"
    assert response.headers["retry-after"] == "3"


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate_limit": 0},
        {"rate_limit_body": "xml"},
        {"null_float": 1.5},
        {"missing_index": 404},
        {"ready_lag_s": -1},
        {"patch_bumps_updated_at": "yes"},
        {"no_such_knob": 1},
    ],
)
def test_wrong_knobs_are_refused_by_name(api: Access, wrong: dict[str, object]) -> None:
    """And nothing changes."""
    before = api.control.knobs
    with pytest.raises(ValueError, match=next(iter(wrong))):
        api.control.set_knobs(**wrong)
    assert api.control.knobs == before
