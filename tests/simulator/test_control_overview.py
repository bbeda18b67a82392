"""`GET /_control/` lists exactly the arguments that the operations accept."""

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from connector.simulator import Knobs
from connector.simulator.control_api import OPERATIONS
from tests.simulator.access import Access, access, one_index, video

CONTENT = {"filename": "a.mp4", "duration": 10.0, "fps": 25.0, "width": 640, "height": 360, "metadata": {"a": 1}}
# Operation -> a valid value for each argument that may be left out; {index} and {asset} exist.
OPTIONAL: dict[str, dict[str, Any]] = {
    "add_index": {"model": "marengo3.0", "options": ["visual"], "generate": 1},
    "add_asset": {
        **{name: value for name, value in CONTENT.items() if name != "filename"},
        "captions": ["a bus"],
        "status": "failed",
        "asset": "an upload",
        "video_stream": False,
        "ready_in": 1.0,
        "scenes": [{"visual": "a bus", "seconds": 10.0}],
    },
    "update_asset": {**CONTENT, "captions": ["a bus"], "model": "marengo2.7", "bump": False},
    "restart": {"status": "failed"},
    "reindex": {"duration": 10.0, "bump": True},
    "set_knobs": msgspec.to_builtins(Knobs()),
    "inject": {
        "status": 500,
        "body": {"a": 1},
        "headers": {"x-a": "b"},
        "count": 1,
        "probability": 0.5,
        "cut_at": 0.5,
        "delay": 0.0,
        "slow": 0.0,
        "drop": False,
    },
    "hold": {"nth": 2, "stage": "response"},
}
REQUIRED: dict[str, dict[str, Any]] = {
    "add_index": {"name": "x"},
    "add_asset": {"index": "{index}", "filename": "a.mp4"},
    "update_asset": {"index": "{index}", "asset": "{asset}"},
    "set_status": {"index": "{index}", "asset": "{asset}", "status": "failed"},
    "restart": {"index": "{index}", "asset": "{asset}"},
    "reindex": {"index": "{index}", "asset": "{asset}"},
    "migrate": {"index": "{index}", "model": "marengo2.7"},
    "expire_index": {"index": "{index}"},
    "delete_index": {"index": "{index}"},
    "delete_asset": {"index": "{index}", "asset": "{asset}"},
    "patch_metadata": {"index": "{index}", "asset": "{asset}", "metadata": {"a": None}},
    "advance": {"seconds": 1.0},
    "inject": {"pattern": "GET /nowhere"},
    "set_webhook": {"url": "http://127.0.0.1:9/", "secret": "s"},
    "emit": {"event": "index.task.ready", "index": "{index}", "asset": "{asset}"},
    "hold": {"pattern": "GET /nowhere"},
}
EVERY = (*OPERATIONS, "hold")


@pytest.fixture
def fresh() -> Iterator[Access]:
    with access(one_index(assets=(video(),))) as found:
        found.control.set_webhook("http://127.0.0.1:9/", "secret")
        yield found


def listed(api: Access, operation: str) -> set[str]:
    names = api.http.get(f"{api.simulator.control_url}/").json()["operations"][operation]
    assert len(names) == len(set(names))
    return set(names)


def sent(api: Access, operation: str, arguments: dict[str, Any]) -> httpx.Response:
    index = api.control.add_index("for one call")
    names = {"{index}": index, "{asset}": api.control.add_asset(index, "a.mp4")}
    filled = {key: names.get(value, value) if isinstance(value, str) else value for key, value in arguments.items()}
    return api.http.post(f"{api.simulator.control_url}/{operation}", json=filled)


@pytest.mark.parametrize("operation", EVERY)
def test_every_argument_that_is_listed_is_accepted(fresh: Access, operation: str) -> None:
    required, optional = REQUIRED.get(operation, {}), OPTIONAL.get(operation, {})

    answers = {name: sent(fresh, operation, {**required, name: value}) for name, value in optional.items()}

    assert listed(fresh, operation) == {*required, *optional}
    assert sent(fresh, operation, required).status_code == 200
    assert {name: it.text for name, it in answers.items() if it.status_code != 200} == {}


@pytest.mark.parametrize("operation", EVERY)
def test_no_other_argument_is_accepted(fresh: Access, operation: str) -> None:
    everything = {**REQUIRED["set_status"], **{key: it for table in (OPTIONAL, REQUIRED) for key, it in pairs(table)}}
    others = {name: everything[name] for name in everything.keys() - listed(fresh, operation)}
    others |= {"facts": {}, "fault": {}, "changed": {}, "rewrite": "x", "match": "GET /x", "self": 1}

    answers = {name: sent(fresh, operation, {**REQUIRED.get(operation, {}), name: it}) for name, it in others.items()}

    assert {name: it.status_code for name, it in answers.items() if it.status_code != 400} == {}
    assert {name for name, it in answers.items() if name not in it.json()["error"]} == set()


def pairs(table: dict[str, dict[str, Any]]) -> list[tuple[str, Any]]:
    return [pair for arguments in table.values() for pair in arguments.items()]
