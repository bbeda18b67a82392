"""The page and the JSON of a search: hits with links to their moments, and what to do when there are none."""

import re
from collections.abc import AsyncIterator

import pytest

from connector.domain.errors import (
    AuthenticationFailed,
    ConfigError,
    ConnectorError,
    RateLimited,
    SinkMismatch,
    Unavailable,
)
from connector.domain.sink_model import Hit
from connector.engine.text_search import ModelMoments
from tests.contract.moment_place import MomentPlace, moment_place

HIT = Hit(
    score=0.8333,
    index_id="index-1",
    index_name="Matches",
    indexed_asset_id="asset-1",
    filename="match.mp4",
    start_offset_sec=12.5,
    end_offset_sec=18.0,
    embedding_options=("visual", "audio"),
    transcript="the net, nil",
    similarities={"visual": 0.51, "audio": 0.4},
)
FOUND = ModelMoments("marengo3.0", "twelvelabs-marengo3.0", True, (HIT,))
DOWN = Unavailable("search collection", "c", "connection refused", "Check Qdrant", side="sink")
BUSY = RateLimited("search", "", "10 searches are waiting", "Try again in a minute", side="source", retry_after=4.2)


@pytest.fixture
async def place() -> AsyncIterator[MomentPlace]:
    async with moment_place() as place:
        yield place


async def test_a_hit_links_to_its_moment(place: MomentPlace) -> None:
    place.lists = [FOUND]

    page = await place.page("/search?q=goal")

    assert place.asked == [("goal", (), 10)]
    assert "/indexes/index-1/assets/asset-1?from=12.5&to=18#moment" in page.links()
    for shown in (
        "match.mp4",
        "0:12.5 \N{EN DASH} 0:18.0",
        "Matches",
        "0.833",
        "visual 0.51",
        "audio 0.40",
        "the net, nil",
        "1 hit",
    ):
        assert shown in page.text
    assert [it["value"] for it in page.all("input", name="q")] == ["goal"]


async def test_without_a_text_nothing_is_searched(place: MomentPlace) -> None:
    for query in ("", "?q=", "?q=+%0A"):
        page = await place.page(f"/search{query}")
        assert "Describe a moment" in page.text
    assert (await place.json("/api/search?q=+", 400))["error"]["code"] == "usage_error"
    assert place.asked == []


async def test_an_index_can_be_chosen(place: MomentPlace) -> None:
    place.names = {"index-1": "Matches", "index-2": None}
    place.lists = [FOUND]

    page = await place.page("/search?q=goal&index=index-2&limit=3")

    assert place.asked == [("goal", ("index-2",), 3)]
    assert [it["value"] for it in page.all("option")] == ["", "index-1", "index-2"]
    assert [it["value"] for it in page.all("option") if "selected" in it] == ["index-2"]


async def test_a_list_that_was_cut_can_be_made_longer(place: MomentPlace) -> None:
    place.lists = [ModelMoments("marengo3.0", "c", True, (HIT,) * 3)]

    cut = await place.page("/search?q=a+%26+b&limit=3&index=index-1")
    whole = await place.page("/search?q=a+%26+b&limit=4")
    longest = await place.page("/search?q=a+%26+b&limit=1000")

    assert "/search?q=a+%26+b&index=index-1&limit=15" in cut.links()
    assert "Show more" not in whole.text + longest.text


async def test_a_link_of_another_site_searches_nothing_until_somebody_presses_the_button(place: MomentPlace) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    page = await place.page("/search?q=goal", headers=headers)

    assert "Press Search" in page.text
    refused = await place.http.get("/api/search?q=goal", headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "foreign_site")
    assert place.asked == []
    await place.page("/search?q=goal", headers={"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"})
    await place.page("/search?q=goal", headers={"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"})
    assert len(place.asked) == 2


@pytest.mark.parametrize(
    ("lists", "shown"),
    [
        ([], "Nothing to search yet"),
        ([ModelMoments("marengo3.0", "c", False, (HIT,))], "Nothing is near"),
        ([ModelMoments("marengo3.0", "c", None, (HIT,))], "fewer than 10 segments"),
        ([ModelMoments("marengo3.0", "c", True)], "No moment was found"),
        ([FOUND, ModelMoments("marengo2.7", "old", error=DOWN)], "connection refused"),
        (
            [ModelMoments("", "c", error=ConfigError("embed text with", "x", "model unknown", "Use another"))],
            "model unknown",
        ),
        (
            [ModelMoments("m", "c", error=SinkMismatch("search", "c", "it does not exist", "Run it"))],
            "it does not exist",
        ),
    ],
)
async def test_every_result_says_what_it_is(place: MomentPlace, lists: list[ModelMoments], shown: str) -> None:
    place.lists = lists

    page = await place.page("/search?q=goal")

    assert shown in page.text


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (AuthenticationFailed("embed", "m", "key refused", "Check TWELVELABS_API_KEY"), 503, "The key was refused"),
        (BUSY, 429, "Too many requests at the moment"),
        (DOWN, 503, "Qdrant cannot be reached"),
        (ConfigError("select index", "x", "unknown", "Known indexes: a"), 400, "This cannot be searched"),
    ],
)
async def test_an_error_has_a_cause_and_what_to_do(
    place: MomentPlace, error: ConnectorError, status: int, title: str
) -> None:
    place.error = error

    page = await place.page("/search?q=goal", status)
    answer = await place.http.get("/api/search?q=goal")

    assert title in page.text
    assert error.cause in page.text
    assert error.advice in page.text
    assert [it["value"] for it in page.all("input", name="q")] == ["goal"], "the text is still there"
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, error.code)
    assert answer.headers.get("Retry-After") == ("5" if error is BUSY else None)


@pytest.mark.parametrize("query", [f"q={'x' * 1001}", "q=goal&limit=0", "q=goal&limit=x"])
async def test_a_search_that_is_not_valid(place: MomentPlace, query: str) -> None:
    assert "not valid" in (await place.page(f"/search?{query}", 400)).text
    assert (await place.json(f"/api/search?{query}", 400))["error"]["code"] == "usage_error"
    assert place.asked == []


async def test_the_json_is_that_of_the_command(place: MomentPlace) -> None:
    place.lists = [FOUND, ModelMoments("marengo2.7", "old", error=DOWN)]

    found = await place.json("/api/search?q=goal&limit=2")

    assert found["query"] == "goal"
    assert [it["model"] for it in found["models"]] == ["marengo3.0", "marengo2.7"]
    first, second = found["models"]
    assert first["near"] is True
    assert first["error"] is None
    assert first["hits"][0]["similarities"] == {"visual": 0.51, "audio": 0.4}
    assert second["error"] == {"code": "unavailable", "message": str(DOWN)}
    place.lists = [ModelMoments("marengo2.7", "old", error=DOWN)]
    assert (await place.json("/api/search?q=goal", 503))["models"][0]["hits"] == []


@pytest.mark.parametrize("odd", ["<script>alert(1)</script>", '"><img src=x>', "a\x00\u202eb", "🎬", "x" * 10_000])
async def test_odd_names_and_texts_are_only_text(place: MomentPlace, odd: str) -> None:
    hit = Hit(0.5, odd, odd, odd, odd, 0.0, 6.0, (odd,), odd, {odd: 0.5})
    place.lists = [ModelMoments(odd, odd, True, (hit,))]
    place.names = {odd: odd, "other": None}

    page = await place.page(f"/search?q={'%3Cscript%3E%22%27' if len(odd) > 1000 else ''}&index=other")
    page = await place.page("/search?q=%3Cscript%3E%22%27")

    assert [it["value"] for it in page.all("input", name="q")] == ["<script>\"'"]
    assert all(it.get("src") for it in page.all("script"))
    assert page.all("img") == []
    assert len(page.source) < 60_000
    assert not re.search(r"\sstyle=|\son\w+=", page.source)
