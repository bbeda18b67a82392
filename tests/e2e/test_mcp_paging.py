"""Pages of moments for agents: together they are one list, and they say where it ends."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from connector.search.agents.input_schemas import MOST_FOUND, MOST_MOMENTS
from connector.simulator import Scene
from tests.e2e.agents import answer, connected
from tests.e2e.search_world import SearchWorld, search_world

ASSETS, SEGMENTS = 10, 60
WORDS = ("shark", "bell", "roof", "goal", "river", "train", "market", "violin", "snow", "kitchen", "dog")
DEEPER = f"A search looks at the best {MOST_FOUND} segments only"

Page = dict[str, Any]


@pytest.fixture(scope="module")
def world(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchWorld]:
    with search_world(qdrant_binary, tmp_path_factory.mktemp("agents"), embedded=False) as running:
        for number in range(ASSETS):
            pairs = [(WORDS[(number + it) % 11], WORDS[it * 7 % 11]) for it in range(SEGMENTS)]
            captions: list[str | Scene] = [f"a {one} and a {other} {it}" for it, (one, other) in enumerate(pairs)]
            asset = running.simulator.control.add_asset(running.newer, f"{number}.mp4", captions=captions)
            running.simulator.control.patch_metadata(running.newer, asset, {"part": number})
        synced = running.connector.run("sync")
        assert synced.code == 0, synced.stderr
        yield running


async def pages(client: Client, tool: str, start: int = 0, **arguments: Any) -> list[Page]:
    """From an offset to the last page."""
    found = [await answer(client, tool, offset=start, **arguments)]
    while (offset := found[-1]["next_offset"]) is not None:
        found.append(await answer(client, tool, offset=offset, **arguments))
    return found


def moments(found: list[Page]) -> list[tuple[str, float, float]]:
    return [(it["indexed_asset_id"], it["start_sec"], it["score"]) for page in found for it in page["moments"]]


async def test_no_moment_comes_twice_and_none_is_lost(world: SearchWorld) -> None:
    async with connected(world) as client:
        asked: dict[str, Any] = {"text": "a shark", "indexes": [world.newer]}
        small = await pages(client, "search_moments", **asked, limit=17)
        later = await pages(client, "search_moments", **asked, limit=MOST_MOMENTS, start=90)

    assert len(set(moments(small))) == len(moments(small)) == MOST_FOUND < ASSETS * SEGMENTS
    assert [it[2] for it in moments(small)] == sorted((it[2] for it in moments(small)), reverse=True)
    assert moments(later) == moments(small)[90:]


async def test_moments_like_one_end_where_the_search_does(world: SearchWorld) -> None:
    place = {"index_id": world.newer, "indexed_asset_id": world.captioned[world.newer], "start_sec": 0}
    async with connected(world) as client:
        found = await pages(client, "similar_moments", **place, limit=MOST_MOMENTS, start=MOST_FOUND - 30)

    assert len(set(moments(found))) == len(moments(found)) == 30
    assert DEEPER in found[-1]["notes"][0]


@pytest.mark.parametrize(
    ("narrowed", "start"), [({"group": True}, 0), ({"merge_gap_sec": 0}, 0), ({"options": ["visual"]}, MOST_FOUND - 30)]
)
async def test_the_last_page_says_that_there_may_be_more(
    world: SearchWorld, narrowed: dict[str, Any], start: int
) -> None:
    async with connected(world) as client:
        asked = {"text": "a bell", "limit": MOST_MOMENTS, "indexes": [world.newer], **narrowed}
        found = await pages(client, "search_moments", **asked, start=start)
        beyond = await answer(client, "search_moments", **asked, offset=MOST_FOUND)

    assert [page for page in found[:-1] if any(DEEPER in it for it in page["notes"])] == []
    assert any(f"{DEEPER}, and there may be more that fit: narrow it" in it for it in found[-1]["notes"])
    assert len(set(moments(found))) == len(moments(found)) > 0
    assert beyond["moments"] == []


@pytest.mark.parametrize("narrowed", [{}, {"group": True}, {"merge_gap_sec": 0}])
async def test_a_narrow_search_is_complete(world: SearchWorld, narrowed: dict[str, Any]) -> None:
    async with connected(world) as client:
        asked = {"text": "a bell", "filters": {"part": [1, 2]}, "limit": MOST_MOMENTS, **narrowed}
        found = await pages(client, "search_moments", **asked)

    segments = sum(it["segments"] for page in found for it in page["moments"])
    assert segments == (2 if narrowed == {"group": True} else 2 * SEGMENTS)
    assert [note for page in found for note in page["notes"] if DEEPER in note] == []
