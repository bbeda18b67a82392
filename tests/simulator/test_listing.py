"""Lists: defaults, limits, order, page_info, filters."""

import pytest

from connector.simulator import IndexSpec, Scenario
from tests.simulator.access import Access, access, one_index, video


def test_defaults_are_ten_per_page_newest_first() -> None:
    """Page 1, page_limit 10, created_at, desc."""
    with access(one_index(generate=23)) as api:
        index = api.control.index_ids[0]
        listed = api.listing(index)

        assert listed["page_info"] == {"page": 1, "limit_per_page": 10, "total_page": 3, "total_results": 23}
        assert [item["_id"] for item in listed["data"]] == api.control.asset_ids(index)[::-1][:10]


@pytest.mark.parametrize("limit", [1, 7, 50])
@pytest.mark.parametrize("option", ["asc", "desc"])
@pytest.mark.parametrize("by", ["created_at", "updated_at"])
def test_a_walk_shows_every_asset_once_in_order(limit: int, option: str, by: str) -> None:
    """Whatever the page size, also after deletions."""
    with access(one_index(generate=60)) as api:
        index = api.control.index_ids[0]
        for asset in api.control.asset_ids(index)[5:50:9]:
            api.control.delete_asset(index, asset)
        expected = api.control.asset_ids(index)
        walked: list[str] = []
        stamps: list[str] = []
        for page in range(1, -(-len(expected) // limit) + 1):
            data = api.listing(index, page=page, page_limit=limit, sort_by=by, sort_option=option)["data"]
            walked += [item["_id"] for item in data]
            stamps += [item[by] for item in data]

        assert walked == (expected if option == "asc" else expected[::-1])
        assert stamps == sorted(stamps, reverse=option == "desc")


def test_an_empty_list_has_no_pages() -> None:
    """total_page is 0, not 1."""
    with access(Scenario()) as api:
        assert api.get("/indexes") == {
            "data": [],
            "page_info": {"page": 1, "limit_per_page": 10, "total_page": 0, "total_results": 0},
        }


@pytest.mark.parametrize(("knob", "expected"), [("empty", []), ("null", None)])
def test_the_page_past_the_end_is_a_success(api: Access, index: str, knob: str, expected: object) -> None:
    api.control.set_knobs(past_end=knob)

    assert api.listing(index, page=2)["data"] == expected
    assert api.listing(index, page=2)["page_info"]["total_results"] == 8


@pytest.mark.parametrize(
    "query",
    [
        {"page_limit": 51},
        {"page_limit": 0},
        {"page": 0},
        {"page": "x"},
        {"page": "-1"},
        {"sort_by": "filename"},
        {"sort_option": "up"},
        {"created_at": "yesterday"},
        {"updated_at": "2026-13-01T00:00:00Z"},
        {"duration[gte]": "long"},
        {"duration[above]": "1"},
        {"width": "nan"},
    ],
)
def test_bad_parameters_are_refused(api: Access, index: str, query: dict[str, object]) -> None:
    """400 parameter_invalid in the flat format, naming the parameter."""
    response = api.call("GET", f"/indexes/{index}/indexed-assets", params=query)

    assert response.status_code == 400
    assert response.json()["code"] == "parameter_invalid"
    assert next(iter(query)) in response.json()["message"]


def test_list_items_have_no_details(api: Access, index: str) -> None:
    """user_metadata, hls and embedding are in retrieve responses only."""
    item = api.listing(index)["data"][0]

    assert set(item) == {"_id", "asset_id", "created_at", "updated_at", "indexed_at", "status", "system_metadata"}
    assert set(item["system_metadata"]) == {"filename", "duration", "fps", "width", "height", "size"}


def test_statuses_are_or_ed() -> None:
    written = tuple(video(f"{status}.mp4", status=status) for status in ("ready", "failed", "archived", "ready"))
    with access(one_index(assets=written)) as api:
        index = api.control.index_ids[0]

        found = api.listing(index, status=["failed", "archived"], sort_option="asc")["data"]
        assert [item["status"] for item in found] == ["failed", "archived"]
        assert api.listing(index, status="queued")["page_info"]["total_results"] == 0


def test_generated_assets_can_end_in_other_statuses() -> None:
    """In the shares of the scenario; the status filter agrees with the items."""
    with access(one_index(generate=400, statuses={"failed": 0.2, "validating": 0.1})) as api:
        index = api.control.index_ids[0]
        totals = {
            status: api.listing(index, status=status)["page_info"]["total_results"]
            for status in ("ready", "failed", "validating")
        }

        assert sum(totals.values()) == 400
        assert 50 < totals["failed"] < 110
        assert 20 < totals["validating"] < 65
        assert {item["status"] for item in api.listing(index, status="failed")["data"]} == {"failed"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"category": "news"}, ["a"]),
        ({"user_metadata[category]": "news"}, ["a"]),
        ({"batch": "5"}, ["a", "b"]),
        ({"rating": "9.3"}, ["b"]),
        ({"live": "true"}, ["a"]),
        ({"tags": "x"}, ["b"]),
        ({"category": "news", "batch": "6"}, []),
        ({"nothing": "here"}, []),
        ({"filename": "b"}, ["b"]),
        ({"filename": "B"}, []),
        ({"duration[gte]": "5"}, ["b"]),
        ({"duration[gte]": "4", "duration[lte]": "4"}, ["a"]),
        ({"duration": "4"}, ["a"]),
        ({"width[lte]": "640"}, ["b"]),
        ({"fps": "25"}, ["b"]),
        ({"size[gte]": "1"}, ["a", "b"]),
    ],
)
def test_filters(query: dict[str, str], expected: list[str]) -> None:
    """Metadata flattened and as deepObject; ranges and plain numbers of system_metadata."""
    assets = (
        video("a", duration=4.0, metadata={"category": "news", "batch": 5, "live": True}),
        video("b", duration=8.0, fps=25.0, width=640, metadata={"batch": 5, "rating": 9.3, "tags": ["x", "y"]}),
    )
    with access(one_index(assets=assets)) as api:
        found = api.listing(api.control.index_ids[0], sort_option="asc", **query)["data"]

        assert [item["system_metadata"]["filename"] for item in found] == expected


def test_times_are_at_or_after() -> None:
    with access(one_index(generate=30)) as api:
        index = api.control.index_ids[0]
        everything = api.listing(index, page_limit=50, sort_option="asc")["data"]
        for field in ("created_at", "updated_at"):
            since = everything[20][field]
            found = api.listing(index, page_limit=50, sort_option="asc", **{field: since})

            assert found["data"] == everything[20:]
            assert found["page_info"]["total_results"] == 10


def test_ties_keep_their_order_or_are_shuffled_per_request() -> None:
    """The tie_order knob: asking for the first page again gives other assets."""
    with access(one_index(generate=50, created_every=0.0)) as api:
        index = api.control.index_ids[0]
        assert api.ids(index) == api.ids(index)

        api.control.set_knobs(tie_order="shuffled")
        assert api.ids(index) != api.ids(index)


@pytest.mark.parametrize(("style", "shape"), [("millis", 24), ("seconds", 20), ("offset", 32)])
def test_timestamp_styles(api: Access, index: str, style: str, shape: int) -> None:
    api.control.set_knobs(timestamps=style)

    stamp = api.listing(index)["data"][0]["created_at"]
    assert len(stamp) == shape
    assert stamp.endswith("+09:00" if style == "offset" else "Z")


@pytest.mark.parametrize(("drift", "change"), [("insert", 1), ("delete", -1)])
def test_the_index_can_change_between_pages(drift: str, change: int) -> None:
    """page_drift: one change right after the first page, so the totals of a walk differ; the next walk drifts again."""
    with access(one_index(generate=120)) as api:
        index = api.control.index_ids[0]
        api.control.set_knobs(page_drift=drift)
        totals = [api.listing(index, page=page, page_limit=50)["page_info"]["total_results"] for page in (1, 2, 3, 1)]

        assert totals == [120, 120 + change, 120 + change, 120 + change]


def test_the_updated_at_filter_can_be_about_metadata_only() -> None:
    """As the vendor documents it: only assets whose metadata was changed."""
    with access(one_index(generate=5)) as api:
        index = api.control.index_ids[0]
        changed = api.control.asset_ids(index)[2]
        api.control.advance(60)
        before = api.control.now
        api.control.patch_metadata(index, changed, {"a": 1})
        api.control.set_status(index, api.control.asset_ids(index)[0], "failed")

        assert len(api.ids(index, updated_at=before)) == 2
        api.control.set_knobs(updated_at_filter="patched")
        assert api.ids(index, updated_at=before) == [changed]


def test_indexes_are_listed_and_filtered() -> None:
    with access(Scenario(indexes=(IndexSpec(name="one"), IndexSpec(name="two", model="pegasus1.2")))) as api:
        assert [item["index_name"] for item in api.get("/indexes")["data"]] == ["two", "one"]
        assert [item["index_name"] for item in api.get("/indexes", sort_option="asc")["data"]] == ["one", "two"]
        assert [item["index_name"] for item in api.get("/indexes", index_name="one")["data"]] == ["one"]
        assert [item["index_name"] for item in api.get("/indexes", model_family="pegasus")["data"]] == ["two"]
        assert api.get("/indexes", model_options="visual,audio")["page_info"]["total_results"] == 2
        assert api.refused("/indexes", colour="red") == (400, "parameter_unknown")


def test_videos_are_the_ready_assets_without_status(api: Access, index: str) -> None:
    """The legacy endpoint."""
    failed = api.control.asset_ids(index)[0]
    api.control.set_status(index, failed, "failed")

    listed = api.get(f"/indexes/{index}/videos")
    assert listed["page_info"]["total_results"] == 7
    assert all("status" not in item for item in listed["data"])
    assert api.refused(f"/indexes/{index}/videos/{failed}") == (404, "resource_not_exist")
    video_id = listed["data"][0]["_id"]
    assert "size" not in api.get(f"/indexes/{index}/videos/{video_id}")["system_metadata"]
