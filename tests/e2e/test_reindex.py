"""A whole move of an alias, with searchers on it all the time: to other settings, back, and to another model."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from connector.search import VideoSearch
from tests.e2e.reindex_world import KEY, OLD, ReindexWorld, reindex_world
from tests.e2e.searchers import searching

NEW, THIRD = "videos-v2-marengo3.0", "videos-v3-marengo2.7"
SECOND_SETTINGS = {"CONNECTOR_COLLECTION": "videos-v2-{model}", "CONNECTOR_TRANSCRIPT": "false"}
ALIKE = 0.5
"""What a text finds is at least as similar; vectors of two models are nearly orthogonal."""


@pytest.fixture(scope="module")
def world(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReindexWorld]:
    with reindex_world(qdrant_binary, tmp_path_factory.mktemp("reindex")) as running:
        assert running.connector.run("sync").code == 0
        running.reindex(
            "start", "videos", "--into", "videos-v2", "--set", "CONNECTOR_TRANSCRIPT=false", "--create-alias"
        )
        yield running


def plain_search(world: ReindexWorld) -> Callable[[], str]:
    """With Qdrant's client: which collection answered. Only the first one has transcripts."""
    vector = np.random.default_rng(3).standard_normal(512).tolist()

    def ask() -> str:
        found = world.client.query_points("videos", query=vector, using="transcription", limit=40)
        kinds = {OLD if (it.payload or {})["transcript"] else NEW for it in found.points}
        assert len(kinds) == 1, "one response has points of two collections"
        return kinds.pop()

    return ask


def library_search(search: VideoSearch) -> Callable[[], str]:
    """With the library: the model that answered."""

    def ask() -> str:
        (found,) = search.query("monks ring a bronze bell", limit=3)
        assert found.error is None
        assert {it.model for it in found} == {found.model}
        assert found[0].filename == "bell.mp4"
        assert max(found[0].scores.values()) > ALIKE
        return found.model

    return ask


def test_searchers_notice_nothing_of_a_move(world: ReindexWorld) -> None:
    search = VideoSearch(
        world.server.url,
        qdrant_grpc_port=world.server.grpc_port,
        twelvelabs_api_key=KEY,
        twelvelabs_base_url=world.simulator.base_url,
        collections=["videos"],
    )
    with search, searching(library_search(search)) as library:
        with searching(plain_search(world)) as plain:
            plain.go_on()
            moved = world.reindex("switch", "videos", "--json").json
            plain.answers_with(NEW)
            back = world.reindex("rollback", "videos", "--json").json
            plain.answers_with(OLD)
            world.reindex("switch", "videos")
            plain.answers_with(NEW)
            plain.go_on()
        third = ("--into", "videos-v3", "--set", f"CONNECTOR_INDEXES={world.older}")
        world.reindex("start", "videos", *third, **SECOND_SETTINGS)
        other = world.reindex("switch", "videos", "--json", **SECOND_SETTINGS).json
        library.answers_with("marengo2.7")
        world.reindex("rollback", "videos", **SECOND_SETTINGS)
        library.answers_with("marengo3.0")
        library.go_on()

    assert (plain.errors, library.errors) == ([], [])
    assert plain.answers == [OLD, NEW, OLD, NEW]
    assert library.answers == ["marengo3.0", "marengo2.7", "marengo3.0"]
    assert (moved["moved"], moved["comparison"]["recall"], moved["settings"]) == (True, 1.0, SECOND_SETTINGS)
    assert back["settings"] == dict.fromkeys(SECOND_SETTINGS)
    assert moved["moved_in_sec"] < 1
    assert back["moved_in_sec"] < 1
    assert (other["comparison"]["same_model"], other["to_collection"]) == (False, THIRD)
    assert 0.3 < other["comparison"]["recall"] <= 1


def test_after_a_move_each_ledger_goes_on_with_its_collection(world: ReindexWorld) -> None:
    """Nothing is retrieved again, and nothing of the other collection is deleted."""
    old, new = world.stored(OLD), world.stored(NEW)
    assert old.keys() == new.keys()
    asked = world.requests()

    for settings in (SECOND_SETTINGS, {}):
        report = world.connector.run("sync", "--json", **settings).index(world.newer)
        assert (report["unchanged"], report["points_written"], report["deleted"]) == (6, 0, 0)
        assert world.connector.run("verify", **settings).code == 0
    assert world.requests() - asked < 12, "listings, and no retrieval"

    added = world.simulator.control.add_asset(world.newer, "added.mp4", asset="added", duration=20.0)
    assert world.connector.run("sync", **SECOND_SETTINGS).code == 0
    assert world.stored(OLD).keys() == old.keys()
    assert len(world.stored(NEW)) > len(new)
    world.simulator.control.delete_asset(world.newer, added)
    assert world.connector.run("sync", **SECOND_SETTINGS).code == 0
    assert world.stored(NEW).keys() == new.keys()


def test_a_collection_that_lacks_something_does_not_get_the_alias(world: ReindexWorld) -> None:
    """The first ledger has an asset that TwelveLabs deleted meanwhile and that is kept there."""
    kept = {"CONNECTOR_DELETE_MODE": "keep"}
    added = world.simulator.control.add_asset(world.newer, "added.mp4", asset="kept", duration=20.0)
    assert world.connector.run("sync").code == 0
    world.simulator.control.delete_asset(world.newer, added)
    world.reindex("start", "shown", "--into", "videos-v4", "--create-alias", **kept)

    refused = world.ended(1, "switch", "shown", "--json", **kept).json

    assert (refused["moved"], refused["alias_at"]) == (False, OLD)
    assert len(refused["problems"]) == 1
    assert refused["problems"][0].endswith("is missing")
    assert world.alias_at("shown") == OLD
    assert world.connector.run("sync").code == 0
    few = world.reindex("switch", "shown", "--min-recall", "1").stdout
    assert "recall@10 1.000" in few
    assert "CONNECTOR_COLLECTION=videos-v4-{model}" in few
    assert world.alias_at("shown") == "videos-v4-marengo3.0"
