"""Whatever an address or a video says, the asset page and the search answer, and what they show is only text."""

import asyncio
from typing import Any, NoReturn
from urllib.parse import quote

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from connector.domain.sink_model import Hit
from connector.domain.stored_segments import StoredSegment
from connector.engine.text_search import ModelMoments
from connector.web.asset_view import AssetView
from connector.web.pages.links import asset_url
from connector.web.pages.moment_routes import moment_routes
from connector.web.pages.moment_site import MomentSite
from connector.web.pages.plain_text import plain
from connector.web.response_headers import SECURITY_HEADERS
from tests.contract.moment_place import NOW, MomentPlace, Parsed, moment_place

PATHS = ("/search", "/api/search", "/indexes/index-1/assets/asset-1", "/api/indexes/index-1/assets/asset-1")
NAMES = ("q", "index", "limit", "from", "to", "page", "offset", "other")
FEWER = settings(max_examples=min(40, settings().max_examples))
NUMBERS = st.integers().map(str) | st.floats().map(str) | st.sampled_from(["1e9", "1_0", "²", "9" * 5000, "-0", " 1"])
QUERIES = st.lists(st.tuples(st.sampled_from(NAMES), NUMBERS | st.text(max_size=30)), max_size=4)
TEXTS = st.text(st.characters() | st.sampled_from("<>&\"'`{}%/\\\0\u202e"), max_size=20)
TIMES = st.floats(0, 1e9).map(lambda it: round(it, 3))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS, lambda it: st.dictionaries(TEXTS, it, max_size=3)
)


def ask(place: MomentPlace, path: str, query: Any = ()) -> httpx.Response:
    """An exception of the application is raised here."""

    async def answer() -> httpx.Response:
        site = MomentSite(lambda: NOW, place.asset, place.find, place.indexes)
        transport = httpx.ASGITransport(Starlette(routes=moment_routes(site)))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", trust_env=False) as client:
            return await client.get(path, params=list(query) or None)

    return asyncio.run(answer())


@given(path=st.sampled_from(PATHS), query=QUERIES)
def test_any_query_is_answered_or_refused(path: str, query: list[tuple[str, str]]) -> None:
    place = MomentPlace()
    place.put(StoredSegment(0.0, 6.0, "clip", ("visual",), "words"))

    answer = ask(place, path, [(key, value.encode("utf-8", "replace").decode()) for key, value in query])

    assert answer.status_code in {200, 400}


@given(first=TEXTS, second=TEXTS)
def test_any_ids_are_found_by_their_link_and_nothing_else_is(first: str, second: str) -> None:
    place, ids = MomentPlace(), [it.encode("utf-8", "replace").decode() for it in (first, second)]
    place.put(index_id=ids[0], indexed_asset_id=ids[1])
    address = asset_url(*ids)
    assert address is not None

    assert ask(place, address).status_code == (200 if all(ids) else 404)
    assert ask(place, f"/indexes/{quote(ids[0])}x/assets/{quote(ids[1])}x").status_code == 404


@FEWER
@given(name=TEXTS, option=TEXTS, said=TEXTS, metadata=st.dictionaries(TEXTS, JSON, max_size=3), start=TIMES, end=TIMES)
def test_any_names_words_and_metadata_are_only_text(
    name: str, option: str, said: str, metadata: dict[str, Any], start: float, end: float
) -> None:
    """The elements are those of a harmless page, and no other."""
    place, harmless = MomentPlace(), MomentPlace()
    start, end = sorted((start, end))
    place.put(
        StoredSegment(start, end, "clip", (option,), said),
        filename=name,
        index_name=name,
        user_metadata=metadata,
        listed={"status": said},
    )
    harmless.put(
        StoredSegment(start, end, "clip", ("plain",), "said" if plain(said) else ""),
        filename="name",
        user_metadata={f"{n}": n for n, _ in enumerate(metadata)},
    )

    page, other = (Parsed(ask(it, PATHS[2]).text) for it in (place, harmless))

    assert tags(page) == tags(other)


@given(name=TEXTS, option=TEXTS, said=TEXTS)
def test_any_hit_is_only_text(name: str, option: str, said: str) -> None:
    place, harmless = MomentPlace(), MomentPlace()
    place.lists = [ModelMoments(name, name, True, (hit(name, option, said),))]
    harmless.lists = [ModelMoments("name", "name", True, (hit("name", "option", "said" if plain(said) else ""),))]

    page, other = (Parsed(ask(it, "/search", [("q", "shark")]).text) for it in (place, harmless))

    assert tags(page) == tags(other)
    assert ask(place, "/api/search", [("q", "shark")]).json()["models"][0]["hits"][0]["filename"] == name


def hit(name: str, option: str, said: str) -> Hit:
    return Hit(0.5, "index-1", name, "asset-1", name, 0.0, 6.0, (option,), said, {option: 0.5})


def tags(page: Parsed) -> list[str]:
    return [tag for tag, _ in page.elements]


class Bug(dict[tuple[str, str], AssetView]):
    def get(self, *_: object) -> NoReturn:
        raise ZeroDivisionError


async def test_a_bug_in_a_page_is_told_by_a_page() -> None:
    async with moment_place() as place:
        place.assets = Bug()
        answer, told = [await place.http.get(path) for path in PATHS[2:]]

    assert answer.status_code == 500
    assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    shown = Parsed(answer.text).text
    assert "Internal error" in shown
    assert "What to do" in shown
    assert "ZeroDivisionError" not in shown
    assert (told.status_code, told.json()["error"]["code"]) == (500, "internal_error")
