"""The page and the JSON of an asset: what they show, in every state, with any id and name."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from connector.domain.asset_situation import Situation
from connector.domain.errors import LedgerUnavailable
from connector.web.pages.links import asset_url
from tests.contract.moment_place import SEGMENTS, TIME, MomentPlace, moment_place, segment

PAGE, API = "/indexes/index-1/assets/asset-1", "/api/indexes/index-1/assets/asset-1"
INLINE = re.compile(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:", re.IGNORECASE)
ODD = [
    "a/b",
    "../../etc",
    "..",
    "a?b#c%2F%00",
    '"><script>alert(1)</script>',
    "{{ 7*7 }}",
    "🎬 Straße",
    "a\x00b\x1b[31m\u202eevil",
    " ",
    "\ud83d" + "x",
]


@pytest.fixture
async def place() -> AsyncIterator[MomentPlace]:
    async with moment_place() as place:
        yield place


def attempt(attempts: int, reason: str | None = "read embeddings of asset a: torn") -> dict[str, Any]:
    return {
        "fingerprint": "print-1",
        "attempts": attempts,
        "since": TIME,
        "reason": reason,
        "code": "malformed_asset" if reason else None,
        "due": "2027-01-15T09:00:00.000Z",
        "tried_at": TIME,
        "max_attempts": 5,
    }


async def test_the_page_shows_what_is_known(place: MomentPlace) -> None:
    place.put(*SEGMENTS)

    page = await place.page(PAGE)

    for shown in (
        "match.mp4",
        "Matches",
        "Applied",
        "index-1",
        "asset-1",
        "upload-1",
        "marengo3.0",
        "twelvelabs-marengo3.0",
        "print-1",
        "revision-1",
        "metadata-1",
        "1280 \N{MULTIPLICATION SIGN} 720",
        "29.97 fps",
        "12 s",
        "12.3 MB",
        "category sports",
        "connector verify --index index-1",
        "the net, nil",
    ):
        assert shown in page.text
    assert INLINE.search(page.source) is None
    assert len(page.all("h1")) == 1


async def test_segments_are_a_list_and_a_timeline(place: MomentPlace) -> None:
    place.put(*SEGMENTS)

    page = await place.page(PAGE)

    assert [it["id"] for it in page.all("tr") if it.get("id")] == ["segment-1", "segment-2"]
    assert len(page.all("rect", class_="visual")) == 2
    assert len(page.all("rect", class_="audio")) == 1
    assert page.links().count("?from=0&to=6#moment") == 3, "in the list and in both lanes"
    assert "0:00.0 \N{EN DASH} 0:06.0 · visual the net, nil" in page.text, "the title of a box"
    assert all(it["tabindex"] == "-1" for it in page.all("a") if "#moment" in str(it["href"]) and "tabindex" in it)


async def test_a_moment_is_highlighted(place: MomentPlace) -> None:
    place.put(*SEGMENTS)

    page, other = await place.page(f"{PAGE}?from=6&to=12"), await place.page(f"{PAGE}?from=100")

    assert [it["id"] for it in page.all("tr", class_="at")] == ["segment-2"]
    assert len(page.all("rect", class_="moment")) == 1
    assert len(page.all("rect", class_="at")) == 1
    assert "#segment-2" in page.links()
    assert "No segment covers this moment." in other.text
    assert other.all("tr", class_="at") == []


async def test_many_segments_are_pages(place: MomentPlace) -> None:
    place.put(*(segment(2.0 * n, 2.0 * n + 2, "visual", "audio", transcript=f"word {n}") for n in range(7200)))

    first, moment = await place.page(PAGE), await place.page(f"{PAGE}?from=8000&to=8002")

    assert len(first.source) < 400_000
    assert "1\N{EN DASH}200 of 7,200" in first.text
    assert "?page=2#moment" in first.links()
    assert len(first.all("rect", class_="window")) == 36
    assert "4,001\N{EN DASH}4,200 of 7,200" in moment.text
    assert [it["id"] for it in moment.all("tr", class_="at")] == ["segment-4001"]
    assert len((await place.page(f"{PAGE}?page=36")).all("tr")) == 201


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"state": "in_progress"}, ["In progress"]),
        ({"state": "backlog", "priority": "backlog", "applied": None}, ["Backlog", "backlog", "not yet"]),
        ({"state": "opened", "attempt": attempt(1, None)}, ["Interrupted", "The process ended", "1 of 5"]),
        (
            {"state": "waiting", "applied": None, "listed": {"status": "indexing"}},
            ["Waiting at the source", "indexing"],
        ),
        (
            {"state": "deferred", "attempt": attempt(0)},
            ["Deferred", "torn", "0 of 5", "connector sync --index index-1"],
        ),
        (
            {"state": "failed", "attempt": attempt(2)},
            [
                "Failed",
                "torn",
                "The response has invalid content",
                "Re-index the asset",
                "malformed_asset",
                "2 of 5",
                "in 1 h",
            ],
        ),
        (
            {"state": "quarantined", "attempt": attempt(5)},
            ["Quarantined", "torn", "5 of 5", "connector quarantine retry --index index-1 asset-1"],
        ),
        (
            {"state": "pending", "delete": {"absent_since": TIME, "due": "2027-01-16T08:00:00.000Z"}},
            ["Delete pending", "Gone since", "in 1 d"],
        ),
        (
            {"state": "withheld", "withheld_because": "3 of 4 assets are gone"},
            ["Delete withheld", "3 of 4 assets are gone", "connector sync --index index-1 --allow-deletes"],
        ),
    ],
    ids=lambda it: it["state"] if isinstance(it, dict) else "",
)
async def test_every_state_says_what_it_means(place: MomentPlace, given: dict[str, Any], shown: list[str]) -> None:
    place.put(**given)

    page = await place.page(PAGE)

    assert [it for it in shown if it not in page.text] == []


async def test_a_page_needs_only_the_ids(place: MomentPlace) -> None:
    """An asset that was never applied, and listed without details: everything that may be null is null."""
    nothing = dict.fromkeys(("asset_id", "index_name", "filename", "model", "priority", "applied", "attempt", "listed"))
    facts = dict.fromkeys(("created_at", "indexed_at", "duration_sec", "fps", "width", "height", "size_bytes"))
    for state in Situation:
        place.put(state=state.value, facts=facts, user_metadata={}, **nothing)

        page = await place.page(PAGE)

        assert "Indexed asset id asset-1" in page.text
        assert "Asset id" not in page.text


async def test_without_qdrant_the_page_shows_what_the_ledger_knows(place: MomentPlace) -> None:
    unknown = dict.fromkeys(("created_at", "indexed_at", "duration_sec", "fps", "width", "height", "size_bytes"))
    error = {"code": "unavailable", "message": "read points: connection refused"}
    place.put(facts=unknown, user_metadata={}, qdrant={"error": error, "points": None, "truncated": False})

    page = await place.page(PAGE)

    assert "Qdrant cannot be read." in page.text
    assert "connection refused" in page.text
    assert "revision-1" in page.text
    assert "Points differ" not in page.text


async def test_a_difference_between_ledger_and_qdrant_is_told(place: MomentPlace) -> None:
    place.put(SEGMENTS[0], qdrant={"error": None, "points": 1, "truncated": False})
    assert "The ledger says 2, Qdrant holds 1." in (await place.page(PAGE)).text

    place.put(SEGMENTS[0], state="in_progress", qdrant={"error": None, "points": 1, "truncated": False})
    assert "Points differ" not in (await place.page(PAGE)).text, "it is being written"


async def test_there_is_no_page_of_an_unknown_asset(place: MomentPlace) -> None:
    place.put()

    for path in ("/indexes/index-1/assets/other", "/indexes/other/assets/asset-1"):
        assert "Not found" in (await place.page(path, 404)).text
        assert (await place.json(f"/api{path}", 404))["error"]["code"] == "not_found"
    assert (await place.http.get("/indexes/index-1/assets/")).status_code == 404


@pytest.mark.parametrize("query", ["from=x", "to=5", "from=5&to=4", "from=-1", "page=0", "page=x", "page=2"])
async def test_a_bad_address_says_what_is_wrong(place: MomentPlace, query: str) -> None:
    place.put(*SEGMENTS)

    page = await place.page(f"{PAGE}?{query}", 400)

    assert "Invalid address" in page.text
    assert query.split("=", maxsplit=1)[0] in page.text


async def test_a_ledger_that_cannot_be_read(place: MomentPlace) -> None:
    place.error = LedgerUnavailable("read", "ledger.sqlite3", "disk I/O error", "Check the disk")

    assert "disk I/O error" in (await place.page(PAGE, 503)).text
    assert (await place.json(API, 503))["error"]["code"] == "ledger_unavailable"


@pytest.mark.parametrize("odd", ODD)
async def test_odd_ids_and_names_are_only_text(place: MomentPlace, odd: str) -> None:
    plain = odd.encode("utf-8", "replace").decode()
    place.put(
        segment(0, 6, odd, transcript=odd),
        index_id=plain,
        indexed_asset_id=plain,
        index_name=odd,
        filename=odd,
        asset_id=odd,
        user_metadata={odd: {odd: [odd]}},
        withheld_because=odd,
    )
    address = asset_url(plain, plain)
    assert address is not None

    page = await place.page(address)
    found = await place.json(f"/api{address}")

    assert page.all("script") == [it for it in page.all("script") if it.get("src")]
    assert "alert(1)" not in " ".join(
        str(value) for _, given in page.elements for value in given.values() if "<" in str(value)
    )
    assert INLINE.search(re.sub(r">[^<]*<", "><", page.source)) is None
    assert "49" not in page.text.split("Segments")[0]
    assert (found["indexed_asset_id"], found["filename"]) == (plain, odd)


async def test_very_long_names_do_not_fill_the_page(place: MomentPlace) -> None:
    long = "x" * 10_000
    place.put(
        segment(0, 6, transcript=long),
        filename=long,
        index_name=long,
        user_metadata={long: long, **{f"{n}": n for n in range(500)}},
    )

    page = await place.page(PAGE)

    assert len(page.source) < 100_000
    assert "and 401 more" in page.text
    assert (await place.http.get(f"/indexes/index-1/assets/{long}")).status_code == 404


async def test_the_json_has_everything_in_pages(place: MomentPlace) -> None:
    view = place.put(*(segment(2.0 * n, 2.0 * n + 2) for n in range(250)))

    first, last = await place.json(API), await place.json(f"{API}?offset=200&limit=100")

    assert {key: first[key] for key in view.document} == view.document
    assert (len(first["segments"]), first["next_offset"]) == (100, 100)
    assert (len(last["segments"]), last["next_offset"]) == (50, None)
    assert last["segments"][0] == {
        "start_offset_sec": 400.0,
        "end_offset_sec": 402.0,
        "embedding_scope": "clip",
        "embedding_options": ["visual"],
        "transcript": "",
    }
    assert (await place.json(f"{API}?limit=0", 400))["error"]["code"] == "usage_error"
