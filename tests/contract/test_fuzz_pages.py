"""Whatever a page is asked for, on a real socket: an answer of ours, nothing inline, and no error."""

from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.web.pages.links import segment
from tests.contract.listeners import Listeners, running_listeners, statuses
from tests.contract.page_site import inline


@pytest.fixture(scope="module")
def listeners() -> Iterator[Listeners]:
    with running_listeners() as found:
        yield found


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
ODD = TEXT | st.sampled_from(["i", "new", "..", ".", "/", "%", "%2F", "<script>alert(1)</script>", '" onclick=x "'])
RAW = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=40)
STATES = st.sampled_from(["", "applied", "failed", "waiting", "withheld", "idle", "pending"])
QUERIES = st.fixed_dictionaries({}, optional={"state": STATES | ODD, "text": ODD, "after": ODD, "before": ODD})


def ask(listeners: Listeners, target: str) -> tuple[int, str]:
    answer = listeners.talk("status", f"GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
    (status,) = statuses(answer)
    return status, answer.partition(b"\r\n\r\n")[2].decode()


@given(index_id=ODD, query=QUERIES)
def test_any_index_and_any_query(listeners: Listeners, index_id: str, query: dict[str, str]) -> None:
    status, text = ask(listeners, f"/indexes/{segment(index_id)}?{urlencode(query)}")

    assert status in ({200, 400} if index_id in {"i", "new"} else {404, 400})
    assert inline(text) == []
    assert listeners.errors == []


@given(path=ODD | RAW.map(str), raw=RAW)
def test_any_path(listeners: Listeners, path: str, raw: str) -> None:
    status, text = ask(listeners, f"/{quote(path, safe='/%')}?{raw}")

    assert status in {200, 400, 404}
    assert inline(text) == []
    assert listeners.errors == []


@given(name=ODD, digest=ODD)
def test_any_file(listeners: Listeners, name: str, digest: str) -> None:
    status, _ = ask(listeners, f"/static/{quote(digest, safe='')}/{quote(name, safe='')}")

    assert status in {400, 404}
    assert listeners.errors == []
