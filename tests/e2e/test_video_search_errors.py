"""What the search library says when something is wrong. Mistakes that need no request are in tests/unit."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.search import (
    AuthenticationFailed,
    ConfigError,
    ConnectorError,
    SinkMismatch,
    SinkUnavailable,
    Unavailable,
    VideoSearch,
)
from tests.e2e.pages import ROOT
from tests.e2e.search_world import CAPTIONS, SearchWorld, search_world
from tests.qdrant_server import free_port, server_for_tests


@pytest.fixture(scope="module")
def world(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchWorld]:
    with search_world(qdrant_binary, tmp_path_factory.mktemp("search")) as running:
        yield running


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"options": ["smell"]}, "option smell: no collection has it. Options: "),
        ({"weights": {"smell": 2}}, "option smell: no collection has it"),
        ({"weights": {"visual": 0, "audio": 0, "transcription": 0}}, "all options have weight 0"),
        ({"indexes": ["stranger"]}, "index stranger: it has no points. Indexes with points: "),
        ({"filters": {"categry": "sea"}}, "filter categry: it is no payload key"),
        ({"filters": {("category", "inner"): "sea"}}, "filter category.inner: it is no payload key"),
        ({"filters": {"filename": 3}}, "filter filename: 3 is not text"),
        ({"limit": 0}, "limit: 0 is not a whole number from 1 to 1000"),
    ],
)
def test_a_mistake_names_what_is_known(world: SearchWorld, asked: dict[str, Any], says: str) -> None:
    with world.search() as search, pytest.raises(ConfigError) as raised:
        search.query("goal", **asked)

    assert says in str(raised.value)


def test_a_misspelled_metadata_key_has_a_suggestion(world: SearchWorld) -> None:
    with world.search() as search, pytest.raises(ConfigError, match="Did you mean category"):
        search.query("goal", filters={"categry": "sea"})


def test_a_segment_that_is_not_stored(world: SearchWorld) -> None:
    with world.search() as search:
        for place in ((world.newer, "stranger", 0), ("stranger", world.captioned[world.newer], 0)):
            with pytest.raises(ConfigError, match="has none stored"):
                search.similar(*place)
        with pytest.raises(ConfigError, match="at 99999 s"):
            search.similar(world.newer, world.captioned[world.newer], 99999)


@pytest.mark.parametrize(
    "vector", [[], [[1.0]], [float("nan")] * 512, [0.0] * 512, "vector", [1.0] * 7, [None], [1e300] * 512]
)
def test_a_vector_that_fits_no_model(world: SearchWorld, vector: Any) -> None:
    with world.search() as search, pytest.raises(ConfigError, match=r"^search vector"):
        search.query_vector(vector)


def test_a_segment_without_the_wanted_option(world: SearchWorld) -> None:
    """No segment of the older model has an option of this name."""
    with world.search() as search, pytest.raises(ConfigError, match="none of its options can be compared"):
        search.similar(world.older, world.captioned[world.older], 0, options=["transcription"])


def test_a_vector_of_an_unknown_model(world: SearchWorld) -> None:
    with world.search() as search, pytest.raises(ConfigError, match=r"no collection of marengo2\.6 has vectors"):
        search.query_vector([1.0] * 512, model="marengo2.6")


def test_media_that_the_api_refuses(world: SearchWorld) -> None:
    with world.search() as search:
        for found in (search.query_image, search.query_audio):
            with pytest.raises(ConfigError, match="simulator"):
                found(b"content")


def test_a_wrong_key_of_twelvelabs(world: SearchWorld) -> None:
    world.simulator.control.inject("POST /embed*", status=401, count=2)
    with world.search() as search, pytest.raises(AuthenticationFailed, match="TWELVELABS_API_KEY"):
        search.query("goal of a wrong key")


def test_one_model_that_fails_does_not_hide_the_other(world: SearchWorld) -> None:
    world.simulator.control.inject("POST /embed", status=404, count=1)
    with world.search() as search:
        newer, older = search.query(CAPTIONS[2])
        assert newer[0].filename == "captioned.mp4"
        assert (len(older), type(older.error)) == (0, ConfigError)

        world.simulator.control.inject("POST /embed", status=404, count=1)
        (both,) = search.query(CAPTIONS[1], across_models=True)
        assert both[0].model == "marengo3.0"
        assert isinstance(both.error, ConfigError)


def test_a_slow_answer_ends_with_the_time_limit(world: SearchWorld) -> None:
    world.simulator.control.inject("POST /embed-v2", delay=20.0, count=1)
    with world.search(timeout_sec=1.0) as search, pytest.raises(Unavailable, match="no result within 1 seconds"):
        search.query("goal of a slow answer", indexes=[world.newer])
    world.simulator.control.clear_faults()


def test_qdrant_that_is_down() -> None:
    with (
        VideoSearch(f"http://127.0.0.1:{free_port()}", qdrant_grpc_port=free_port()) as search,
        pytest.raises(Unavailable, match="Check that Qdrant runs"),
    ):
        search.query_vector([1.0])


def test_qdrant_without_points_of_the_connector(tmp_path: Path, world: SearchWorld) -> None:
    with world.search("embedded", data_dir=tmp_path) as search:
        queries: tuple[Callable[[], object], ...] = (
            lambda: search.query("goal"),
            lambda: search.query_vector([1.0]),
            lambda: search.similar("i", "a", 0),
        )
        for query in queries:
            with pytest.raises(SinkMismatch, match="Run `connector sync` first"):
                query()
    assert list(tmp_path.iterdir()) == []


def test_a_collection_that_is_not_there(world: SearchWorld) -> None:
    with world.search(collections=["videos"]) as search, pytest.raises(SinkMismatch) as raised:
        search.query("goal")

    assert "videos: it does not exist" in str(raised.value)
    assert "twelvelabs-marengo3.0" in str(raised.value)


@pytest.mark.parametrize("key", [None, "a-wrong-key"])
def test_a_wrong_key_of_qdrant(qdrant_binary: Path, tmp_path: Path, key: str | None) -> None:
    with server_for_tests(qdrant_binary, tmp_path, {"QDRANT__SERVICE__API_KEY": "right"}) as server:
        server.start()
        search = VideoSearch(server.url, qdrant_grpc_port=server.grpc_port, qdrant_api_key=key)
        with search, pytest.raises(AuthenticationFailed, match="QDRANT_API_KEY"):
            search.query_vector([1.0])


def test_embedded_storage_of_another_process(world: SearchWorld) -> None:
    with world.search("embedded") as first:
        assert first.query(CAPTIONS[2])
        script = f"""from connector.search import *
with VideoSearch("embedded", data_dir={str(world.connector.directory / "embedded")!r}) as search:
    try:
        search.query_vector([1.0])
    except SinkUnavailable as error:
        print(error)
"""
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "in use by another process" in done.stdout
    assert issubclass(SinkUnavailable, ConnectorError)


def test_a_closed_search_says_so(world: SearchWorld) -> None:
    search = world.search()
    search.close()
    search.close()

    with pytest.raises(ConfigError, match="closed"):
        search.query("goal")
    search.close()


def test_a_fallback_to_rest_is_logged_and_not_printed(world: SearchWorld) -> None:
    script = f"""import logging
from connector.search import VideoSearch
with VideoSearch({world.server.url!r}, qdrant_grpc_port={free_port()}) as search:
    search.query_vector([1.0] * 512)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == ""
    assert "qdrant.grpc_unreachable" in done.stderr


@pytest.mark.parametrize("opened_by", ["query", "context"])
def test_a_second_event_loop_is_told_whose_the_search_is(world: SearchWorld, opened_by: str) -> None:
    search = world.async_search()
    says = "it belongs to the event loop that opened it.*Make one in each event loop, or use VideoSearch"
    with asyncio.Runner() as first:
        if opened_by == "query":
            first.run(search.query("shark"))
        else:
            first.run(search.__aenter__())
        with asyncio.Runner() as second:
            with pytest.raises(ConfigError, match=says):
                second.run(search.query("shark"))
            with pytest.raises(ConfigError, match=says):
                second.run(search.close())
        assert first.run(search.query("shark"))
        first.run(search.close())


def test_a_search_that_is_not_open_may_go_to_another_event_loop(world: SearchWorld) -> None:
    search = world.async_search()
    with pytest.raises(ConfigError, match="limit"):
        asyncio.run(search.query("shark", limit=0))

    async def finds() -> int:
        async with search:
            return len(await search.query("shark"))

    assert asyncio.run(finds()) == 2
