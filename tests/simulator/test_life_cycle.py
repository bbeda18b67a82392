"""Creating, indexing, changing and deleting, over simulated time."""

from typing import Any

import httpx
import pytest

from connector.simulator import IndexSpec, Scenario, Scene, Timings
from connector.simulator.clock import parse_ms
from tests.simulator.access import JSON, Access, access, one_index, video

MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]


def upload(api: Access, url: str = "https://example.invalid/red-bus.mp4", **fields: Any) -> str:
    response = api.call("POST", "/assets", data={"method": "url", "url": url, **fields}, files={"x": ("", b"")})
    assert response.status_code == 201, response.text
    asset_id: str = response.json()["_id"]
    return asset_id


def index_it(api: Access, index: str, asset: str, **body: Any) -> httpx.Response:
    return api.call("POST", f"/indexes/{index}/indexed-assets", json={"asset_id": asset, **body})


def brief(item: JSON) -> tuple[str, int]:
    return item["status"], parse_ms(item["updated_at"]) - parse_ms(item["created_at"])


def test_a_new_asset_passes_every_status(api: Access, index: str) -> None:
    """pending, queued, validating, indexing, ready; updated_at moves at each step, indexed_at comes with ready."""
    created = index_it(api, index, upload(api), user_metadata={"batch": 5, "empty": "", "none": None, "list": []})
    asset = created.json()["_id"]

    assert created.status_code == 202
    assert created.headers["location"] == f"/indexes/{index}/indexed-assets/{asset}"
    assert api.retrieved(index, asset)["user_metadata"] == {"batch": 5}
    seen = []
    for _ in range(31):
        item = api.retrieved(index, asset)
        assert ("indexed_at" in item) == (item["status"] == "ready")
        seen.append(brief(item))
        api.control.advance(1)
    assert list(dict.fromkeys(seen)) == [
        ("pending", 0),
        ("queued", 2000),
        ("validating", 5000),
        ("indexing", 10000),
        ("ready", 30000),
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
    """ready_in of the scenario, also when it is longer than the life cycle."""
    with access(one_index(assets=(video("soon", ready_in=10.0), video("later", ready_in=500.0)))) as api:
        index = api.control.index_ids[0]
        soon, later = api.control.asset_ids(index)
        statuses = []
        for seconds in (0, 10, 489, 1):
            api.control.advance(seconds)
            statuses.append((api.retrieved(index, soon)["status"], api.retrieved(index, later)["status"]))

        assert statuses == [("indexing", "pending"), ("ready", "pending"), ("ready", "indexing"), ("ready", "ready")]


def test_timings_come_from_the_scenario() -> None:
    timings = Timings(pending=0, queued=0, validating=0, indexing=1)
    with access(Scenario(timings=timings, indexes=(IndexSpec(name="quick"),))) as api:
        index = api.control.index_ids[0]
        asset = index_it(api, index, upload(api)).json()["_id"]
        assert api.retrieved(index, asset)["status"] == "indexing"

        api.control.advance(1)
        assert api.retrieved(index, asset)["status"] == "ready"


def test_the_clock_can_flow_with_real_time() -> None:
    """Rate 60: a second of the timer is a minute of the service."""
    real = iter(float(second) for second in range(10_000))
    scenario = Scenario.default(clock_rate=60.0)
    with access(scenario, timer=lambda: next(real)) as api:
        first, second = api.control.now, api.control.now

        assert parse_ms(second) - parse_ms(first) == 60_000


@pytest.mark.parametrize("bumps", [True, False])
def test_patch_merges_and_null_deletes(api: Access, index: str, *, bumps: bool) -> None:
    """204; updated_at moves only if the knob says so."""
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
    assert (shown["index_name"], shown["video_count"], shown["expires_at"]) == ("yours", 1, None)

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


@pytest.mark.parametrize(("knob", "status"), [("404", 404), ("400", 400)])
@pytest.mark.parametrize("end", ["expire_index", "delete_index"])
def test_a_missing_index_answers_as_the_knob_says(api: Access, index: str, end: str, knob: str, status: int) -> None:
    """For the index, its listing and its assets; it is no longer listed."""
    asset = api.control.asset_ids(index)[0]
    getattr(api.control, end)(index)
    api.control.set_knobs(missing_index=knob)

    for path in ("", "/indexed-assets", f"/indexed-assets/{asset}"):
        assert api.refused(f"/indexes/{index}{path}") == (status, "resource_not_exist")
    assert len(api.get("/indexes")["data"]) == 1


def test_an_index_expires_at_its_time() -> None:
    with access(one_index(expires_at="2026-03-01T09:00:05Z")) as api:
        index = api.control.index_ids[0]
        assert api.get(f"/indexes/{index}")["expires_at"] == "2026-03-01T09:00:05.000Z"

        api.control.advance(5)
        assert api.refused(f"/indexes/{index}")[0] == 404


def test_set_status_takes_any_word(api: Access, index: str) -> None:
    asset = api.control.asset_ids(index)[0]
    api.control.set_status(index, asset, "hibernating")
    assert api.retrieved(index, asset)["status"] == "hibernating"

    api.control.restart(index, asset)
    assert api.retrieved(index, asset)["status"] == "pending"


@pytest.mark.parametrize("bump", [None, True])
def test_reindex(api: Access, index: str, *, bump: bool | None) -> None:
    """New vectors, a new length; by default without moving a date, which is the hard case."""
    asset = api.control.asset_ids(index)[0]
    before, vectors = api.retrieved(index, asset), api.segments(index, asset, "visual")
    api.control.advance(60)
    api.control.reindex(index, asset, duration=20.0, bump=bump)
    after, renewed = api.retrieved(index, asset), api.segments(index, asset, "visual")

    moved = [after[field] != before[field] for field in ("created_at", "updated_at", "indexed_at")]
    assert moved == ([False, True, True] if bump else [False, False, False])
    assert after["system_metadata"]["duration"] == 20.0
    assert len(renewed) < len(vectors)
    assert renewed[0]["float"] != vectors[0]["float"]


def test_migration_keeps_the_ids(api: Access) -> None:
    """2.7 to 3.0 in place: other dimension and options under the same ids, no date moves."""
    index = api.control.index_ids[1]
    before = api.listing(index)
    api.control.advance(60)
    api.control.migrate(index, "marengo3.0")

    assert api.listing(index) == before
    asset = before["data"][0]["_id"]
    assert len(api.segments(index, asset, "visual")[0]["float"]) == 512
    assert api.get(f"/indexes/{index}")["models"][0]["model_name"] == "marengo3.0"
    assert api.refused(f"/indexes/{index}/indexed-assets/{asset}", embedding_option="visual-text")[0] == 400
    with pytest.raises(ValueError, match="marengo4"):
        api.control.migrate(index, "marengo4")


def test_migration_moves_dates_if_the_knob_says_so(api: Access) -> None:
    index = api.control.index_ids[1]
    api.control.set_knobs(reindex_bumps_updated_at=True)
    api.control.advance(60)
    api.control.migrate(index, "marengo3.0")
    found = api.listing(index, updated_at=api.control.now)

    assert found["page_info"]["total_results"] == 4
    assert {item["updated_at"] for item in found["data"]} == {api.control.now}


def test_one_asset_can_lag_behind_a_migration(api: Access) -> None:
    """The vectors' model is the asset's, not the index's."""
    index = api.control.index_ids[1]
    late = api.control.asset_ids(index)[0]
    api.control.update_asset(index, late, model="marengo2.7")
    api.control.migrate(index, "marengo3.0")

    assert len(api.segments(index, late, "visual-text")[0]["float"]) == 1024


def test_update_changes_captions_and_metadata(api: Access, index: str) -> None:
    asset = api.control.asset_ids(index)[0]
    scene = Scene(visual="a kite", seconds=3.0)
    api.control.advance(1)
    api.control.update_asset(index, asset, captions=[scene], duration=6.0, metadata={"new": True}, filename="kite.mp4")
    after = api.retrieved(index, asset, embedding_option=["visual", "transcription"])

    assert [s["end_offset_sec"] for s in after["embedding"]["video_embedding"]["segments"]] == [3, 6]
    assert after["user_metadata"] == {"new": True}
    assert after["system_metadata"]["filename"] == "kite.mp4"
    assert after["updated_at"] == api.control.now


@pytest.mark.parametrize("knob", [False, True])
def test_asset_metadata_reaches_indexed_assets_only_by_the_knob(api: Access, index: str, *, knob: bool) -> None:
    api.control.set_knobs(asset_metadata_propagates=knob)
    asset_id = upload(api)
    indexed = index_it(api, index, asset_id, user_metadata={"own": 1}).json()["_id"]
    api.call("PATCH", f"/assets/{asset_id}/user-metadata", json={"user_metadata": {"shared": 2}})

    assert api.get(f"/assets/{asset_id}")["user_metadata"] == {"shared": 2}
    assert api.retrieved(index, indexed)["user_metadata"] == ({"shared": 2} if knob else {"own": 1})
