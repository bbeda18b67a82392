"""The filters of a search, and what is wrong with them."""

import math
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.errors import ConfigError
from connector.domain.search_scope import AllWords, AnyNumber, AnyOf, Condition, DateRange, NumberRange
from connector.search.payload_filters import KEYS, conditions_of, overlapping
from tests.e2e.pages import code, table

MARCH = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("filters", "condition"),
    [
        ({"filename": "a.mp4"}, AnyOf(("filename",), ("a.mp4",))),
        ({"filename": ["a.mp4", "b.mp4"]}, AnyOf(("filename",), ("a.mp4", "b.mp4"))),
        ({"category": "sports"}, AnyOf(("user_metadata", "category"), ("sports",))),
        ({"user_metadata.category": "sports"}, AnyOf(("user_metadata", "category"), ("sports",))),
        ({"a.b": "c"}, AnyOf(("user_metadata", "a.b"), ("c",))),
        ({"a[].b": "c"}, AnyOf(("user_metadata", "a[]", "b"), ("c",))),
        ({"user_metadata.a[].b c.d": "e"}, AnyOf(("user_metadata", "a[]", "b c", "d"), ("e",))),
        ({"a[]": "c"}, AnyOf(("user_metadata", "a[]"), ("c",))),
        ({"a[].": "c"}, AnyOf(("user_metadata", "a[]."), ("c",))),
        ({("camera", "model"): "x"}, AnyOf(("user_metadata", "camera", "model"), ("x",))),
        ({("user_metadata", "after"): "x"}, AnyOf(("user_metadata", "after"), ("x",))),
        ({"metadata.filename": "a.mp4"}, AnyOf(("filename",), ("a.mp4",))),
        ({"metadata.user_metadata.category": "sports"}, AnyOf(("user_metadata", "category"), ("sports",))),
        ({"metadata.end_offset_sec": {"gt": 3}}, NumberRange(("end_offset_sec",), gt=3.0)),
        ({"metadata.colour": "red"}, AnyOf(("user_metadata", "metadata.colour"), ("red",))),
        ({("metadata", "filename"): "x"}, AnyOf(("user_metadata", "metadata", "filename"), ("x",))),
        ({"document": "a.mp4 0:00"}, AnyOf(("document",), ("a.mp4 0:00",))),
        ({"user_metadata.document": "x"}, AnyOf(("user_metadata", "document"), ("x",))),
        ({"licensed": True}, AnyOf(("user_metadata", "licensed"), (True,))),
        ({"season": 2026}, AnyNumber(("user_metadata", "season"), (2026.0,))),
        ({"season": (2025, 2026.5)}, AnyNumber(("user_metadata", "season"), (2025.0, 2026.5))),
        ({"batch": {"gte": 3}}, NumberRange(("user_metadata", "batch"), gte=3.0)),
        ({"fps": {"gt": 24, "lte": 60}}, NumberRange(("fps",), gt=24.0, lte=60.0)),
        ({"season": np.int64(2026)}, AnyNumber(("user_metadata", "season"), (2026.0,))),
        ({"rating": {"gt": np.float32(0.5)}}, NumberRange(("user_metadata", "rating"), gt=0.5)),
        ({"width": 1920}, AnyNumber(("width",), (1920.0,))),
        ({"transcript": " net nil "}, AllWords(("transcript",), "net nil")),
        ({"after": "2026-03-01"}, DateRange(("created_at",), gte=MARCH)),
        ({"before": MARCH}, DateRange(("created_at",), lt=MARCH)),
        ({"created_at": {"gt": date(2026, 3, 1)}}, DateRange(("created_at",), gt=MARCH)),
        ({"indexed_at": "2026-03-01T00:00:00Z"}, DateRange(("indexed_at",), gte=MARCH, lte=MARCH)),
        ({"shot_on": {"lt": "2026-03-01"}}, DateRange(("user_metadata", "shot_on"), lt=MARCH)),
        (
            {"after": datetime(2026, 3, 1, 2, tzinfo=timezone(timedelta(hours=2)))},
            DateRange(("created_at",), gte=MARCH),
        ),
    ],
)
def test_a_filter_is_a_condition(filters: dict[Any, Any], condition: Condition) -> None:
    assert conditions_of(filters) == (condition,)


def test_all_filters_must_hold() -> None:
    assert len(conditions_of({"category": "sports", "season": 2026, "after": "2026-01-01"})) == 3
    assert conditions_of(None) == conditions_of({}) == ()


@pytest.mark.parametrize(
    ("filters", "says"),
    [
        ("category=sports", "not a mapping"),
        ([("category", "sports")], "not a mapping"),
        ({"": "x"}, "not a key"),
        ({(): "x"}, "not a key"),
        ({3: "x"}, "not a key"),
        ({("a", 3): "x"}, "not a key"),
        ({'a"b': "x"}, "quotation mark"),
        ({"user_metadata": {"category": "sports"}}, "Filter by one of its keys"),
        ({"metadata": {"filename": "a.mp4"}}, "Filter by one of its keys"),
        ({"filename": 3}, "3 is not text"),
        ({"filename": None}, "None is not text"),
        ({"filename": True}, "True is not text"),
        ({"filename": {"gte": 3}}, "it is text, which has no range"),
        ({"filename": []}, "its list is empty"),
        ({"category": None}, "None is not text"),
        ({"category": ["a", None]}, "None is not text"),
        ({"category": [["a"]]}, "is not text"),
        ({"category": "\ud800"}, "not valid Unicode"),
        ({"\ud800": "x"}, "not valid Unicode"),
        ({"season": math.nan}, "not a finite number"),
        ({"season": 10**400}, "not a finite number"),
        ({"width": "wide"}, "'wide' is not a finite number"),
        ({"width": np.nan}, "not a finite number"),
        ({"width": np.array([1, 2])}, "not a finite number"),
        ({"width": True}, "True is not a finite number"),
        ({"batch": {}}, "its range has nothing"),
        ({"batch": {"from": 3}}, "its range has from"),
        ({"batch": {"gte": math.inf}}, "not a finite number"),
        ({"batch": {"gte": 3, "lt": "2026-01-01"}}, "not a finite number"),
        ({"batch": {"gte": 5, "lte": 3}}, "its range is inverted: 5.0 is above 3.0"),
        ({"transcript": "  "}, "it has no words"),
        ({"transcript": 3}, "3 is not text"),
        ({"after": "yesterday"}, "'yesterday' is not a date"),
        ({"after": 1772323200}, "is not a date"),
        ({"created_at": ["2026-01-01"]}, "is not a date"),
        ({"created_at": {"gte": "2027-01-01", "lt": "2026-01-01"}}, "inverted"),
        ({"created_at": {"since": "2027-01-01"}}, "is not a range"),
    ],
)
def test_a_mistake_is_named(filters: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=r"^search ") as raised:
        conditions_of(filters)

    assert says in str(raised.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["gte", "lt", "x"]), inner, max_size=2),
    max_leaves=3,
)


@given(st.dictionaries(st.text() | st.sampled_from(sorted(KEYS)) | st.tuples(st.text()), VALUES, max_size=2))
def test_any_filters_become_conditions_or_a_named_mistake(filters: dict[Any, Any]) -> None:
    try:
        found = conditions_of(filters)
    except ConfigError:
        return
    assert len(found) == len(filters)


def test_a_time_range_finds_what_overlaps_it() -> None:
    start, end = NumberRange(("start_offset_sec",), lt=20.0), NumberRange(("end_offset_sec",), gt=10.0)

    assert overlapping((10, 20)) == overlapping([10.0, 20.0]) == (start, end)
    assert overlapping(None) == ()


@pytest.mark.parametrize(
    "time_range", [(20, 10), (10, 10), (-1, 5), (0, math.nan), (0, math.inf), (1,), 5, "12", (0, "9")]
)
def test_a_time_range_that_is_none_is_refused(time_range: Any) -> None:
    with pytest.raises(ConfigError, match=r"^search time_range"):
        overlapping(time_range)


def test_every_documented_payload_key_can_be_filtered_by() -> None:
    documented = {code(key)[0] for key, *_ in table("docs/payload.md", "Payload")}
    derived = {code(key)[0] for key, *_ in table("docs/payload.md", "Keys for frameworks")}

    assert (documented | derived) - {"user_metadata", "metadata"} == KEYS
