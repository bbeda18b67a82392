"""The tools for agents on synced videos, asked by the package's own client."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.cli.status_reading import read_status
from connector.domain.page import Page
from connector.settings.connector_settings import given_only
from tests.e2e.agents import NOW, answer, connected, text
from tests.e2e.search_world import CAPTIONS, SearchWorld, search_world

WORDS = 20_000


@pytest.fixture(scope="module")
def world(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchWorld]:
    with search_world(qdrant_binary, tmp_path_factory.mktemp("agents"), embedded=False) as running:
        long = running.simulator.control.add_asset(running.newer, "long.mp4", captions=["chatter " * 500] * 60)
        running.simulator.control.patch_metadata(running.newer, long, {"essay": "x" * WORDS, "kind": "long"})
        synced = running.connector.run("sync")
        assert synced.code == 0, synced.stderr
        yield running


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_text_finds_the_moment(world: SearchWorld, mode: str) -> None:
    async with connected(world, mode) as client:
        found = await answer(client, "search_moments", text=CAPTIONS[2], indexes=[world.newer], limit=3)

    best = found["moments"][0]
    assert (best["index_id"], best["indexed_asset_id"]) == (world.newer, world.captioned[world.newer])
    assert (best["filename"], best["index_name"], best["transcript"]) == ("captioned.mp4", "newer", CAPTIONS[2])
    assert best["metadata"] == {"category": "sea", "batch": 7}
    assert 0 < best["start_sec"] < best["end_sec"]
    assert max(best["similarities"].values()) > 0.8
    assert best["link"].startswith(f"https://videos.example/indexes/{world.newer}/assets/")
    assert len(found["moments"]) == 3
    assert found["near"] is True


async def test_the_offset_continues_a_search(world: SearchWorld) -> None:
    async with connected(world) as client:
        whole = await answer(client, "search_moments", text="a shark", limit=4)
        first = await answer(client, "search_moments", text="a shark", limit=2)
        second = await answer(client, "search_moments", text="a shark", limit=2, offset=first["next_offset"])

    assert first["next_offset"] == 2
    assert [*first["moments"], *second["moments"]] == whole["moments"]


async def test_a_search_is_narrowed(world: SearchWorld) -> None:
    async with connected(world) as client:
        asked = {"text": "anything", "limit": 50}
        by_metadata = await answer(
            client, "search_moments", filters={"category": ["sea"], "batch": {"gte": 3}}, options=["visual"], **asked
        )
        by_time = await answer(client, "search_moments", time_range={"start_sec": 2, "end_sec": 4}, **asked)
        by_words = await answer(client, "search_moments", filters={"transcript": "bronze bell"}, **asked)
        older = await answer(client, "search_moments", before="2020-01-01", filters={"category": "sea"}, **asked)

    assert {it["indexed_asset_id"] for it in by_metadata["moments"]} == set(world.captioned.values())
    assert {name for it in by_metadata["moments"] for name in it["similarities"]} == {"visual", "visual-text"}
    assert by_time["moments"]
    assert all(it["start_sec"] < 4 and it["end_sec"] > 2 for it in by_time["moments"])
    assert {it["transcript"] for it in by_words["moments"]} == {CAPTIONS[2]}
    assert older["moments"] == []
    assert "No moment fits" in older["notes"][0]


async def test_moments_are_grouped_and_merged(world: SearchWorld) -> None:
    async with connected(world) as client:
        videos = await answer(client, "search_moments", text=CAPTIONS[0], group=True, indexes=[world.newer])
        merged = await answer(client, "search_moments", text=CAPTIONS[0], merge_gap_sec=0, indexes=[world.newer])

    assert len({it["indexed_asset_id"] for it in videos["moments"]}) == len(videos["moments"]) > 1
    assert videos["moments"][0]["others"]
    joined = next(it for it in merged["moments"] if it["segments"] > 1)
    assert joined["transcript"].startswith(CAPTIONS[0])


async def test_more_like_this(world: SearchWorld) -> None:
    async with connected(world, twelvelabs_api_key=None) as client:
        place = {"index_id": world.newer, "indexed_asset_id": world.captioned[world.newer], "start_sec": 0}
        found = await answer(client, "similar_moments", **place, limit=1)
        elsewhere = await answer(client, "similar_moments", **place, other_videos_only=True)

    assert found["moments"][0]["transcript"] == CAPTIONS[1]
    assert world.captioned[world.newer] not in {it["indexed_asset_id"] for it in elsewhere["moments"]}


async def test_a_video_and_a_part_of_it(world: SearchWorld) -> None:
    place = {"index_id": world.newer, "indexed_asset_id": world.captioned[world.newer]}
    async with connected(world) as client:
        whole = await answer(client, "get_video", **place)
        second = whole["segments"][1]
        within = {"start_sec": second["start_sec"] + 0.01, "end_sec": second["end_sec"] - 0.01}
        part = await answer(client, "get_video", **place, time_range=within)
        late = await answer(client, "get_video", **place, time_range={"start_sec": 9000, "end_sec": 9001})

    assert [it["transcript"] for it in whole["segments"]] == CAPTIONS
    assert whole["transcript"] == " ".join(CAPTIONS)
    assert (whole["facts"]["filename"], whole["metadata"]) == ("captioned.mp4", {"category": "sea", "batch": 7})
    assert whole["facts"]["duration_sec"] == pytest.approx(whole["segments"][-1]["end_sec"], abs=1)
    assert (part["segments"], part["total_segments"]) == ([second], 1)
    assert late["segments"] == []
    assert "the last one ends at" in late["notes"][0]


async def test_a_long_video_comes_in_bounded_pages(world: SearchWorld) -> None:
    async with connected(world) as client:
        found = await answer(client, "search_moments", text="chatter", filters={"kind": "long"}, limit=50)
        place = {name: found["moments"][0][name] for name in ("index_id", "indexed_asset_id")}
        page: dict[str, Any] = {"next_offset": 0}
        seen = 0
        while page["next_offset"] is not None:
            asked = {**place, "limit": 500, "offset": page["next_offset"]}
            result = await client.call_tool("get_video", asked)
            page = json.loads(json.dumps(result.structured_content))
            assert len(str(page)) < 30_000
            assert len(text(result)) < 30_000
            seen += len(page["segments"])

    assert seen == page["total_segments"] == 60
    assert sum(len(str(it)) for it in found["moments"]) < 20_000
    assert all(it["transcript_is_cut"] for it in found["moments"])
    assert found["next_offset"] == len(found["moments"]) < 50
    assert "because they are long" in found["notes"][0]
    assert len(found["moments"][0]["metadata"]["essay"]) < WORDS
    assert "The metadata is long and is shown in part." in page["notes"]


async def test_the_indexes(world: SearchWorld) -> None:
    async with connected(world) as client:
        newer, older = (await answer(client, "list_indexes"))["indexes"]
        (second,) = (await answer(client, "list_indexes", offset=1))["indexes"]

    assert (newer["index_id"], newer["index_name"], newer["model"]) == (world.newer, "newer", "marengo3.0")
    assert newer["assets"] == world.simulator.control.index(world.newer)["video_count"]
    assert newer["options"] == ["visual", "audio", "transcription"]
    assert {"category", "batch"} <= set(newer["metadata_keys"])
    assert newer["newest_indexed_at"].startswith("20")
    assert second == older


async def test_coverage_from_the_ledger_and_from_qdrant_alone(world: SearchWorld) -> None:
    directory = world.connector.directory / "data"
    settings = given_only(twelvelabs_api_key="k", connector_indexes="*", connector_data_dir=directory)
    async with connected(world, status=lambda: read_status(settings, Page(0, 1))) as client:
        recorded = await answer(client, "coverage", indexes=[world.newer])
    async with connected(world) as client:
        held = await answer(client, "coverage", indexes=[world.newer])

    (entry,), (other,) = recorded["indexes"], held["indexes"]
    assert (recorded["source"], held["source"], recorded["as_of"]) == ("ledger", "qdrant", NOW)
    assert (recorded["daemon_running"], held["daemon_running"]) == (False, None)
    assert entry["assets"] == entry["applied"] == other["applied"] > 1
    assert (entry["failed"], entry["quarantined"], entry["waiting"], entry["error"]) == (0, 0, 0, None)
    assert entry["last_success_at"].startswith("20")
    assert other["segments"] == entry["segments"]
    assert "no ledger" in held["notes"][-1]
