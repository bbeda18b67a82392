"""The options of `connector search`: filters, dates, options, groups, merged moments, more like this."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.search_world import CAPTIONS, SearchWorld, search_world

KEYS = {
    "score",
    "index_id",
    "index_name",
    "indexed_asset_id",
    "filename",
    "start_offset_sec",
    "end_offset_sec",
    "embedding_options",
    "transcript",
    "similarities",
}


@pytest.fixture(scope="module")
def world(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchWorld]:
    with search_world(qdrant_binary, tmp_path_factory.mktemp("search")) as running:
        yield running


def hits(world: SearchWorld, *arguments: str) -> list[dict[str, Any]]:
    """Of the newer index."""
    ended = world.connector.run("search", *arguments, "--json", "--index", world.newer)
    assert ended.code == 0, ended.stdout + ended.stderr
    (found,) = ended.json["models"]
    assert set(found) == {"model", "collection", "near", "hits", "error"}
    return list(found["hits"])


def test_a_plain_hit_has_the_keys_it_always_had(world: SearchWorld) -> None:
    (hit,) = hits(world, CAPTIONS[2])

    assert set(hit) == KEYS
    assert (hit["filename"], hit["index_name"]) == ("captioned.mp4", "newer")


def test_filters_by_metadata_payload_and_date(world: SearchWorld) -> None:
    only = hits(world, CAPTIONS[2], "--filter", "category=sea", "--filter", "batch>=7", "--filter", "batch<8")

    assert {it["indexed_asset_id"] for it in only} == {world.captioned[world.newer]}
    assert hits(world, CAPTIONS[2], "--filter", "category=sea", "--filter", "category=land") == only
    assert hits(world, CAPTIONS[2], "--filter", "category=sea", "--before", "2020-01-01") == []
    assert hits(world, CAPTIONS[2], "--filter", "filename=captioned.mp4", "--after", "2020-01-01") == only


def test_one_option(world: SearchWorld) -> None:
    found = hits(world, CAPTIONS[2], "--option", "visual", "--option", "audio")

    assert {name for it in found for name in it["similarities"]} == {"visual", "audio"}


def test_groups_and_merged_moments(world: SearchWorld) -> None:
    apart, (best, *_) = hits(world, CAPTIONS[0]), hits(world, CAPTIONS[0], "--group")
    joined = hits(world, CAPTIONS[0], "--merge", "0")
    words = world.connector.run("search", CAPTIONS[0], "--merge", "0", "--group", "--index", world.newer).stdout

    assert len(apart) > 1
    assert set(best) == KEYS | {"others"}
    assert [it["start_offset_sec"] for it in (best, *best["others"])] == [it["start_offset_sec"] for it in apart]
    assert set(joined[0]) == KEYS | {"parts"}
    assert len(joined[0]["parts"]) == len(apart)
    assert f"joined from {len(apart)} segments" in words


def test_more_like_this(world: SearchWorld) -> None:
    (first, *_) = hits(world, CAPTIONS[0])
    place = f"{world.newer}/{first['indexed_asset_id']}@{first['start_offset_sec']}"

    (like, *_) = hits(world, "--similar", place)

    assert like["indexed_asset_id"] == first["indexed_asset_id"]
    assert like["start_offset_sec"] != first["start_offset_sec"]
    assert world.connector.run("search", "--similar", place, "--json").json["query"] == place


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give either a TEXT or --similar"),
        (["goal", "--similar", "i/a@1"], "give either a TEXT or --similar"),
        (["--similar", "here"], "'here' is not INDEX/ASSET@SECONDS"),
        (["goal", "--filter", "category"], "'category' is not KEY=VALUE"),
        (["goal", "--filter", "categry=sea"], "Did you mean category?"),
        (["goal", "--filter", "width=wide"], "filter width: 'wide' is not a finite number"),
        (["goal", "--after", "yesterday"], "'yesterday' is not a date"),
        (["goal", "--option", "smell"], "option smell: no collection has it"),
        (["goal", "--merge", "-1"], "is not a number of seconds"),
        (["goal", "--merge", "nan"], "is not a number of seconds"),
    ],
)
def test_a_mistake_is_explained(world: SearchWorld, arguments: list[str], says: str) -> None:
    ended = world.connector.run("search", *arguments, "--json")

    assert ended.code == 2
    assert says in " ".join(ended.stderr.split())
    assert ended.json["error"]["code"] in {"config_error", "usage_error"}
