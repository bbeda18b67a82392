"""/assets and /tasks."""

import pytest

from tests.comparing import differences
from tests.simulator.access import Access, access, index_it, one_index, upload


def test_an_upload_is_found_by_its_name(api: Access, index: str) -> None:
    """The simulator cannot analyse a video: its file name describes the content."""
    asset_id = upload(api, "https://example.invalid/videos/goal-celebration.mp4?sig=1", user_metadata='{"a": 1}')
    shown = api.get(f"/assets/{asset_id}")

    assert differences(shown, filename="goal-celebration.mp4", status="ready", user_metadata={"a": 1}) == {}
    indexed = index_it(api, index, asset_id).json()["_id"]
    api.control.advance(60)
    words = api.retrieved(index, indexed, transcription="true")["transcription"]
    assert [word["value"] for word in words][:2] == ["goal", "celebration"]


def test_a_file_is_uploaded_directly(api: Access) -> None:
    response = api.call("POST", "/assets", data={"method": "direct"}, files={"file": ("kite.mp4", b"x" * 5000)})

    assert response.status_code == 201
    assert (response.json()["filename"], response.json()["status"]) == ("kite.mp4", "processing")


@pytest.mark.parametrize(
    "fields",
    [{}, {"method": "url"}, {"method": "direct"}, {"method": "ftp", "url": "x"}, {"method": "url", "url": ""}],
)
def test_bad_uploads_are_refused(api: Access, fields: dict[str, str]) -> None:
    assert api.call("POST", "/assets", data=fields, files={"x": ("", b"")}).status_code == 400


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": {"b": 1}}'])
def test_bad_form_metadata_is_refused(api: Access, text: str) -> None:
    fields = {"method": "url", "url": "https://example.invalid/a.mp4", "user_metadata": text}
    response = api.call("POST", "/assets", data=fields, files={"x": ("", b"")})

    assert response.status_code == 400
    assert "user_metadata" in response.json()["message"]


def test_every_asset_of_the_account_is_listed() -> None:
    """Generated and uploaded ones, and those of deleted videos; newest first, filtered by name and id."""
    with access(one_index(generate=25)) as api:
        index = api.control.index_ids[0]
        newest = upload(api, "https://example.invalid/Alpha.mp4")
        api.control.delete_asset(index, api.control.asset_ids(index)[0])
        listed = api.get("/assets", page_limit=50)

        assert listed["page_info"]["total_results"] == 26
        assert listed["data"][0]["_id"] == newest
        stamps = [item["created_at"] for item in listed["data"]]
        assert stamps == sorted(stamps, reverse=True)
        assert [item["_id"] for item in api.get("/assets", filename="alph")["data"]] == [newest]
        assert [item["_id"] for item in api.get("/assets", asset_ids=[newest])["data"]] == [newest]
        assert api.get("/assets", asset_types=["image"])["data"] == []


def test_an_asset_in_use_is_deleted_only_by_force(api: Access, index: str) -> None:
    """409, then 204 with force; the indexed asset remains."""
    indexed = api.control.asset_ids(index)[0]
    asset_id = api.control.asset(index, indexed)["asset_id"]

    assert api.call("DELETE", f"/assets/{asset_id}").status_code == 409
    assert api.call("DELETE", f"/assets/{asset_id}", params={"force": "true"}).status_code == 204
    assert api.refused(f"/assets/{asset_id}") == (404, "resource_not_exist")
    assert api.retrieved(index, indexed)["asset_id"] == asset_id
    assert asset_id not in [item["_id"] for item in api.get("/assets", page_limit=50)["data"]]


def test_asset_metadata_is_merged_replaced_and_cleared(api: Access) -> None:
    path = f"/assets/{upload(api)}"
    results = []
    for method, body in (
        ("PUT", {"a": 1, "b": 2, "c": ""}),
        ("PATCH", {"a": None, "d": True}),
        ("PUT", {"e": ["x"]}),
        ("DELETE", None),
    ):
        response = api.call(method, f"{path}/user-metadata", json={"user_metadata": body} if body else None)
        assert response.status_code == 204
        results.append(api.get(path)["user_metadata"])

    assert results == [{"a": 1, "b": 2}, {"b": 2, "d": True}, {"e": ["x"]}, {}]


def test_transcriptions_of_assets(api: Access, index: str) -> None:
    """Words by default; silent videos have none."""
    talking, silent = (api.control.asset(index, api.control.asset_ids(index)[place])["asset_id"] for place in (0, 4))
    both = api.get(f"/assets/{talking}/transcription", include="words,sentences")

    assert both["sentences"][0]["value"].split() == [word["value"] for word in both["words"]][:5]
    assert set(api.get(f"/assets/{talking}/transcription")) == {"status", "words"}
    assert api.refused(f"/assets/{silent}/transcription")[0] == 404
    assert api.refused(f"/assets/{talking}/transcription", include="letters")[0] == 400


def test_the_task_leads_to_index_and_video(api: Access, index: str) -> None:
    """It remains when the video is deleted."""
    asset = api.control.asset_ids(index)[0]
    task = api.get(f"/tasks/{api.control.task_id(index, asset)}")
    assert differences(task, index_id=index, video_id=asset, status="ready") == {}

    api.control.delete_asset(index, asset)
    assert api.get(f"/tasks/{task['_id']}")["video_id"] == asset
    assert api.refused("/tasks/xyz")[0] == 400
    assert api.refused(f"/tasks/{asset}")[0] == 404


def test_tasks_of_all_indexes_are_listed(api: Access, index: str) -> None:
    api.control.set_status(index, api.control.asset_ids(index)[2], "failed")

    assert api.get("/tasks")["page_info"]["total_results"] == 12
    assert api.get("/tasks", index_id=index)["page_info"]["total_results"] == 8
    assert [task["status"] for task in api.get("/tasks", status=["failed", "queued"])["data"]] == ["failed"]
    stamps = [task["created_at"] for task in api.get("/tasks", sort_option="asc", page_limit=50)["data"]]
    assert stamps == sorted(stamps)
    assert api.refused("/tasks", colour="red")[0] == 400


def test_a_task_can_upload_and_index_in_one_step(api: Access, index: str) -> None:
    fields = {"index_id": index, "video_url": "https://example.invalid/x.mp4", "user_metadata": '{"a": 1}'}
    created = api.call("POST", "/tasks", data=fields, files={"x": ("", b"")})
    assert created.status_code == 201

    task = api.get(f"/tasks/{created.json()['_id']}")
    assert (task["status"], task["video_id"]) == ("pending", created.json()["video_id"])
    assert api.call("DELETE", f"/tasks/{task['_id']}").status_code == 400
    api.control.set_status(index, task["video_id"], "failed")
    assert api.call("DELETE", f"/tasks/{task['_id']}").status_code == 204
    assert api.refused(f"/tasks/{task['_id']}")[0] == 404
    assert api.call("POST", "/tasks", data={"index_id": index}, files={"x": ("", b"")}).status_code == 400
