"""Any JSON for any control operation is carried out, or refused with an explanation; the simulator goes on."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from connector.simulator.control_api import OPERATIONS
from tests.any_json import ANY_JSON, ANY_TEXT, ANY_TEXT_OF_JSON, changed
from tests.simulator.access import Access, access, one_index, video
from tests.simulator.odd_input import alive
from tests.simulator.test_odd_control import ARGUMENTS

HARMLESS = [name for name in ARGUMENTS if name not in {"delete_index", "expire_index", "advance", "add_index"}]
"""The others change what the next example begins with: no index, no time left, a million assets."""


@pytest.fixture(scope="module")
def api() -> Iterator[Access]:
    with access(one_index(assets=(video(), video("b.mp4"), video("c.mp4")))) as found:
        yield found


def call(api: Access, operation: str, body: bytes) -> int:
    index = api.control.index_ids[0]
    asset = api.control.asset_ids(index)[0]
    sent = body.replace(b"{index}", index.encode()).replace(b"{asset}", asset.encode())
    response = api.http.post(f"{api.simulator.control_url}/{operation}", content=sent)
    if response.status_code != 200:
        assert response.json()["error"]
    event(f"{response.status_code}")
    return response.status_code


@given(data=st.data(), operation=st.sampled_from(HARMLESS))
def test_any_arguments_of_an_operation_are_carried_out_or_refused(
    api: Access, data: st.DataObject, operation: str
) -> None:
    assert call(api, operation, data.draw(changed(ARGUMENTS[operation]))) in {200, 400}
    api.control.clear_faults()
    api.control.set_knobs(rate_limit=None, ready_lag_s=0)
    alive(api)


@given(
    operation=st.sampled_from([*OPERATIONS, "hold"]),
    body=ANY_TEXT_OF_JSON.map(lambda it: it.encode(errors="surrogatepass")) | st.binary(max_size=30),
)
def test_any_body_that_is_not_made_for_it_is_refused(api: Access, operation: str, body: bytes) -> None:
    """Only operations without arguments accept the empty object and the empty body."""
    status = call(api, operation, body)

    assert status == 400 or body.strip() in {b"", b"{}"}


@given(name=ANY_TEXT, arguments=st.dictionaries(ANY_TEXT, ANY_JSON, max_size=3))
def test_any_other_operation_is_refused(api: Access, name: str, arguments: dict[str, Any]) -> None:
    body = json.dumps(arguments).encode()
    path = "".join(f"%{byte:02x}" for byte in name.encode(errors="surrogatepass"))
    response = api.http.post(f"{api.simulator.control_url}/{path}", content=body)

    assert response.status_code in {400, 404, 405}, (name, response.status_code)
