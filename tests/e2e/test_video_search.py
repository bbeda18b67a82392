"""The search library on synced videos: over gRPC and REST, and embedded; with and without asyncio."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from connector.search import AsyncVideoSearch, ConfigError, Moment, VideoSearch
from tests.e2e.search_world import CAPTIONS, WAYS, SearchWorld, place, search_world


@pytest.fixture(scope="module")
def world(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchWorld]:
    with search_world(qdrant_binary, tmp_path_factory.mktemp("search")) as running:
        yield running


@pytest.fixture(params=WAYS)
def search(world: SearchWorld, request: pytest.FixtureRequest) -> Iterator[VideoSearch]:
    with world.search(request.param) as running:
        yield running


def test_a_text_finds_the_moment_in_both_models(world: SearchWorld, search: VideoSearch) -> None:
    newer, older = search.query(CAPTIONS[2], limit=3)

    assert [newer.model, older.model] == ["marengo3.0", "marengo2.7"]
    assert (newer.collection, newer.near, newer.error, len(newer)) == ("twelvelabs-marengo3.0", None, None, 3)
    best = newer[0]
    assert (best.index_id, best.indexed_asset_id, best.index_name) == (
        world.newer,
        world.captioned[world.newer],
        "newer",
    )
    assert (best.filename, best.model, best.metadata) == (
        "captioned.mp4",
        "marengo3.0",
        {"category": "sea", "batch": 7},
    )
    assert best.start_sec < best.end_sec
    assert set(best.scores) <= set(best.options) == {"visual", "audio", "transcription"}
    assert max(best.scores.values()) > 0.8
    assert (
        best.link
        == f"/indexes/{best.index_id}/assets/{best.indexed_asset_id}?from={best.start_sec:g}&to={best.end_sec:g}#moment"
    )
    assert older[0].indexed_asset_id == world.captioned[world.older]


def test_one_list_for_all_models_is_by_rank(world: SearchWorld, search: VideoSearch) -> None:
    (newer, older), (both,) = search.query(CAPTIONS[2]), search.query(CAPTIONS[2], across_models=True, limit=4)

    assert [place(it) for it in both] == [place(it) for it in (newer[0], older[0], newer[1], older[1])]


def test_filters_and_time_ranges_narrow_the_search(world: SearchWorld, search: VideoSearch) -> None:
    by_metadata = search.query("anything", filters={"category": "sea", "batch": {"gte": 3}}, limit=100)
    by_time = search.query("anything", time_range=(2, 4), limit=100, indexes=[world.newer])

    assert {it.indexed_asset_id for found in by_metadata for it in found} == set(world.captioned.values())
    assert [found.model for found in by_time] == ["marengo3.0"]
    assert by_time[0].moments
    assert all(it.start_sec < 4 and it.end_sec > 2 for it in by_time[0])
    assert not any(search.query("anything", filters={"category": "sea", "before": "2020-01-01"}))


def test_more_like_this_leaves_out_the_segment_itself(world: SearchWorld, search: VideoSearch) -> None:
    (found,) = search.query(CAPTIONS[0], indexes=[world.newer], limit=1)

    (like,) = search.similar(world.newer, found[0].indexed_asset_id, found[0].start_sec, limit=1000)
    (elsewhere,) = search.similar(world.newer, found[0].indexed_asset_id, found[0].start_sec, other_assets_only=True)

    assert place(found[0]) not in {place(it) for it in like}
    assert like[0].indexed_asset_id == found[0].indexed_asset_id, "the next caption says nearly the same"
    assert found[0].indexed_asset_id not in {it.indexed_asset_id for it in elsewhere}


def test_a_vector_of_the_caller_needs_no_key(world: SearchWorld) -> None:
    with world.search(twelvelabs_api_key=None) as search:
        vector = np.ones(512)
        (found,) = search.query_vector(vector, limit=2)
        (same,) = search.query_vector(vector.tolist(), model="Marengo-retrieval-3.0", limit=2)

        assert (found.model, len(found)) == ("marengo3.0", 2)
        assert [place(it) for it in same] == [place(it) for it in found]
        with pytest.raises(ConfigError, match=r"TWELVELABS_API_KEY.*not set"):
            search.query("goal")


def test_neighbours_become_one_moment(world: SearchWorld, search: VideoSearch) -> None:
    (apart,) = search.query(CAPTIONS[0], indexes=[world.newer], near_only=True)
    (joined,) = search.query(CAPTIONS[0], indexes=[world.newer], merge_gap_sec=0)

    assert apart.near is True
    assert len(apart) > 1
    best = joined[0]
    assert sorted(place(part) for part in best.parts) == sorted(place(it) for it in apart)
    assert best.start_sec == min(it.start_sec for it in apart)
    assert best.end_sec == max(it.end_sec for it in apart)
    assert best.score == max(it.score for it in apart)


def test_the_best_moment_of_each_video(world: SearchWorld, search: VideoSearch) -> None:
    (found,) = search.query(CAPTIONS[0], indexes=[world.newer], group_by_asset=True, limit=4)

    assert len({it.indexed_asset_id for it in found}) == len(found) == 4
    assert found[0].indexed_asset_id == world.captioned[world.newer]
    assert {it.indexed_asset_id for it in found[0].others} == {found[0].indexed_asset_id}
    assert found[0].others[0].score <= found[0].score


def test_options_and_weights(world: SearchWorld, search: VideoSearch) -> None:
    (seen, older) = search.query(CAPTIONS[2], options=["visual"])
    (weighted, _) = search.query(CAPTIONS[2], weights={"visual": 2, "audio": 0}, limit=1)

    assert {option for it in seen for option in it.scores} == {"visual"}
    assert {option for it in older for option in it.scores} == {"visual-text"}
    assert set(weighted[0].scores) == {"visual", "transcription"}
    assert weighted[0].score == pytest.approx(2 / 2 + 1 / 2)


def test_a_reranker_decides(world: SearchWorld, search: VideoSearch) -> None:
    asked: list[str] = []

    def latest(text: str, moments: Sequence[Moment]) -> list[float]:
        asked.append(text)
        return [it.start_sec for it in moments]

    async def earliest(_: str, moments: Sequence[Moment]) -> list[float]:
        return [-it.start_sec for it in moments]

    (found,) = search.query("goal", indexes=[world.newer], rerank=latest, limit=5)
    (other,) = search.query("goal", indexes=[world.newer], rerank=earliest, limit=5)

    assert asked == ["goal"]
    assert [it.start_sec for it in found] == sorted((it.start_sec for it in found), reverse=True)
    assert [it.start_sec for it in other] == [0, 0, 0, 0, 0]
    with pytest.raises(ConfigError, match="0 scores for"):
        search.query("goal", rerank=lambda _, __: [])


async def test_the_synchronous_search_works_inside_a_running_loop(world: SearchWorld) -> None:
    """As in a notebook."""
    with world.search() as search:
        assert search.query(CAPTIONS[2], limit=1)[0][0].filename == "captioned.mp4"


@pytest.mark.parametrize("way", WAYS)
async def test_queries_at_once_do_not_block_the_loop(world: SearchWorld, way: str) -> None:
    longest, ended = 0.0, asyncio.Event()

    async def tick() -> None:
        nonlocal longest
        while not ended.is_set():
            before = time.thread_time()  # CPU of this thread only: a machine that is busy elsewhere blocks nothing
            await asyncio.sleep(0.01)
            longest = max(longest, time.thread_time() - before)

    async with world.async_search(way) as search, asyncio.TaskGroup() as tasks:
        tasks.create_task(tick())
        async with asyncio.TaskGroup() as queries:
            found = [queries.create_task(search.query(caption, limit=1)) for caption in CAPTIONS * 3]
        ended.set()

    assert {task.result()[0][0].filename for task in found} == {"captioned.mp4"}
    assert longest < 0.5


def test_only_the_given_collections_are_searched(world: SearchWorld) -> None:
    with world.search(collections=["twelvelabs-marengo2.7"]) as search:
        assert [found.model for found in search.query(CAPTIONS[2])] == ["marengo2.7"]
        with pytest.raises(ConfigError, match="Models and dimensions: marengo2"):
            search.query_vector([1.0] * 512)


def test_settings_are_those_of_the_commands(world: SearchWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world.connector.directory)
    for name, value in world.connector.settings.items():
        monkeypatch.setenv(name, value)
    with VideoSearch.from_settings(link_base_url="https://videos.example.com") as search:
        assert len(search.query(CAPTIONS[2])) == 2

    monkeypatch.setenv("CONNECTOR_INDEXES", world.older)
    monkeypatch.delenv("TWELVELABS_API_KEY")
    with VideoSearch.from_settings(link_base_url="https://videos.example.com") as search:
        (found,) = search.similar(world.older, world.captioned[world.older], 0)
        assert found.model == "marengo2.7"
        assert (found[0].link or "").startswith("https://videos.example.com/indexes/")

    (world.connector.directory / "other.toml").write_text('colour = "red"\n')
    with pytest.raises(ConfigError, match="colour"):
        VideoSearch.from_settings(config="other.toml")
    monkeypatch.setenv("QDRANT_URL", "nowhere")
    with pytest.raises(ConfigError, match="QDRANT_URL"):
        AsyncVideoSearch.from_settings()


@pytest.mark.parametrize("way", WAYS)
async def test_the_catalog_says_what_is_stored(world: SearchWorld, way: str) -> None:
    async with world.async_search(way) as search:
        catalog = await search.catalog()
        newer, older = [await catalog.describe(place) for place in await catalog.places()]
        video = await catalog.video(world.older, world.captioned[world.older])

    assert (newer.index_id, newer.index_name, newer.model) == (world.newer, "newer", "marengo3.0")
    assert (older.index_id, older.options) == (world.older, ("visual-text", "audio"))
    for index in (newer, older):
        stored = world.simulator.control.asset_ids(index.index_id)
        assert index.assets == len(stored)
        assert index.segments >= index.assets
        assert {"category", "batch"} <= set(index.metadata_keys)
    assert video.models == ("marengo2.7",)
    assert [it.transcript for it in video.stored.segments] == CAPTIONS
