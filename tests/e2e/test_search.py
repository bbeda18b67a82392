"""`connector search` from outside: the nearest moments, and only those."""

import pytest

from connector.simulator import IndexSpec, Scenario, Simulator
from tests.command import Command
from tests.comparing import differences
from tests.e2e.oracle import raw

CAPTIONS = ["a diver feeds a shark", "an astronaut waters tomatoes", "monks ring a bronze bell"]


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(
        seed=5,
        indexes=(
            IndexSpec(name="newer", model="marengo3.0", generate=6, duration=(10.0, 40.0)),
            IndexSpec(name="older", model="marengo2.7", generate=4, duration=(10.0, 40.0)),
        ),
    )


@pytest.fixture
def newer(simulator: Simulator) -> str:
    return simulator.control.index_ids[0]


@pytest.fixture
def older(simulator: Simulator) -> str:
    return simulator.control.index_ids[1]


def test_search_finds_what_the_captions_say_in_both_models(
    connector: Command, simulator: Simulator, newer: str, older: str
) -> None:
    added = [simulator.control.add_asset(it, "captioned.mp4", captions=list(CAPTIONS)) for it in (newer, older)]
    connector.run("sync")

    ended = connector.run("search", CAPTIONS[1], "--json")
    words = connector.run("search", CAPTIONS[1])

    by_model = {found["model"]: found for found in ended.json["models"]}
    assert ended.code == 0
    assert words.code == 0
    assert ended.json["query"] == CAPTIONS[1]
    assert list(by_model) == ["marengo3.0", "marengo2.7"], "the newest first"
    for model, asset_id in zip(("marengo3.0", "marengo2.7"), added, strict=True):
        assert by_model[model]["near"] is True
        assert len(by_model[model]["hits"]) == 1, "nothing else is near"
        best, *_ = by_model[model]["hits"]
        assert (best["indexed_asset_id"], best["filename"]) == (asset_id, "captioned.mp4")
        assert best["index_name"] == {"marengo3.0": "newer", "marengo2.7": "older"}[model]
        assert max(best["similarities"].values()) > 0.8
        assert best["start_offset_sec"] == pytest.approx(second_scene(simulator, asset_id), abs=0.001)
    assert words.stdout.count("captioned.mp4") >= 2


def second_scene(simulator: Simulator, asset_id: str) -> float:
    """The start of the second segment."""
    index_id = next(it for it in simulator.control.index_ids if asset_id in simulator.control.asset_ids(it))
    asset = raw(simulator.base_url, f"/indexes/{index_id}/indexed-assets/{asset_id}?embedding_option=audio")
    starts = {segment["start_offset_sec"] for segment in asset["embedding"]["video_embedding"]["segments"]}
    return float(sorted(starts)[1])


def test_no_more_hits_than_the_limit(connector: Command, simulator: Simulator, newer: str) -> None:
    for number in range(3):
        simulator.control.add_asset(newer, f"captioned-{number}.mp4", captions=list(CAPTIONS))
    connector.run("sync")

    some = connector.run("search", CAPTIONS[1], "--json", "--index", newer, "--limit", "2").json["models"][0]
    every = connector.run("search", CAPTIONS[1], "--json", "--index", newer, "--limit", "9").json["models"][0]

    assert len(some["hits"]) == 2
    assert some["hits"] == every["hits"][:2]
    assert sorted(hit["filename"] for hit in every["hits"]) == [f"captioned-{number}.mp4" for number in range(3)]


def test_a_text_that_nothing_is_near_to_has_one_hit_and_says_so(connector: Command, newer: str) -> None:
    connector.run("sync")

    ended = connector.run("search", "quantum chromodynamics", "--json", "--index", newer)
    words = connector.run("search", "quantum chromodynamics", "--index", newer)

    found = ended.json["models"][0]
    assert (ended.code, found["near"], len(found["hits"])) == (0, False, 1)
    assert "Nothing is near: no segment is clearly more similar to this text than the others." in words.stdout
    assert "Try a more specific text." in words.stdout
    assert "0 hits from 1 model." in words.stdout


def test_with_few_segments_all_are_listed(connector: Command, simulator: Simulator, newer: str) -> None:
    first, *others = simulator.control.asset_ids(newer)
    for asset_id in others:
        simulator.control.delete_asset(newer, asset_id)
    simulator.control.update_asset(newer, first, duration=12.0)
    synced = connector.run("sync", "--json", CONNECTOR_INDEXES=newer).index(newer)

    found = connector.run("search", "anything", "--json", "--index", newer).json["models"][0]
    words = connector.run("search", "anything", "--index", newer)

    assert "Fewer than 10 segments: all are listed, whether they are near or not." in words.stdout
    assert synced["points_written"] < 10
    assert differences(found, near=None, error=None) == {}
    assert len(found["hits"]) == synced["points_written"]


def test_search_within_one_index(connector: Command, newer: str, older: str) -> None:
    connector.run("sync")

    ended = connector.run("search", "whales", "--json", "--index", older)
    unknown = connector.run("search", "whales", "--json", "--index", "stranger")

    assert unknown.code == 2
    assert [found["model"] for found in ended.json["models"]] == ["marengo2.7"]
    assert {hit["index_id"] for hit in ended.json["models"][0]["hits"]} == {older}
    assert "stranger" in unknown.json["error"]["message"]
    assert newer in unknown.json["error"]["message"]


def test_search_before_the_first_sync_says_so(connector: Command) -> None:
    ended = connector.run("search", "whales")

    assert ended.code == 0
    assert "connector sync" in ended.stdout
    assert not list(connector.directory.iterdir())


@pytest.mark.parametrize("text", ["", " \t\n"])
def test_search_for_nothing_is_refused_before_any_request(connector: Command, simulator: Simulator, text: str) -> None:
    ended = connector.run("search", text, "--json")

    assert (ended.code, ended.json["error"]["code"]) == (2, "usage_error")
    assert "it is empty: give the words to search for" in ended.stderr
    assert simulator.control.requests.matching("**") == []
