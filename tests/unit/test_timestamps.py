"""Source timestamps in every known format mean one moment."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain import timestamps

MOMENT = datetime(2026, 1, 14, 13, 34, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-14T13:34:29Z",
        "2026-01-14T13:34:29.000Z",
        "2026-01-14T13:34:29.5Z",
        "2026-01-14T13:34:29.123456Z",
        "0001-01-01T00:00:00Z",
    ],
)
def test_what_is_in_utc_stays_as_it_was_written(text: str) -> None:
    assert timestamps.rfc3339(text) == text


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("2026-01-14T15:34:29+02:00", "2026-01-14T13:34:29Z"),
        ("2026-01-14T05:04:29.25-08:30", "2026-01-14T13:34:29.250Z"),
        ("2026-01-14T13:34:29.000001+00:00", "2026-01-14T13:34:29.000001Z"),
        ("2026-01-14t13:34:29z", "2026-01-14T13:34:29Z"),
        ("2026-01-14T13:34:29", "2026-01-14T13:34:29Z"),
        ("2026-01-14 15:34:29+02:00", "2026-01-14T13:34:29Z"),
        ("2025-12-31T23:30:00-01:00", "2026-01-01T00:30:00Z"),
        ("2026-01-14T13:34:29.123456789Z", "2026-01-14T13:34:29.123456Z"),
        ("2026-01-14T13:34:29.5000000Z", "2026-01-14T13:34:29.500Z"),
        ("2026-01-14T13:34:29.Z", "2026-01-14T13:34:29Z"),
        ("2026-W01-1T00:00:00Z", "2025-12-29T00:00:00Z"),
        ("20260101T000000Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00.500Z"),
        ("2026-01-01T00:00Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00+00:00:30", "2025-12-31T23:59:30Z"),
    ],
)
def test_any_other_spelling_becomes_utc(text: str, normal: str) -> None:
    assert timestamps.rfc3339(text) == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-01-14",
        "20260114",
        "13:34:29Z",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-14T25:00:00Z",
        "1768397669",
        "2026-01-14T13:34:29Q",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "10000-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-01-14T13:34:29+99:00",
        "\N{FULLWIDTH DIGIT TWO}026-01-14T13:34:29Z",
        "2026-01-14T13:34:29Z\n",
        "2026-01-14T13:34:\ud800Z",
    ],
)
def test_what_is_no_date_and_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        timestamps.parse(text)


def test_epoch_seconds() -> None:
    assert timestamps.epoch("1970-01-01T00:00:00Z") == 0.0
    assert timestamps.epoch("2026-01-14T13:34:29.5Z") == MOMENT.timestamp() + 0.5


@given(st.datetimes(datetime(1970, 1, 2), datetime(9999, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001  zones are given apart
def test_the_zone_does_not_matter(moment: datetime, minutes: int) -> None:
    there = moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=minutes)))
    normal = timestamps.rfc3339(there.isoformat())
    assert normal.endswith("Z")
    assert timestamps.rfc3339(normal) == normal
    assert timestamps.parse(normal) == moment.replace(tzinfo=UTC)


@pytest.fixture
def far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's own time zone."""
    monkeypatch.setenv("TZ", "XXX-9")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("far_from_utc")
@pytest.mark.parametrize("text", ["2026-01-14T13:34:29", "2026-01-14T15:34:29+02:00"])
def test_the_time_zone_of_the_machine_does_not_matter(text: str) -> None:
    assert timestamps.rfc3339(text) == "2026-01-14T13:34:29Z"


@pytest.mark.parametrize("text", ["2026-01-14", "9999-12-31T23:59:59-01:00"])
def test_an_error_quotes_the_text(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        timestamps.rfc3339(text)


def test_a_time_is_written_in_utc_with_milliseconds() -> None:
    assert timestamps.text(MOMENT.timestamp()) == "2026-01-14T13:34:29.000Z"
    assert timestamps.text(0.25) == "1970-01-01T00:00:00.250Z"
