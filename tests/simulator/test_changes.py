"""The control API's changes of indexes and assets, as the API shows them afterwards."""

import pytest

from connector.simulator import Scene
from tests.simulator.access import Access, access, index_it, one_index, upload


def test_other_metadata_alone_leaves_the_vectors(api: Access, index: str) -> None:
    asset = api.control.asset_ids(index)[0]
    before = api.segments(index, asset, "visual")
    api.control.update_asset(index, asset, metadata={"a": 1})

    assert api.segments(index, asset, "visual") == before
    assert api.retrieved(index, asset)["user_metadata"] == {"a": 1}


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
    """New vectors, a new length; by default no date changes, which is the hard case."""
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
    """2.7 to 3.0 in place: other dimension and options under the same ids; no date changes."""
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
    """The asset's model is that of its vectors, not of the index."""
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
