"""Creating, indexing, changing and deleting, over simulated time."""

import pytest

from connector.simulator import IndexSpec, Scenario, Timings
from connector.simulator.world.clock import parse_ms
from tests.comparing import differences
from tests.simulator.access import JSON, Access, access, index_it, one_index, upload, video

MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]


def brief(item: JSON) -> tuple[str, int]:
    return item["status"], parse_ms(item["updated_at"]) - parse_ms(item["created_at"])


def test_a_new_asset_passes_every_status(api: Access, index: str) -> None:
    """pending, queued, validating, indexing, ready; each step changes updated_at, and ready sets indexed_at."""
    created = index_it(api, index, upload(api), user_metadata={"batch": 5, "empty": "", "none": None, "list": []})
    asset = created.json()["_id"]

    assert created.status_code == 202
    assert created.headers["location"] == f"/indexes/{index}/indexed-assets/{asset}"
    assert api.retrieved(index, asset)["user_metadata"] == {"batch": 5}
    seen = []
    for _ in range(9):
        item = api.retrieved(index, asset)
        assert ("indexed_at" in item) == (item["status"] == "ready")
        seen.append(brief(item))
        api.control.advance(1)
    assert list(dict.fromkeys(seen)) == [
        ("pending", 0),
        ("queued", 1000),
        ("validating", 2000),
        ("indexing", 3000),
        ("ready", 8000),
    ]
    assert api.segments(index, asset, "visual")[0]["start_offset_sec"] == 0


def test_indexing_can_fail(api: Access, index: str) -> None:
    asset = api.control.add_asset(index, "broken.mp4", status="failed", ready_in=30)
    assert api.retrieved(index, asset)["status"] == "pending"

    api.control.advance(30)
    item = api.retrieved(index, asset)
    assert item["status"] == "failed"
    assert "indexed_at" not in item


def test_a_written_asset_can_become_ready_later() -> None:
    """ready_in of the scenario, even if it is longer than the life cycle."""
    with access(one_index(assets=(video("soon", ready_in=5.0), video("later", ready_in=500.0)))) as api:
        index = api.control.index_ids[0]
        soon, later = api.control.asset_ids(index)
        statuses = []
        for seconds in (0, 5, 494, 1):
            api.control.advance(seconds)
            statuses.append((api.retrieved(index, soon)["status"], api.retrieved(index, later)["status"]))

        assert statuses == [("indexing", "pending"), ("ready", "pending"), ("ready", "indexing"), ("ready", "ready")]


@pytest.mark.parametrize("body", [{}, {"asset_id": 5}, {"asset_id": "0" * 24}, {"asset_id": "x"}])
def test_bad_requests_to_index_are_refused(api: Access, index: str, body: dict[str, object]) -> None:
    expected = 404 if body.get("asset_id") == "0" * 24 else 400

    assert api.call("POST", f"/indexes/{index}/indexed-assets", json=body).status_code == expected


def test_video_stream_must_be_a_boolean(api: Access, index: str) -> None:
    assert index_it(api, index, upload(api), enable_video_stream="yes").status_code == 400
    assert "hls" not in api.retrieved(index, index_it(api, index, upload(api), enable_video_stream=False).json()["_id"])


def test_time_only_moves_forward(api: Access) -> None:
    with pytest.raises(ValueError, match="forward"):
        api.control.advance(-1)


def test_timings_come_from_the_scenario() -> None:
    timings = Timings(pending=0, queued=0, validating=0, indexing=1)
    with access(Scenario(timings=timings, indexes=(IndexSpec(name="quick"),))) as api:
        index = api.control.index_ids[0]
        asset = index_it(api, index, upload(api)).json()["_id"]
        assert api.retrieved(index, asset)["status"] == "indexing"

        api.control.advance(1)
        assert api.retrieved(index, asset)["status"] == "ready"


@pytest.mark.parametrize(("rate", "expected"), [(None, 1.0), (0.0, 0.0), (60.0, 60.0)])
def test_a_server_for_people_flows_unless_told_otherwise(rate: float | None, expected: float) -> None:
    assert Scenario.default(clock_rate=rate).flowing().clock.rate == expected


def test_the_clock_can_flow_with_real_time() -> None:
    """Rate 60: a second of the timer is a minute of the service."""
    real = iter(float(second) for second in range(10_000))
    scenario = Scenario.default(clock_rate=60.0)
    with access(scenario, timer=lambda: next(real)) as api:
        first, second = api.control.now, api.control.now

        assert parse_ms(second) - parse_ms(first) == 60_000


@pytest.mark.parametrize("bumps", [True, False])
def test_patch_merges_and_null_deletes(api: Access, index: str, *, bumps: bool) -> None:
    """204; updated_at changes only if the knob says so."""
    api.control.set_knobs(patch_bumps_updated_at=bumps)
    asset = api.control.add_asset(index, "a.mp4", metadata={"keep": 1, "drop": "x", "change": "old"})
    before = api.retrieved(index, asset)
    api.control.advance(60)
    response = api.call(
        "PATCH",
        f"/indexes/{index}/indexed-assets/{asset}",
        json={"user_metadata": {"drop": None, "change": "new", "add": [1.5 and "y"], "blank": ""}},
    )
    after = api.retrieved(index, asset)

    assert (response.status_code, response.content) == (204, b"")
    assert after["user_metadata"] == {"keep": 1, "change": "new", "add": ["y"]}
    assert (after["updated_at"] != before["updated_at"]) is bumps
    assert after["indexed_at"] == before["indexed_at"]


@pytest.mark.parametrize("metadata", [{"a": {"b": 1}}, {"a": [1]}, "text", None])
def test_bad_metadata_is_refused(api: Access, index: str, metadata: object) -> None:
    path = f"/indexes/{index}/indexed-assets/{api.control.asset_ids(index)[0]}"
    response = api.call("PATCH", path, json={"user_metadata": metadata})

    assert response.status_code == 400
    assert "user_metadata" in response.json()["message"]


def test_deleted_is_gone(api: Access, index: str) -> None:
    """204, then 404, and the index counts one less."""
    asset = api.control.asset_ids(index)[3]
    path = f"/indexes/{index}/indexed-assets/{asset}"

    assert api.call("DELETE", path).status_code == 204
    assert api.call("DELETE", path).status_code == 404
    assert api.refused(path) == (404, "resource_not_exist")
    assert asset not in api.ids(index)
    assert api.get(f"/indexes/{index}")["video_count"] == 7


def test_an_index_is_made_renamed_and_deleted(api: Access) -> None:
    created = api.call("POST", "/indexes", json={"index_name": "mine", "models": MODELS, "addons": ["thumbnail"]})
    index = created.json()["_id"]
    assert created.status_code == 201
    assert index_it(api, index, upload(api)).status_code == 202

    assert api.call("PUT", f"/indexes/{index}", json={"index_name": "yours"}).status_code == 204
    shown = api.get(f"/indexes/{index}")
    assert differences(shown, index_name="yours", video_count=1, expires_at=None) == {}

    assert api.call("DELETE", f"/indexes/{index}").status_code == 204
    assert api.refused(f"/indexes/{index}") == (404, "resource_not_exist")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"index_name": "x"},
        {"index_name": "", "models": MODELS},
        {"index_name": "x", "models": []},
        {"index_name": "x", "models": [{"model_name": "marengo9", "model_options": ["visual"]}]},
        {"index_name": "x", "models": [{"model_name": "marengo3.0", "model_options": ["smell"]}]},
        {"index_name": "sports-and-stories", "models": MODELS},
        [],
    ],
)
def test_bad_indexes_are_refused(api: Access, body: object) -> None:
    assert api.call("POST", "/indexes", json=body).status_code == 400
