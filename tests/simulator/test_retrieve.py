"""One asset with its embeddings, transcription, metadata and links."""

import re
from itertools import pairwise

import numpy as np
import pytest

from connector.simulator import IndexSpec, Scenario, Scene
from tests.simulator.access import Access, access, one_index, video

DIMENSIONS = {"marengo3.0": 512, "marengo2.7": 1024}
OPTIONS = {"marengo3.0": ["visual", "audio", "transcription"], "marengo2.7": ["visual-text", "audio"]}
SPELLING = {"marengo3.0": "marengo3.0", "marengo2.7": "Marengo-retrieval-2.7"}


@pytest.mark.parametrize("model", ["marengo3.0", "marengo2.7"])
def test_every_option_of_a_model(api: Access, model: str) -> None:
    """Dimension, option names, scope and the spelling of the model name."""
    index = next(i for i in api.control.index_ids if api.control.index(i)["models"][0]["model_name"] == model)
    asset = api.control.asset_ids(index)[0]
    body = api.retrieved(index, asset, embedding_option=OPTIONS[model])

    assert body["embedding"]["model_name"] == SPELLING[model]
    segments = body["embedding"]["video_embedding"]["segments"]
    assert {segment["embedding_option"] for segment in segments} == set(OPTIONS[model])
    assert {segment["embedding_scope"] for segment in segments} == {"clip"}
    assert {len(segment["float"]) for segment in segments} == {DIMENSIONS[model]}


def test_vectors_are_unit_length(api: Access, index: str) -> None:
    for segment in api.segments(index, api.control.asset_ids(index)[0], "visual"):
        assert np.linalg.norm(segment["float"]) == pytest.approx(1.0, abs=1e-5)


def test_numbers_are_the_shortest_decimals_of_their_float32(api: Access, index: str) -> None:
    """Every number in the body stays the same when read as float32 and printed again."""
    path = f"/indexes/{index}/indexed-assets/{api.control.asset_ids(index)[0]}"
    text = api.call("GET", path, params={"embedding_option": ["visual", "transcription"]}).text
    numbers = [number for block in re.findall(r'"float":\[([^]]*)\]', text) for number in block.split(",")]
    numbers += re.findall(r'"(?:start|end)_offset_sec":([0-9.]+)', text)

    assert len(numbers) > 5000
    assert [number for number in numbers if float(str(np.float32(number))) != float(number)] == []


def test_segments_cover_the_video_in_two_to_ten_seconds() -> None:
    with access(one_index(generate=20, duration=(20.0, 300.0))) as api:
        index = api.control.index_ids[0]
        for item in api.listing(index, page_limit=50)["data"]:
            visual = api.segments(index, item["_id"], "visual")
            lengths = [segment["end_offset_sec"] - segment["start_offset_sec"] for segment in visual]

            assert all(2 <= length <= 10 for length in lengths)
            assert visual[0]["start_offset_sec"] == 0
            assert visual[-1]["end_offset_sec"] == pytest.approx(item["system_metadata"]["duration"])
            assert all(one["end_offset_sec"] == two["start_offset_sec"] for one, two in pairwise(visual))


def test_silence_has_no_transcription() -> None:
    """A segment without speech has no transcription vector and no words."""
    spoken = Scene(visual="a bus", speech="all aboard now", seconds=4.0)
    silent = Scene(visual="a tree", seconds=5.0)
    with access(one_index(assets=(video("a", spoken, silent), video("b", silent)))) as api:
        index = api.control.index_ids[0]
        talking, mute = api.control.asset_ids(index)
        segments = api.segments(index, talking, "visual", "transcription")

        assert [(s["embedding_option"], s["start_offset_sec"], s["end_offset_sec"]) for s in segments] == [
            ("visual", 0, 4),
            ("visual", 4, 9),
            ("transcription", 0, 4),
        ]
        words = api.retrieved(index, talking, transcription="true")["transcription"]
        assert [word["value"] for word in words] == ["all", "aboard", "now"]
        assert all(0 < word["start"] < word["end"] < 4 for word in words)
        assert api.retrieved(index, mute, transcription="true")["transcription"] is None
        assert api.segments(index, mute, "transcription") == []


def test_without_options_there_is_no_embedding(api: Access, index: str) -> None:
    """Metadata of every value type, and HLS links of this hour."""
    asset = api.control.asset_ids(index)[0]
    body = api.retrieved(index, asset)

    assert "embedding" not in body
    assert "transcription" not in body
    assert body["user_metadata"] == {
        "category": "sports",
        "season": 2026,
        "rating": 9.3,
        "licensed": True,
        "tags": ["football", "final"],
    }
    assert body["hls"]["status"] == "COMPLETE"
    api.control.advance(3600)
    assert api.retrieved(index, asset)["hls"]["video_url"] != body["hls"]["video_url"]


def test_video_stream_off_means_no_hls(api: Access, index: str) -> None:
    assert "hls" not in api.retrieved(index, api.control.asset_ids(index)[4])


@pytest.mark.parametrize(("knob", "status"), [("400", 400), ("omit", 200)])
@pytest.mark.parametrize("option", ["visual-text", "fused", "audio"])
def test_an_option_that_the_index_has_not(knob: str, status: int, option: str) -> None:
    """Refused or omitted, by the disabled_option knob; transcription needs the audio model option."""
    with access(one_index(assets=(video(),), options=("visual",))) as api:
        index = api.control.index_ids[0]
        api.control.set_knobs(disabled_option=knob)
        path = f"/indexes/{index}/indexed-assets/{api.control.asset_ids(index)[0]}"
        response = api.call("GET", path, params={"embedding_option": ["visual", option]})

        assert response.status_code == status
        if status == 200:
            segments = response.json()["embedding"]["video_embedding"]["segments"]
            assert {segment["embedding_option"] for segment in segments} == {"visual"}
        else:
            assert response.json()["code"] == "parameter_invalid"


def test_an_index_without_marengo_has_no_embedding() -> None:
    with access(one_index(assets=(video(),), model="pegasus1.2")) as api:
        index = api.control.index_ids[0]
        asset = api.control.asset_ids(index)[0]
        path = f"/indexes/{index}/indexed-assets/{asset}"

        assert api.refused(path, embedding_option="visual") == (400, "parameter_invalid")
        api.control.set_knobs(disabled_option="omit")
        assert "embedding" not in api.retrieved(index, asset, embedding_option="visual")


@pytest.mark.parametrize(("knob", "status"), [("200_no_embedding", 200), ("400", 400), ("404", 404)])
def test_embeddings_of_an_asset_that_is_not_ready(api: Access, index: str, knob: str, status: int) -> None:
    asset = api.control.asset_ids(index)[0]
    api.control.set_status(index, asset, "indexing")
    api.control.set_knobs(not_ready_embedding=knob)
    response = api.call("GET", f"/indexes/{index}/indexed-assets/{asset}", params={"embedding_option": "visual"})

    assert response.status_code == status
    assert "embedding" not in response.json()
    assert api.retrieved(index, asset)["status"] == "indexing"


def test_embeddings_can_lag_behind_ready(api: Access, index: str) -> None:
    """ready_lag_s: the status is ready, but the embedding is still missing."""
    api.control.set_knobs(ready_lag_s=5)
    asset = api.control.add_asset(index, "fresh.mp4", captions=["a red bus"])
    early = api.retrieved(index, asset, embedding_option="visual", transcription="true")
    api.control.advance(5)
    late = api.retrieved(index, asset, embedding_option="visual", transcription="true")

    assert early["status"] == "ready"
    assert "embedding" not in early
    assert "transcription" not in early
    assert late["status"] == "ready"
    assert "embedding" in late
    assert "transcription" in late


def test_segment_orders(api: Access, index: str) -> None:
    """The same segments by option, interleaved by time, or shuffled."""
    asset = api.control.asset_ids(index)[0]

    def order(knob: str) -> list[tuple[str, float]]:
        api.control.set_knobs(segment_order=knob)
        return [(s["embedding_option"], s["start_offset_sec"]) for s in api.segments(index, asset, "visual", "audio")]

    by_option = order("by_option")
    assert by_option == sorted(by_option, key=lambda pair: (pair[0] != "visual", pair[1]))
    interleaved = order("interleaved")
    assert interleaved == sorted(by_option, key=lambda pair: (pair[1], pair[0] != "visual"))
    shuffled = order("shuffled")
    assert shuffled not in (by_option, interleaved)
    assert sorted(shuffled) == sorted(by_option)


def test_audio_can_have_boundaries_of_its_own() -> None:
    with access(one_index(generate=1, duration=(120.0, 120.0))) as api:
        index = api.control.index_ids[0]
        asset = api.control.asset_ids(index)[0]
        api.control.set_knobs(audio_grid="own")
        ends = {
            option: [segment["end_offset_sec"] for segment in api.segments(index, asset, option)]
            for option in ("visual", "audio")
        }

        assert ends["visual"] != ends["audio"]
        assert ends["visual"][-1] == ends["audio"][-1] == 120


def test_null_vectors_and_empty_segments(api: Access, index: str) -> None:
    asset = api.control.asset_ids(index)[0]
    api.control.set_knobs(null_float=1.0)
    assert {segment["float"] for segment in api.segments(index, asset, "visual")} == {None}

    api.control.set_knobs(null_float=0.5)
    nulls = [segment["float"] is None for segment in api.segments(index, asset, "visual", "audio", "transcription")]
    assert 0 < sum(nulls) < len(nulls)

    api.control.set_knobs(null_float=0.0, empty_segments=True)
    assert api.segments(index, asset, "visual") == []


def test_the_same_asset_in_two_indexes_has_one_asset_id() -> None:
    shared = video("news.mp4", asset="news")
    indexes = (IndexSpec(name="a", assets=(shared,)), IndexSpec(name="b", assets=(video(), shared)))
    with access(Scenario(indexes=indexes)) as api:
        first, second = api.control.index_ids
        asset_id = api.control.asset(first, api.control.asset_ids(first)[0])["asset_id"]

        assert api.control.asset(second, api.control.asset_ids(second)[1])["asset_id"] == asset_id
        found = api.get(f"/assets/{asset_id}/indexed-assets")
        assert [item["index"] for item in found["data"]] == [{"_id": first, "name": "a"}, {"_id": second, "name": "b"}]


def test_bad_retrievals_are_refused(api: Access, index: str) -> None:
    """Malformed id 400, unknown id 404, unknown parameter 400."""
    asset = api.control.asset_ids(index)[0]
    other = api.control.index_ids[1]

    assert api.refused(f"/indexes/{index}/indexed-assets/nonsense") == (400, "parameter_invalid")
    assert api.refused(f"/indexes/{index}/indexed-assets/{'0' * 24}") == (404, "resource_not_exist")
    assert api.refused(f"/indexes/{other}/indexed-assets/{asset}") == (404, "resource_not_exist")
    assert api.refused(f"/indexes/{index}/indexed-assets/{asset}", fields="all") == (400, "parameter_unknown")
    assert api.refused(f"/indexes/{index}/indexed-assets/{asset}", transcription="yes") == (400, "parameter_invalid")
