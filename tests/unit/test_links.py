"""Any id can be part of an address, and the server gets it back as it was."""

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.routing import Match, Route

from connector.web.pages.links import asset_url, index_url, named_by, segment

ROUTE = Route("/indexes/{index_id}/assets/{asset_id}", lambda _: None)
ODD = [
    "a/b",
    "..",
    ".",
    "a.b",
    "%2F",
    "%252F",
    "a b",
    "?x=1",
    "#top",
    "<script>",
    '"',
    "🎬",
    "\u202eabc",
    "ä",
    "a\\b",
    "'",
]


def received(url: str) -> tuple[str, str]:
    """The two ids, as the server gets them: it decodes the path once."""
    path = unquote(urlsplit(url).path)
    match, scope = ROUTE.matches({"type": "http", "path": path, "root_path": "", "method": "GET"})
    assert match is Match.FULL
    found = Request({"type": "http", **scope}).path_params
    return named_by(found["index_id"]), named_by(found["asset_id"])


@pytest.mark.parametrize("name", ODD)
def test_odd_ids(name: str) -> None:
    url = asset_url(name, name)

    assert url
    assert received(url) == (name, name)
    assert not {"..", "."} & set(urlsplit(url).path.lower().replace("%2e", ".").split("/"))


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50))
def test_any_id(name: str) -> None:
    assert received(asset_url("index", name) or "") == ("index", name)
    assert segment(name).isascii()


def test_a_usual_id_is_readable() -> None:
    assert asset_url("65f1c0", "a-b_c.d") == "/indexes/65f1c0/assets/a-b_c.d"


def test_a_query() -> None:
    assert index_url("i", state="failed", text="a&b=c", after=None) == "/indexes/i?state=failed&text=a%26b%3Dc"
    assert index_url("i", state=None) == "/indexes/i"


@pytest.mark.parametrize(
    "url", [asset_url("i", "x" * 10_000), index_url("🎬" * 1000), index_url("i", after="y" * 9000)]
)
def test_an_address_that_would_be_refused_is_none(url: str | None) -> None:
    assert url is None
