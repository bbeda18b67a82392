"""The control API carries out or refuses every input, and keeps working."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from connector.simulator.control_api import OPERATIONS
from connector.simulator.world.clock import LATEST_MS, SimulatedClock, parse_ms
from tests.simulator.access import Access, access, one_index, video
from tests.simulator.odd_input import BODIES, MISSING, alive


@pytest.fixture(scope="module")
def api() -> Iterator[Access]:
    with access(one_index(assets=(video(), video("b.mp4")))) as found:
        yield found


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
    """Values accepted here change the following responses."""
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
    """The call with each of its numbers, texts and lists replaced."""
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


@pytest.mark.parametrize("seconds", [1e300, 1e19, 253_402_300_799.0, float("inf"), float("nan"), -1])
def test_simulated_time_stays_within_the_calendar(fresh: Access, seconds: float) -> None:
    with pytest.raises(ValueError, match="simulated time"):
        fresh.control.advance(seconds)

    alive(fresh)


def test_the_last_moment_can_be_shown_in_every_spelling(fresh: Access) -> None:
    """And a running clock stops there."""
    fresh.control.advance((LATEST_MS - parse_ms(fresh.control.now)) / 1000)
    for timestamps in ("millis", "seconds", "offset"):
        fresh.control.set_knobs(timestamps=timestamps)
        fresh.control.add_asset(fresh.control.index_ids[0], "last.mp4", ready_in=1e9)
        alive(fresh)
    assert SimulatedClock(LATEST_MS - 1, 1e9, iter([0.0, 1e300]).__next__).now_ms() == LATEST_MS
