"""Response bodies -> domain values: fields may be absent, but their content is checked."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.errors import MalformedAsset, SourceUnavailable, Unavailable
from connector.domain.source_model import LONGEST_ID, Index, IndexedAsset, IndexingTask, RetrievedAsset
from connector.twelvelabs import listing_decoding
from connector.twelvelabs.calls import Call, asset_path
from tests.comparing import differences
from tests.fakes.bodies import body, read, segment

LISTING = Call("list assets of index", "ix1", "indexes/ix1/indexed-assets")
INDEX = Call("look up index", "ix1", "indexes/ix1")


@pytest.mark.parametrize("metadata", [5, "x", ["a"], True])
def test_user_metadata_is_an_object(metadata: object) -> None:
    with pytest.raises(MalformedAsset, match="user_metadata"):
        read(body(user_metadata=metadata))


@pytest.mark.parametrize("metadata", [None, {}, {"n": 2**63, "m": -(2**70), "f": 9.5, "t": ["a"], "o": {"x": None}}])
def test_user_metadata_survives_as_it_is(metadata: dict[str, Any] | None) -> None:
    """Including integers beyond 64 bits."""
    assert read(body(user_metadata=metadata)).user_metadata == (metadata or {})


def test_an_answer_about_another_asset_is_wrong_content() -> None:
    with pytest.raises(MalformedAsset, match="a2"):
        read(b'{"_id": "a2"}')


def test_an_asset_of_which_nothing_is_known_is_read() -> None:
    """Every field may be absent, keys may be unknown."""
    found = read(b'{"colour": "red"}')
    assert found.asset == IndexedAsset("a1", "unknown")
    assert differences(found, user_metadata={}, hls_url=None, model=None, columns=None) == {}


def test_all_facts_of_an_asset_arrive() -> None:
    """Widths may be floats; timestamps stay strings."""
    system = {"filename": "a.mp4", "duration": 12, "fps": 29.97, "width": 640.0, "height": 359.6, "size": 65749715}
    facts = {"status": "levitating", "asset_id": "u1", "created_at": "2026-01-14T13:34:29Z", "updated_at": "x"}
    found = read(body(**facts, system_metadata=system, hls={"video_url": "https://x/y.m3u8", "status": "COMPLETE"}))

    assert found.hls_url == "https://x/y.m3u8"
    assert found.asset == IndexedAsset(
        indexed_asset_id="a1",
        status="levitating",
        asset_id="u1",
        created_at="2026-01-14T13:34:29Z",
        updated_at="x",
        filename="a.mp4",
        duration_sec=12.0,
        fps=29.97,
        width=640,
        height=360,
        size_bytes=65749715.0,
    )


def test_an_index_is_known_by_its_marengo_model() -> None:
    models = [
        {"model_name": "pegasus1.2", "model_options": ["visual"]},
        {"model_name": "Marengo-retrieval-2.7", "model_options": ["audio"], "addons": ["thumbnail"]},
    ]
    raw = json.dumps({"_id": "ix1", "index_name": "news", "models": models, "expires_at": "2026-05-01T00:00:00Z"})

    assert listing_decoding.read_index(raw.encode(), INDEX) == Index(
        index_id="ix1", name="news", model="marengo2.7", model_options=("audio",), expires_at="2026-05-01T00:00:00Z"
    )


@pytest.mark.parametrize("models", [None, [], [{"model_name": "pegasus1.2"}], [{"model_name": None}]])
def test_an_index_without_a_marengo_model_is_known_as_such(models: object) -> None:
    raw = json.dumps({"_id": "ix1", "models": models}).encode()

    assert listing_decoding.read_index(raw, INDEX) == Index("ix1", "", None)


@pytest.mark.parametrize("data", [b"null", b"[]"])
def test_a_page_without_data_is_an_empty_page(data: bytes) -> None:
    page = listing_decoding.read_assets(
        b'{"data": ' + data + b', "page_info": {"total_page": 0, "total_results": 0}}', LISTING
    )

    assert differences(page, rows={}, total_pages=0, total_results=0) == {}


def test_a_page_without_page_info_says_nothing_about_the_whole() -> None:
    page = listing_decoding.read_assets(b'{"data": [{"_id": "a1"}, {"_id": "a1", "status": "ready"}]}', LISTING)

    assert {name: asset.status for name, asset in page.rows.items()} == {"a1": "ready"}
    assert (page.total_pages, page.total_results) == (None, None)


@pytest.mark.parametrize("item", ["{}", '{"_id": null}', '{"_id": ""}', '{"_id": 5}', '{"_id": ["x"]}', "null", "5"])
def test_a_row_without_an_id_is_a_row_of_its_own(item: str) -> None:
    """It gets a name that cannot be requested: retrieving it fails, and other rows are not hidden."""
    page = listing_decoding.read_assets(
        f'{{"data": [{{"_id": "a1"}}, {item}], "page_info": {{"total_results": 2}}}}'.encode(), LISTING
    )

    assert (len(page.rows), page.total_results) == (2, 2)
    odd = next(name for name in page.rows if name != "a1")
    assert odd.startswith("(no id) ")
    with pytest.raises(MalformedAsset, match="its id cannot be part of a URL path"):
        asset_path("ix1", odd)


@pytest.mark.parametrize("spoiled", ["", ', "status": 5'])
def test_an_id_that_is_too_long_is_a_row_of_its_own(spoiled: str) -> None:
    """It cannot be requested, and PostgreSQL cannot store it as a key: it must not fail together with others."""
    longest, longer = "x" * LONGEST_ID, "y" * (LONGEST_ID + 1)
    listed = f'[{{"_id": "{longest}"}}, {{"_id": "{longer}"{spoiled}}}, {{"_id": "{longer}z"}}]'
    page = listing_decoding.read_assets(f'{{"data": {listed}}}'.encode(), LISTING)

    first, *odd = page.rows
    assert first == longest
    assert asset_path("ix1", first).endswith(longest)
    assert [name.rpartition(" ")[0] for name in odd] == ["(id of 257 characters)", "(id of 258 characters)"]
    for name in odd:
        with pytest.raises(MalformedAsset, match="its id cannot be part of a URL path"):
            asset_path("ix1", name)


def test_the_name_for_an_id_that_is_too_long_stays() -> None:
    """Whatever else changes in its row."""
    rows = (f'{{"data": [{{"_id": "{"x" * 3000}", "updated_at": "{at}"}}]}}' for at in ("2026-01-01", "2026-01-02"))
    first, second = (listing_decoding.read_assets(row.encode(), LISTING).rows for row in rows)

    assert first.keys() == second.keys()


def test_an_index_whose_id_is_too_long_is_left_out() -> None:
    body = f'{{"data": [{{"_id": "{"x" * 3000}"}}, {{"_id": "ix1"}}], "page_info": {{"total_results": 2}}}}'.encode()
    page = listing_decoding.read_indexes(body, LISTING)

    assert (list(page.rows), page.total_results) == (["ix1"], 2)


def test_a_task_that_names_an_id_that_is_too_long_names_none() -> None:
    """Of an asset and of an index."""
    body = f'{{"index_id": "{"i" * 3000}", "video_id": "{"x" * 3000}"}}'.encode()

    assert listing_decoding.read_task(body, LISTING) == IndexingTask(None, None)


DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000


@pytest.mark.parametrize(
    ("item", "name"),
    [
        (rb'{"_id": "a2", "status": "ready", "system_metadata": {"filename": "x\ud800y.mp4"}}', "a2"),
        (rb'{"_id": "a2", "status": "ready", "x\udc00": 1}', "a2"),
        (rb'{"_id": "a\ud800", "status": "ready"}', r"a\ud800"),
        (b'{"_id": "a2", "status": "ready", "filename": "\xff"}', "a2"),
        (b'{"_id": "a\xed\xa0\x80", "status": "ready"}', r"a\xed\xa0\x80"),
        (b'{"_id": "a2", "status": "ready", "system_metadata": {"width": NaN}}', "a2"),
        (b'{"_id": "a2", "status": "ready", "system_metadata": {"width": -Infinity}}', "a2"),
        (b'{"_id": "a2", "status": "ready", "user_metadata": ' + DEEP + b"}", "a2"),
        (b'{"_id": "a2", "created_at": ' + DEEP + b', "status": "ready"}', "a2"),
    ],
)
def test_a_row_that_no_decoder_takes_does_not_hide_the_others(item: bytes, name: str) -> None:
    page = listing_decoding.read_assets(
        b'{"data": [{"_id": "a1"}, %b, {"_id": "a3"}], "page_info": {"total_page": 1}}' % item, LISTING
    )

    assert [(row.indexed_asset_id, row.status) for row in page.rows.values()] == [
        ("a1", "unknown"),
        (name, "ready"),
        ("a3", "unknown"),
    ]
    assert page.total_pages == 1


def test_a_row_that_no_decoder_takes_changes_no_other_row() -> None:
    """A page of good rows is decoded at once, any other one row by row."""
    full = {
        "status": "ready",
        "asset_id": "u1",
        "created_at": "2026-03-01T09:00:00Z",
        "updated_at": "2026-03-01T09:05:00Z",
        "indexed_at": "2026-03-01T09:05:00Z",
        "system_metadata": {"filename": "a.mp4", "duration": 6.5, "fps": 25, "width": 640, "height": 480.4, "size": 9},
    }
    rows = [{"_id": "a1", **full}, {"_id": "a2", "status": None}]
    good = listing_decoding.read_assets(json.dumps({"data": rows}).encode(), LISTING)
    mixed = listing_decoding.read_assets(json.dumps({"data": [*rows, {"_id": 5}]}).encode(), LISTING)

    assert list(good.rows) == ["a1", "a2"]
    assert list(mixed.rows.items())[:2] == list(good.rows.items())


def test_ids_that_differ_in_a_lone_surrogate_only_stay_different() -> None:
    page = listing_decoding.read_assets(rb'{"data": [{"_id": "a\ud800"}, {"_id": "a\ud801"}]}', LISTING)

    assert list(page.rows) == [r"a\ud800", r"a\ud801"]


def test_characters_beyond_the_basic_plane_stay_as_they_are() -> None:
    rows = rb'{"_id": "a1", "system_metadata": {"filename": "\ud83d\ude00"}}, {"_id": "\ud800"}'
    page = listing_decoding.read_assets(b'{"data": [%b]}' % rows, LISTING)

    assert page.rows["a1"].filename == "\N{GRINNING FACE}"


def test_the_name_of_an_index_may_be_anything() -> None:
    broken = rb'{"_id": "ix1", "index_name": "n\ud800", "models": [{"model_name": "marengo3.0"}]}'
    wrong = b'{"_id": null}, {"_id": "ix3", "models": 5}, {"_id": "ix4", "models": [{"model_options": [NaN]}]}'
    listed = listing_decoding.read_indexes(b'{"data": [{"_id": "ix2"}, %b, %b]}' % (broken, wrong), INDEX)

    assert listing_decoding.read_index(broken, INDEX).name == r"n\ud800"
    assert {name: index.model for name, index in listed.rows.items()} == {"ix2": None, "ix1": "marengo3.0"}


@pytest.mark.parametrize("page", [b"[" * 50_000, b'{"data": 5}', b'{"data": {}}', b"[]", b"5"])
def test_a_page_without_rows_is_no_empty_listing(page: bytes) -> None:
    with pytest.raises((SourceUnavailable, Unavailable), match="ix1"):
        listing_decoding.read_assets(page, LISTING)


@pytest.mark.parametrize(
    ("metadata", "what"),
    [(rb'{"k\ud800": 1}', "not valid Unicode"), (rb'{"k": "\udfff"}', "not valid Unicode"), (DEEP, "too deeply")],
)
def test_metadata_that_no_decoder_takes_is_wrong_content(metadata: bytes, what: str) -> None:
    with pytest.raises(MalformedAsset, match=what):
        read(b'{"_id": "a1", "user_metadata": %b}' % metadata)


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_cut_body_did_not_arrive(cut: int) -> None:
    """The request is retried, wherever the body was cut."""
    with pytest.raises(Unavailable):
        read(body(segment())[:-cut])


@pytest.mark.parametrize("facts", [{"fps": "fast"}, {"width": [640]}, "none", {"size": 10**400}])
def test_a_row_with_a_fact_of_the_wrong_type_does_not_hide_the_others(facts: object) -> None:
    """Only its id and status are used; the error is reported when it is retrieved."""
    rows = [{"_id": "a1", "status": "ready", "system_metadata": facts}, {"_id": "a2", "asset_id": "u2"}]
    page = listing_decoding.read_assets(json.dumps({"data": rows}).encode(), LISTING)

    assert page.rows == {"a1": IndexedAsset("a1", "ready"), "a2": IndexedAsset("a2", "unknown", "u2")}


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["_id", "status", "embedding", "user_metadata", "transcription", "system_metadata", "hls", "created_at"]
)
SEGMENT_FIELDS = st.sampled_from(list(segment()))


@settings(max_examples=max(200, settings().max_examples))
@given(
    fields=st.dictionaries(FIELDS, JSON),
    inner=st.dictionaries(SEGMENT_FIELDS, JSON),
    cut=st.sampled_from([0, 0, 3, 30]),
)
def test_any_body_ends_in_a_value_or_in_our_error(fields: dict[str, Any], inner: dict[str, Any], cut: int) -> None:
    """No exception of a library and no warning, whatever arrives."""
    segments = {"model_name": "marengo3.0", "video_embedding": {"segments": [segment(), segment() | inner]}}
    raw = json.dumps({"embedding": segments, **fields}).encode()
    with suppress(MalformedAsset, Unavailable):
        assert isinstance(read(raw[: len(raw) - cut]), RetrievedAsset)
