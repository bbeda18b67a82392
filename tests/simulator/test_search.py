"""POST /search and its pages: what is found, in which order, and what the answer says."""

import json
from typing import Any

import numpy as np
import pytest

from connector.simulator import IndexSpec, Scenario, Scene
from tests.simulator.access import Access, access, one_index, video

BUS = Scene(visual="a red bus crosses a bridge", audio="loud engine", speech="next stop harbour", seconds=4.0)
DOG = Scene(visual="a dog runs along the beach", audio="waves and barking", speech="good boy Rex", seconds=5.0)
SILENT = Scene(visual="a red kite above the beach", audio="strong wind", seconds=3.0)


def found(api: Access, **fields: Any) -> Any:
    """The body of a search in the first index; `fields` with None are left out."""
    response = sent(api, **fields)
    assert response.status_code == 200, response.text
    return response.json()


def sent(api: Access, **fields: Any) -> Any:
    form = {"index_id": api.control.index_ids[0], "search_options": ["visual"], **fields}
    given = {name: value for name, value in form.items() if value is not None and name != "files"}
    return api.call("POST", "/search", data=given, files=fields.get("files", {"x": ("", b"")}))


def refusal(api: Access, **fields: Any) -> tuple[int, str]:
    response = sent(api, **fields)
    assert set(response.json()) == {"code", "message"}
    return response.status_code, response.json()["code"]


def spans(body: Any) -> list[tuple[str, float]]:
    return [(clip["video_id"], clip["start"]) for clip in body["data"]]


@pytest.fixture
def beach() -> Any:
    """One index of three videos."""
    first = video("bus.mp4", BUS, DOG, metadata={"city": "Lyon", "stars": 4, "live": True, "tags": ["a", "b"]})
    second = video("kite.mp4", SILENT, DOG, width=640, metadata={"city": "Nice", "stars": 2.5, "live": False})
    with access(one_index(assets=(first, second, video("bus-2.mp4", BUS)))) as api:
        yield api


@pytest.mark.parametrize(
    ("option", "text"), [("visual", "a dog on a beach"), ("audio", "barking"), ("transcription", "Rex")]
)
def test_the_order_is_that_of_the_cosine_similarity(beach: Access, option: str, text: str) -> None:
    """Of the stored segments to the embedded text."""
    index = beach.control.index_ids[0]
    body = {"input_type": "text", "model_name": "marengo3.0", "text": {"input_text": text}}
    query = np.array(beach.call("POST", "/embed-v2", json=body).json()["data"][0]["embedding"])
    scored = [
        (-float(np.dot(query, segment["float"])), asset, segment["start_offset_sec"])
        for asset in beach.control.asset_ids(index)
        for segment in beach.segments(index, asset, option)
    ]
    result = found(beach, query_text=text, search_options=[option], transcription_options=["semantic"])

    assert len(result["data"]) >= 2
    assert spans(result) == [(asset, start) for _, asset, start in sorted(scored)][: len(result["data"])]
    assert [clip["rank"] for clip in result["data"]] == [*range(1, len(result["data"]) + 1)]


def test_a_clip_says_where_it_is_and_what_is_said(beach: Access) -> None:
    index = beach.control.index_ids[0]
    body = found(beach, query_text="a dog on a beach", include_user_metadata="true")
    dog = next(clip for clip in body["data"] if clip.get("transcription") == DOG.speech)
    kite = next(clip for clip in body["data"] if "transcription" not in clip)

    assert kite["video_id"] == beach.control.asset_ids(index)[1]
    assert (kite["start"], kite["end"]) == (0.0, 3.0)
    assert kite["user_metadata"]["city"] == "Nice"
    assert dog["thumbnail_url"].startswith("https://")
    assert set(dog) == {"start", "end", "video_id", "rank", "thumbnail_url", "transcription", "user_metadata"}
    assert body["search_pool"] == {"total_count": 3, "total_duration": 21.0, "index_id": index}


def test_nothing_fits(beach: Access) -> None:
    body = found(beach, query_text="nuclear submarine", search_options=["visual", "audio", "transcription"])

    assert body["data"] == []
    assert body["page_info"]["total_results"] == 0
    assert "next_page_token" not in body["page_info"]


def test_or_and_and(beach: Access) -> None:
    """A bus is seen in two videos and a harbour is named there; the kite is silent."""
    options = ["visual", "transcription"]
    either = found(beach, query_text="red harbour", search_options=options)
    both = found(beach, query_text="red harbour", search_options=options, operator="and")

    assert len(either["data"]) == 3
    assert {clip["transcription"] for clip in both["data"]} == {BUS.speech}
    assert len(both["data"]) == 2


def test_words_as_they_are_said(beach: Access) -> None:
    """Lexical matches are exact words; semantic ones also other forms of them."""
    options = {"search_options": ["transcription"]}

    assert len(found(beach, query_text="harbour", transcription_options=["lexical"], **options)["data"]) == 2
    assert found(beach, query_text="harbours", transcription_options=["lexical"], **options)["data"] == []
    assert len(found(beach, query_text="harbours", transcription_options=["semantic"], **options)["data"]) == 2


def test_grouped_by_video(beach: Access) -> None:
    """A page counts videos; each has its clips, best first."""
    body = found(beach, query_text="dog on the beach", group_by="video", page_limit="1", include_user_metadata="true")

    assert body["page_info"]["total_results"] == 2
    assert body["page_info"]["total_inner_matches"] == 3
    (group,) = body["data"]
    assert {clip["video_id"] for clip in group["clips"]} == {group["id"]}
    assert group["clips"][0]["rank"] == 1
    assert group["user_metadata"] == group["clips"][0]["user_metadata"]


@pytest.mark.parametrize(
    ("where", "videos"),
    [
        ({"city": "Lyon"}, [0]),
        ({"stars": {"gte": 2, "lte": 3}}, [1]),
        ({"stars": 4}, [0]),
        ({"live": True}, [0]),
        ({"live": False, "city": "Nice"}, [1]),
        ({"tags": "a"}, [0]),
        ({"width": 640}, [1]),
        ({"duration": {"gte": 8.5}}, [0]),
        ({"filename": "kite.mp4"}, [1]),
        ({"size": {"gte": 0}, "fps": 30}, [0, 1]),
        ({"country": "France"}, []),
        ({"stars": "4"}, []),
    ],
)
def test_filters(beach: Access, where: dict[str, Any], videos: list[int]) -> None:
    ids = beach.control.asset_ids(beach.control.index_ids[0])
    body = found(beach, query_text="dog on the beach", filter=json.dumps(where))

    assert {clip["video_id"] for clip in body["data"]} == {ids[place] for place in videos}
    for one in ([ids[1]], ids[1]):
        chosen = found(beach, query_text="dog on the beach", filter=json.dumps({"id": one}))
        assert {clip["video_id"] for clip in chosen["data"]} == {ids[1]}


def test_a_picture_shows_what_its_name_says(beach: Access) -> None:
    """By URL and by file, and with a text; the URL takes precedence."""
    image = {"query_media_type": "image"}
    by_url = found(beach, query_media_url="https://example.invalid/red%20bus.jpg?x=1", **image)
    by_file = found(beach, files={"query_media_file": ("red-bus.png", b"x")}, **image)
    both = found(
        beach,
        query_media_url="https://example.invalid/red-bus.jpg",
        files={"query_media_file": ("dog.png", b"x")},
        **image,
    )
    composed = found(beach, query_media_url="https://example.invalid/kite.jpg", query_text="dog", **image)

    assert spans(by_url) == spans(by_file) == spans(both) != []
    assert by_url["data"][0]["transcription"] == BUS.speech
    assert {clip.get("transcription") for clip in composed["data"]} == {None, DOG.speech}


def test_pages_stay_the_same_until_they_expire(beach: Access) -> None:
    """The tokens lead forth and back; a later asset is not on them."""
    first = found(beach, query_text="dog on the beach", page_limit="1")
    index, token = beach.control.index_ids[0], first["page_info"]["next_page_token"]
    beach.control.delete_asset(index, beach.control.asset_ids(index)[2])
    second = beach.get(f"/search/{token}")
    third = beach.get(f"/search/{second['page_info']['next_page_token']}")

    ranks = [clip["rank"] for page in (first, second, third) for clip in page["data"]]
    assert ranks == [1, 2, 3]
    assert "next_page_token" not in third["page_info"]
    assert beach.get(f"/search/{second['page_info']['prev_page_token']}")["data"] == first["data"]
    assert "user_metadata" in beach.get(f"/search/{token}", include_user_metadata="true")["data"][0]

    beach.control.advance(3600)
    assert beach.refused(f"/search/{token}") == (400, "search_page_token_expired")


@pytest.mark.parametrize("token", ["x", "0" * 16 + "-1", "%00", "é"])
def test_unknown_tokens_are_expired(beach: Access, token: str) -> None:
    assert beach.refused(f"/search/{token}") == (400, "search_page_token_expired")


def test_a_page_past_the_end_is_expired(beach: Access) -> None:
    token = found(beach, query_text="dog", page_limit="1")["page_info"]["next_page_token"]

    assert beach.refused(f"/search/{token[:-1]}99") == (400, "search_page_token_expired")
    assert beach.refused(f"/search/{token}", include_user_metadata="maybe") == (400, "parameter_invalid")


def test_only_ready_assets_are_found_and_changes_count(beach: Access) -> None:
    index = beach.control.index_ids[0]
    ids = beach.control.asset_ids(index)
    assert {video_id for video_id, _ in spans(found(beach, query_text="dog"))} == set(ids[:2])
    beach.control.set_status(index, ids[0], "indexing")
    assert {video_id for video_id, _ in spans(found(beach, query_text="dog"))} == {ids[1]}
    added = beach.control.add_asset(index, "dog.mp4", captions=["a dog"])
    assert {video_id for video_id, _ in spans(found(beach, query_text="dog"))} == {ids[1], added}
    beach.control.delete_asset(index, ids[1])
    assert {video_id for video_id, _ in spans(found(beach, query_text="dog"))} == {added}


OLD = Scenario(
    indexes=(IndexSpec(name="old", model="marengo2.7", assets=(video("a.mp4", BUS, DOG), video("b.mp4", DOG))),)
)


def test_the_old_model_has_scores_and_levels() -> None:
    """No rank; threshold and strictness filter by level; words are in the audio."""
    with access(OLD) as api:
        body = found(api, query_text="good boy Rex", search_options=["audio"])
        assert [set(clip) for clip in body["data"]] == [
            {"start", "end", "video_id", "score", "confidence", "thumbnail_url", "transcription"}
        ] * 2
        scores = [clip["score"] for clip in body["data"]]
        assert scores == sorted(scores, reverse=True)
        assert {clip["confidence"] for clip in body["data"]} == {"high"}
        strict = {"adjust_confidence_level": "1"}
        weak = found(api, query_text="waves in a storm at night", search_options=["audio"], **strict)
        assert {clip["confidence"] for clip in weak["data"]} == {"low"}
        none = found(
            api, query_text="waves in a storm at night", search_options=["audio"], threshold="medium", **strict
        )
        assert none["data"] == []


def test_the_old_model_counts_clips() -> None:
    with access(OLD) as api:
        fields = {"query_text": "red dog", "group_by": "video"}
        ids = api.control.asset_ids(api.control.index_ids[0])
        counted = found(api, sort_option="clip_count", **fields)
        assert [group["id"] for group in counted["data"]] == ids
        assert refusal(api, query_text="x", sort_option="clip_count") == (400, "parameter_invalid")
        assert refusal(api, query_text="x", search_options=["transcription"]) == (400, "search_option_not_supported")
        assert refusal(api, query_text="word " * 78) == (400, "parameter_invalid")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"index_id": None}, "parameter_not_provided"),
        ({"index_id": "nonsense"}, "parameter_invalid"),
        ({"search_options": None}, "parameter_not_provided"),
        ({"search_options": ["smell"]}, "search_option_not_supported"),
        ({"query_text": None}, "parameter_not_provided"),
        ({"query_text": ""}, "parameter_not_provided"),
        ({"query_text": "word " * 501}, "parameter_invalid"),
        ({"query_text": "<@abc> walks"}, "parameter_invalid"),
        ({"operator": "xor"}, "parameter_invalid"),
        ({"group_by": "index"}, "parameter_invalid"),
        ({"page_limit": "51"}, "parameter_invalid"),
        ({"page_limit": "0"}, "parameter_invalid"),
        ({"page_limit": "-1"}, "parameter_invalid"),
        ({"include_user_metadata": "1"}, "parameter_invalid"),
        ({"transcription_options": ["vague"]}, "parameter_invalid"),
        ({"filter": "{"}, "search_filter_invalid"),
        ({"filter": "[]"}, "search_filter_invalid"),
        ({"filter": '{"id": 1}'}, "search_filter_invalid"),
        ({"filter": '{"duration": "long"}'}, "search_filter_invalid"),
        ({"filter": '{"stars": {"gt": 1}}'}, "search_filter_invalid"),
        ({"filter": '{"city": null}'}, "search_filter_invalid"),
        ({"filter": '{"filename": 1}'}, "search_filter_invalid"),
        ({"query_media_url": "https://example.invalid/a.jpg"}, "parameter_not_provided"),
        ({"query_media_type": "image"}, "parameter_not_provided"),
        ({"query_media_type": "video"}, "parameter_invalid"),
        ({"query_media_type": "image", "query_media_url": "a.jpg"}, "parameter_invalid"),
        ({"query_media_type": "image", "query_media_url": "https://[x/a.jpg"}, "parameter_invalid"),
        ({"query_media_type": "image", "query_media_url": "https://x.invalid/a.pdf"}, "parameter_invalid"),
        ({"query_media_type": "image", "query_media_url": ["https://x.invalid/a.jpg"] * 11}, "parameter_invalid"),
        (
            {"query_media_type": "image", "query_media_url": "https://x.invalid/a.jpg", "search_options": ["audio"]},
            "search_option_combination_not_supported",
        ),
    ],
)
def test_refusals(beach: Access, fields: dict[str, Any], code: str) -> None:
    assert refusal(beach, **{"query_text": "a dog", **fields}) == (400, code)


def test_an_index_without_marengo_is_not_searched() -> None:
    with access(one_index(model="pegasus1.2", assets=(video(),))) as api:
        assert refusal(api, query_text="dog") == (400, "index_not_supported_for_search")


def test_a_missing_index(beach: Access) -> None:
    assert refusal(beach, query_text="dog", index_id="0" * 24) == (404, "resource_not_exist")
    token = found(beach, query_text="dog", page_limit="1")["page_info"]["next_page_token"]
    beach.control.delete_index(beach.control.index_ids[0])
    assert beach.refused(f"/search/{token}") == (404, "resource_not_exist")
