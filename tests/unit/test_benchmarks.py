"""The pure parts of the benchmarks: the library that is copied, the source that serves it, tables, plots, the page."""

import json
import math
import zlib
from xml.etree import ElementTree as ET

import pytest

from benchmarks.backfill import Measured, medians, ratios
from benchmarks.backfill_page import hours
from benchmarks.bars import Bar, bars
from benchmarks.catalog import CATALOG
from benchmarks.contenders.task import NAMESPACE, Speech, Task, point_id
from benchmarks.library import INDEX_ID, OPTIONS, Library
from benchmarks.page import DOCS, filled
from benchmarks.processes import Used
from benchmarks.rate_limit import shares
from benchmarks.same_points import Written, differences
from benchmarks.search_quality import Asked, quality
from benchmarks.source import COUNTERS, PREFIX, PreparedSource
from benchmarks.storage import gigabytes_per_million
from benchmarks.tables import number, table
from connector.domain import points
from connector.simulator import Logged
from connector.simulator.golden import GoldenQuery, Judgement, QueryKind

LIBRARY = Library(assets=3, segments=(4, 3, 2), dimension=2)


def test_a_library_has_the_segments_it_promises() -> None:
    bodies = [json.loads(body) for _, body in LIBRARY.bodies()]

    segments = [segment for body in bodies for segment in body["embedding"]["video_embedding"]["segments"]]
    assert len(segments) == LIBRARY.segments_in_all == 27
    ranges = {(body["_id"], one["start_offset_sec"]) for body in bodies for one in segments}
    assert len(ranges) == LIBRARY.points_in_all == 12
    assert {segment["embedding_option"] for segment in segments} == set(OPTIONS)


def test_a_page_of_the_source_is_like_a_page_of_the_api() -> None:
    source = PreparedSource(LIBRARY)

    status, body, packed = source.answer(f"{PREFIX}/indexed-assets?page=2&page_limit=2&sort_option=asc")

    page = json.loads(body)
    assert (status, packed) == (200, False)
    assert [item["_id"] for item in page["data"]] == [LIBRARY.items()[2]["_id"]]
    assert page["page_info"] == {"page": 2, "limit_per_page": 2, "total_page": 2, "total_results": 3}


def test_the_source_serves_compressed_bodies_and_counts_requests() -> None:
    source = PreparedSource(LIBRARY)
    name, expected = next(LIBRARY.bodies())

    _, body, packed = source.answer(f"{PREFIX}/indexed-assets/{name}?embedding_option=visual")

    assert packed
    assert zlib.decompress(body, wbits=31) == expected
    assert source.answer(f"{PREFIX}/indexed-assets/unknown")[0] == 404
    assert json.loads(source.answer(COUNTERS)[1])["requests"] == 2
    assert json.loads(source.answer(COUNTERS)[1]) == {"requests": 0, "listings": 0, "bytes": 0, "first_at": 0.0}


def test_a_poll_for_later_assets_finds_none() -> None:
    _, body, _ = PreparedSource(LIBRARY).answer(f"{PREFIX}/indexed-assets?created_at=2027-01-01T00:00:00Z")

    assert json.loads(body)["page_info"]["total_results"] == 0


def test_the_contenders_compute_the_ids_of_the_connector() -> None:
    assert points.NAMESPACE == NAMESPACE
    assert point_id(INDEX_ID, "a", "marengo3.0", "clip", 1.5, 3.0) == points.point_id(
        INDEX_ID, "a", "marengo3.0", "clip", 1500, 3000
    )


def test_words_between_two_times() -> None:
    words = [{"start": 0.0, "end": 1.0, "value": "a"}, {"start": 1.0, "end": 2.5, "value": "b"}]

    assert Speech(words).between(0.0, 1.0) == "a"
    assert Speech(words).between(0.5, 2.0) == "a b"
    assert Speech(words).between(3.0, 4.0) == ""


def test_a_task_survives_the_command_line() -> None:
    task = Task("http://source", INDEX_ID, "http://sink", 6334, "collection")

    assert Task.of(task.text()) == task


def test_different_points_are_found() -> None:
    ours = Written({"1": {"a": 1, "revision": "x"}}, {"1": {"visual": [1.0]}}, frozenset({"payload key a"}))
    alike = Written({"1": {"a": 1, "revision": "y"}}, {"1": {"visual": [1.0 + 1e-9]}}, frozenset({"payload key a"}))
    other = Written({"1": {"a": 2}}, {"1": {"visual": [0.5]}}, frozenset({"payload key b"}))
    none = Written({}, {}, frozenset())

    assert differences(ours, alike) == []
    assert len(differences(ours, other)) == 4
    assert "1 points and 0" in differences(ours, none)[-1]


def test_medians_and_ratios() -> None:
    def measured(speed: float) -> Measured:
        return Measured(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, speed, 2 * speed)

    middle = medians({"loop": [measured(s) for s in (1, 2, 9)], "connector": [measured(s) for s in (30, 40, 50)]})

    assert middle["loop"]["segments_per_sec"] == 2
    assert list(ratios(middle).values()) == [20.0, 20.0, 1.0]


def test_the_share_of_a_limit_goes_by_the_whole_process_and_by_its_requests() -> None:
    """60 answered requests within 5.9 seconds of a process of 12 seconds, of 10 a second."""
    answered = [Logged(number, "GET", f"/{number}", "", 200, 3000 + 100 * number) for number in range(60)]
    refused = Logged(60, "GET", "/60", "", 429, 14_000)

    found = shares([*answered, refused], Used(0.0, 12.0, 1.0, 1.0, 0, ""), per_window=100)

    assert found["used_share"] == pytest.approx(0.5)
    assert found["used_share_between"] == pytest.approx(1.0)
    assert found["between_sec"] == pytest.approx(5.9)
    assert found["refused_share"] == pytest.approx(1 / 61)


def test_what_does_not_grow_is_not_scaled_to_a_million() -> None:
    result = {"grown": 99_000, "ways": {"default": {"disk_mb": 198.0}}}

    assert gigabytes_per_million(result, "disk_mb") == {"default": 2.0}


def test_the_time_for_many_hours_of_video_goes_by_the_time_without_start_up() -> None:
    """600 points of 6 seconds are one hour."""
    result = {"points": 600, "medians": {"connector": {"work_sec": 1.8}}}

    assert hours(result, 10_000) == pytest.approx(5.0)


def test_the_quality_of_searches() -> None:
    def asked(kind: QueryKind, judged: dict[str, int], ranking: list[str], milliseconds: float) -> Asked:
        seconds = (milliseconds / 1000, 1.0, 0.0)
        judgements = tuple(Judgement("i", asset, 0.0, 1.0, grade) for asset, grade in judged.items())
        return Asked(GoldenQuery(kind, "", judgements), [(asset, 0, 1000) for asset in ranking], seconds)

    found = quality(
        [
            asked("exact", {"a": 2, "b": 2}, ["a"], 1.0),
            asked("paraphrased", {"a": 2}, ["x", "a"], 2.0),
            asked("seen", {"a": 2, "b": 1}, ["a", "b"], 3.0),
            asked("heard", {"a": 2}, [], 4.0),
            asked("negative", {}, [], 5.0),
            asked("negative", {}, ["a"], 100.0),
        ]
    )

    assert found.recall == {"exact": 0.5, "paraphrased": 1, "seen": 1, "heard": 0, "all": 0.625}
    assert found.empty == 0.5
    second = 1 / math.log2(3)
    assert found.ndcg == pytest.approx((1 / (1 + second) + second + 1 + 0) / 4)
    assert found.p50_ms == pytest.approx(4.0)
    assert found.p95_ms == pytest.approx(100.0)


def test_tables_and_numbers() -> None:
    assert table(("a", "b"), [("c", "1")]) == "| a | b |\n| --- | ---: |\n| c | 1 |\n"
    assert [number(value) for value in (2903.7, 12.74, 0.857)] == ["2,904", "12.7", "0.86"]


def test_a_plot_is_valid_svg() -> None:
    picture = ET.fromstring(bars("a < b", [Bar("loop", 0.0), Bar("connector", 2904.0)]))  # noqa: S314  our own

    assert len(picture.findall("{http://www.w3.org/2000/svg}rect")) == 3


def test_figures_replace_what_stands_between_the_marks() -> None:
    text = "before\n<!-- bench: a -->\nold\n<!-- end -->\nafter\n"

    assert filled(text, "a", "new") == "before\n<!-- bench: a -->\n\nnew\n\n<!-- end -->\nafter\n"
    with pytest.raises(ValueError, match="no place for b"):
        filled(text, "b", "new")


@pytest.mark.parametrize("name", CATALOG)
def test_the_page_has_a_place_for_each_benchmark(name: str) -> None:
    assert filled((DOCS / CATALOG[name].page).read_text(encoding="utf-8"), name, "figures")
