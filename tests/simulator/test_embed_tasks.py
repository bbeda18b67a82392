"""Embedding tasks of both versions: life cycle, clips, options and scopes, and what is refused."""

from typing import Any

import numpy as np
import pytest

from tests.simulator.access import Access, upload

URL = "https://example.invalid/red-bus.mp4"
V2: dict[str, Any] = {"input_type": "video", "model_name": "marengo3.0", "video": {"media_source": {"url": URL}}}


def v1(api: Access, **fields: Any) -> Any:
    given = {"model_name": "marengo3.0", "video_url": URL, **fields}
    form = {name: value for name, value in given.items() if value is not None and name != "files"}
    return api.call("POST", "/embed/tasks", data=form, files=fields.get("files", {"x": ("", b"")}))


def done(api: Access, path: str, response: Any, **query: Any) -> Any:
    """The finished task."""
    assert response.status_code in {200, 202}, response.text
    api.control.advance(60)
    return api.get(f"{path}/{response.json()['_id']}", **query)


def segments(body: Any) -> Any:
    return body["video_embedding"]["segments"]


def test_a_task_is_processed_and_kept_for_seven_days(api: Access) -> None:
    task = v1(api).json()["_id"]
    assert api.get(f"/embed/tasks/{task}/status")["status"] == "processing"
    assert api.get(f"/embed/tasks/{task}")["video_embedding"] is None
    api.control.advance(60)
    status = api.get(f"/embed/tasks/{task}/status")
    assert status["status"] == "ready"
    assert status["video_embedding"]["metadata"]["input_url"] == URL
    assert "segments" not in status["video_embedding"]
    assert [one["_id"] for one in api.get("/embed/tasks")["data"]] == [task]
    api.control.advance(7 * 86_400)
    assert api.get("/embed/tasks")["data"] == []
    assert api.refused(f"/embed/tasks/{task}") == (404, "resource_not_exist")


def test_clips_of_equal_length_and_the_whole(api: Access) -> None:
    body = done(
        api,
        "/embed/tasks",
        v1(
            api,
            video_clip_length="4",
            video_start_offset_sec="1",
            video_end_offset_sec="10",
            video_embedding_scope=["clip", "video"],
        ),
        embedding_option="visual",
    )

    ranges = [(one["embedding_scope"], one["start_offset_sec"], one["end_offset_sec"]) for one in segments(body)]
    assert ranges == [("clip", 1, 5), ("clip", 5, 9), ("video", 1, 10)]
    assert {len(one["float"]) for one in segments(body)} == {512}
    assert {one["embedding_option"] for one in segments(body)} == {"visual"}


@pytest.mark.parametrize("version", [1, 2])
def test_the_vectors_are_those_of_the_content(api: Access, version: int) -> None:
    """A text that says what the file name says is near."""
    body = {"input_type": "text", "model_name": "marengo3.0", "text": {"input_text": "red bus"}}
    query = np.array(api.call("POST", "/embed-v2", json=body).json()["data"][0]["embedding"])
    if version == 1:
        vector = segments(done(api, "/embed/tasks", v1(api)))[0]["float"]
    else:
        vector = done(api, "/embed-v2/tasks", api.call("POST", "/embed-v2/tasks", json=V2))["data"][0]["embedding"]

    assert float(np.dot(query, vector)) > 0.8


def test_the_old_model_has_its_own_options(api: Access) -> None:
    body = done(api, "/embed/tasks", v1(api, model_name="Marengo-retrieval-2.7"))

    assert body["model_name"] == "Marengo-retrieval-2.7"
    assert {(one["embedding_option"], len(one["float"])) for one in segments(body)} == {
        ("visual-text", 1024),
        ("audio", 1024),
    }


def test_a_failed_task_says_why(api: Access) -> None:
    api.control.set_knobs(embed_task_fate="failed")
    assert done(api, "/embed/tasks", v1(api))["status"] == "failed"
    failed = done(api, "/embed-v2/tasks", api.call("POST", "/embed-v2/tasks", json=V2))

    assert (failed["status"], failed["data"]) == ("failed", None)
    assert failed["error"]["message"]


def test_v2_has_clips_and_the_asset(api: Access) -> None:
    """Scene by scene or of equal length; by option; nothing while it is processed."""
    created = api.call("POST", "/embed-v2/tasks", json=V2)
    assert (created.status_code, created.json()["status"]) == (202, "processing")
    assert api.get(f"/embed-v2/tasks/{created.json()['_id']}")["data"] is None
    body = done(api, "/embed-v2/tasks", created)
    assert {one["embedding_option"] for one in body["data"]} == {"visual", "audio", "transcription"}
    assert {one["embedding_scope"] for one in body["data"]} == {"clip", "asset"}
    whole = [one for one in body["data"] if one["embedding_scope"] == "asset"]
    assert {(one["start_sec"], one["end_sec"]) for one in whole} == {(0, body["metadata"]["duration"])}

    fixed = {"strategy": "fixed", "fixed": {"duration_sec": 3}}
    video = {
        **V2["video"],
        "end_sec": 9,
        "segmentation": fixed,
        "embedding_scope": ["clip"],
        "embedding_option": ["visual"],
    }
    body = done(api, "/embed-v2/tasks", api.call("POST", "/embed-v2/tasks", json={**V2, "video": video}))
    assert [(one["start_sec"], one["end_sec"]) for one in body["data"]] == [(0, 3), (3, 6), (6, 9)]
    assert body["metadata"]["clip_length"] == 3


def test_v2_of_an_uploaded_asset_and_of_bytes(api: Access) -> None:
    asset = upload(api)
    for source in ({"asset_id": asset}, {"base64_string": "QUJD"}):
        body = {"input_type": "audio", "model_name": "marengo3.0", "audio": {"media_source": source}}
        found = done(api, "/embed-v2/tasks", api.call("POST", "/embed-v2/tasks", json=body))
        assert {one["embedding_option"] for one in found["data"]} == {"audio", "transcription"}
        assert found["metadata"]["input_type"] == "audio"


def test_the_newest_model_embeds_images_and_says_its_dimension(api: Access) -> None:
    body = {
        "input_type": "image",
        "model_name": "marengo3.5",
        "embedding_dimension": 256,
        "image": {"media_source": {"url": "https://example.invalid/red-bus.jpg"}},
    }
    created = api.call("POST", "/embed-v2/tasks", json=body)
    assert created.json()["metadata"] == {"embedding_dimension": 256}
    found = done(api, "/embed-v2/tasks", created)
    (one,) = found["data"]
    assert (len(one["embedding"]), one["start_sec"], one["embedding_scope"]) == (256, None, "asset")
    assert found["usage"] == {"input_tokens": {"image": 1}, "truncated": False}

    temporal = {"temporal": {"strategy": "dynamic", "dynamic": {"min_duration_sec": 5}}}
    video = {"media_source": {"url": URL}, "segmentation": temporal}
    clips = {"input_type": "video", "model_name": "marengo3.5", "video": video}
    found = done(api, "/embed-v2/tasks", api.call("POST", "/embed-v2/tasks", json=clips))
    assert all(one["end_sec"] - one["start_sec"] >= 5 for one in found["data"])


def test_fused_vectors(api: Access) -> None:
    fused = {**V2["video"], "embedding_type": ["fused_embedding"]}
    body = done(api, "/embed-v2/tasks", api.call("POST", "/embed-v2/tasks", json={**V2, "video": fused}))

    assert {one["embedding_option"] for one in body["data"]} == {"fused"}


def test_tasks_are_listed_newest_first_by_time_and_status(api: Access) -> None:
    """Each version lists its own."""
    old = v1(api).json()["_id"]
    api.control.advance(3600)
    new = v1(api).json()["_id"]
    other = api.call("POST", "/embed-v2/tasks", json=V2).json()["_id"]
    middle = "2026-03-01T09:30:00Z"

    def ids(**query: Any) -> list[str]:
        return [one["_id"] for one in api.get("/embed/tasks", **query)["data"]]

    assert ids() == [new, old]
    assert ids(page=2, page_limit=1) == [old]
    assert ids(status="processing") == [new]
    assert (ids(started_at=middle), ids(ended_at=middle)) == ([new], [old])
    assert [one["_id"] for one in api.get("/embed-v2/tasks")["data"]] == [other]
    assert api.refused(f"/embed/tasks/{other}") == (404, "resource_not_exist")
    assert api.refused("/embed/tasks", status="done") == (400, "parameter_invalid")
    assert api.refused("/embed/tasks", colour="red") == (400, "parameter_unknown")
    assert api.refused("/embed/tasks/nonsense") == (400, "parameter_invalid")
    assert api.refused(f"/embed/tasks/{new}", colour="red") == (400, "parameter_unknown")
    api.control.advance(60)
    assert api.refused(f"/embed/tasks/{new}", embedding_option="smell") == (400, "parameter_invalid")


@pytest.mark.parametrize(
    "fields",
    [
        {"model_name": None},
        {"model_name": "marengo3.5"},
        {"video_url": None},
        {"video_clip_length": "1.9"},
        {"video_clip_length": "11"},
        {"video_clip_length": "nan"},
        {"video_start_offset_sec": "1"},
        {"video_end_offset_sec": "5"},
        {"video_start_offset_sec": "5", "video_end_offset_sec": "5"},
        {"video_start_offset_sec": "-1", "video_end_offset_sec": "5"},
        {"video_start_offset_sec": "0", "video_end_offset_sec": "1e6"},
        {"video_embedding_scope": ["frame"]},
    ],
)
def test_v1_refusals(api: Access, fields: dict[str, Any]) -> None:
    response = v1(api, **fields)

    assert response.status_code == 400
    assert set(response.json()) == {"code", "message"}


@pytest.mark.parametrize(
    "change",
    [
        {"model_name": "marengo2.7"},
        {"input_type": "smell"},
        {"input_type": "image", "image": V2["video"]},
        {"input_type": "document", "model_name": "marengo3.5", "document": V2["video"]},
        {"input_type": "audio"},
        {"surprise": 1},
        {"embedding_dimension": 256},
        {"embedding_uncertainty": True},
        {"video": {}},
        {"video": {"media_source": {}}},
        {"video": {"media_source": {"url": URL, "base64_string": "QUJD"}}},
        {"video": {"media_source": {"url": "red-bus.mp4"}}},
        {"video": {"media_source": {"url": "https://[x"}}},
        {"video": {"media_source": {"base64_string": "?"}}},
        {"video": {"media_source": {"asset_id": "x"}}},
        {"video": {"media_source": {"url": URL}, "start_sec": "1"}},
        {"video": {"media_source": {"url": URL}, "start_sec": 5, "end_sec": 4}},
        {"video": {"media_source": {"url": URL}, "embedding_scope": []}},
        {"video": {"media_source": {"url": URL}, "embedding_scope": "clip"}},
        {"video": {"media_source": {"url": URL}, "embedding_option": ["smell"]}},
        {
            "video": {
                "media_source": {"url": URL},
                "embedding_option": ["visual"],
                "embedding_type": ["fused_embedding"],
            }
        },
        {"video": {"media_source": {"url": URL}, "segmentation": {"temporal": {}}}},
        {"video": {"media_source": {"url": URL}, "segmentation": {"strategy": "fixed"}}},
        {"video": {"media_source": {"url": URL}, "segmentation": {"strategy": "fixed", "fixed": {"duration_sec": 11}}}},
        {"video": {"media_source": {"url": URL}, "surprise": 1}},
        {"model_name": "marengo3.5", "video": {"media_source": {"url": URL}, "embedding_type": ["fused_embedding"]}},
    ],
)
def test_v2_refusals(api: Access, change: dict[str, Any]) -> None:
    """An error in the nested format."""
    response = api.call("POST", "/embed-v2/tasks", json={**V2, **change})

    assert response.status_code == 400, response.text
    assert set(response.json()) == {"error"}


def test_v2_of_a_missing_asset_or_task(api: Access) -> None:
    video = {"media_source": {"asset_id": "0" * 24}}

    assert api.call("POST", "/embed-v2/tasks", json={**V2, "video": video}).status_code == 404
    assert api.call("GET", f"/embed-v2/tasks/{'0' * 24}").status_code == 404
