"""Any form, query, token or body for searches and embedding tasks is answered or refused; never an error 500."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tests.any_json import ANY_JSON, ANY_TEXT, ANY_TEXT_OF_JSON, changed
from tests.simulator.access import Access, access, one_index, video
from tests.simulator.odd_input import alive
from tests.simulator.test_embed_tasks import URL, V2

SEARCH = {
    "index_id": "{index}",
    "search_options": ["visual", "transcription"],
    "query_text": "red bus",
    "query_media_type": "image",
    "query_media_url": "https://example.invalid/bus.jpg",
    "transcription_options": ["lexical", "semantic"],
    "group_by": "video",
    "operator": "or",
    "page_limit": "2",
    "filter": '{"id": ["x"], "duration": {"gte": 1}}',
    "include_user_metadata": "true",
    "threshold": "low",
    "sort_option": "clip_count",
    "adjust_confidence_level": "0.5",
}
EMBED = {
    "model_name": "marengo3.0",
    "video_url": URL,
    "video_start_offset_sec": "0",
    "video_end_offset_sec": "6",
    "video_clip_length": "2",
    "video_embedding_scope": ["clip", "video"],
}
VIDEO: dict[str, Any] = {
    **V2["video"],
    "start_sec": 0,
    "end_sec": 6.5,
    "segmentation": {"strategy": "fixed", "fixed": {"duration_sec": 2}},
    "embedding_option": ["visual"],
    "embedding_scope": ["clip"],
    "embedding_type": ["separate_embedding"],
}
FORM_TEXT = st.text(st.characters(codec="utf-8"), max_size=20) | ANY_TEXT_OF_JSON.filter(
    lambda it: it.isprintable() and len(it) < 1000
)


@pytest.fixture(scope="module", params=["marengo3.0", "marengo2.7"])
def api(request: pytest.FixtureRequest) -> Iterator[Access]:
    with access(one_index(model=request.param, assets=(video(), video("b.mp4", metadata={"a": 1})))) as found:
        yield found


def answered(response: Any) -> int:
    status: int = response.status_code
    assert status in {200, 202, 400, 404, 405}, response.text
    event(f"{status}")
    return status


@st.composite
def forms(draw: st.DrawFn, good: dict[str, Any]) -> dict[str, Any]:
    """The form with some fields left out and up to three replaced by anything."""
    names = draw(st.lists(st.sampled_from(sorted(good)), max_size=3, unique=True))
    gone = draw(st.lists(st.sampled_from(sorted(good)), max_size=3))
    return {
        name: draw(FORM_TEXT | st.lists(FORM_TEXT, max_size=3)) if name in names else value
        for name, value in good.items()
        if name in names or name not in gone
    }


@given(form=forms(SEARCH), token=st.booleans())
def test_any_form_of_a_search(api: Access, form: dict[str, Any], token: bool) -> None:
    index = api.control.index_ids[0]
    sent = {name: index if value == "{index}" else value for name, value in form.items()}
    response = api.call("POST", "/search", data=sent, files={"x": ("", b"")})
    if answered(response) == 200 and token and "next_page_token" in response.json()["page_info"]:
        assert api.get(f"/search/{response.json()['page_info']['next_page_token']}")["data"]
    alive_in(api)


@given(where=ANY_JSON, text=FORM_TEXT)
def test_any_filter_and_any_text(api: Access, where: Any, text: str) -> None:
    form = {"index_id": api.control.index_ids[0], "search_options": "audio", "query_text": text}
    answered(api.call("POST", "/search", data={**form, "filter": json.dumps(where)}, files={"x": ("", b"")}))


@given(token=ANY_TEXT, query=st.dictionaries(st.just("include_user_metadata"), FORM_TEXT))
def test_any_token(api: Access, token: str, query: dict[str, str]) -> None:
    path = "".join(f"%{byte:02x}" for byte in token.encode(errors="surrogatepass"))
    for place in (f"/search/{path}", f"/embed/tasks/{path}", f"/embed/tasks/{path}/status", f"/embed-v2/tasks/{path}"):
        answered(api.call("GET", place, params=query))


@given(form=forms(EMBED), name=FORM_TEXT)
def test_any_form_of_an_embedding_task(api: Access, form: dict[str, Any], name: str) -> None:
    response = api.call("POST", "/embed/tasks", data=form, files={"video_file": (name, b"x")})
    if answered(response) == 200:
        api.control.advance(10)
        assert api.get(f"/embed/tasks/{response.json()['_id']}")["video_embedding"]["segments"]


@given(body=changed({**V2, "video": VIDEO}) | st.binary(max_size=30))
def test_any_body_of_an_embedding_task(api: Access, body: bytes) -> None:
    response = api.call("POST", "/embed-v2/tasks", content=body)
    if answered(response) == 202:
        api.control.advance(10)
        assert api.get(f"/embed-v2/tasks/{response.json()['_id']}")["status"] == "ready"


@given(query=st.dictionaries(st.sampled_from(["started_at", "ended_at", "status", "page", "page_limit"]), FORM_TEXT))
def test_any_listing_of_embedding_tasks(api: Access, query: dict[str, str]) -> None:
    for path in ("/embed/tasks", "/embed-v2/tasks"):
        answered(api.call("GET", path, params=query))


def alive_in(api: Access) -> None:
    """`alive` reads options of marengo3.0 only."""
    if (
        "visual" in api.simulator.scenario.indexes[0].options
        and api.simulator.scenario.indexes[0].model == "marengo3.0"
    ):
        alive(api)
