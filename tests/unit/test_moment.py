"""Moments in addresses: what is valid, and that a link names the moment it was made for."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.web.pages.links import named_by
from connector.web.pages.moment import ANCHOR, TimeRange, moment_url, position, read_moment, time_range

IDS = st.text(min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("query", "moment"),
    [
        ({}, None),
        ({"from": "12.5", "to": "18"}, TimeRange(12.5, 18.0)),
        ({"from": "0", "to": "0"}, TimeRange(0.0, 0.0)),
        ({"from": "7"}, TimeRange(7.0, 7.0)),
        ({"from": "1e3", "to": "1000000000"}, TimeRange(1000.0, 1e9)),
        ({"page": "x"}, None),
    ],
)
def test_a_moment_is_read(query: dict[str, str], moment: TimeRange | None) -> None:
    assert read_moment(query) == moment


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "nan", "inf", "-inf", "1000000001", "1,5", "0x10", "12:30", "9" * 5000]
)
@pytest.mark.parametrize("name", ["from", "to"])
def test_a_moment_that_is_none_is_refused(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is not a number of seconds from 0 to 1000000000"):
        read_moment({"from": "0", name: text})


def test_an_end_needs_a_beginning_before_it() -> None:
    with pytest.raises(ValueError, match="to needs from"):
        read_moment({"to": "5"})
    with pytest.raises(ValueError, match="to is before from"):
        read_moment({"from": "6", "to": "5"})


@given(IDS, IDS, st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_link_names_its_asset_and_its_moment(index_id: str, asset_id: str, one: int, other: int) -> None:
    start, end = (it / 1000 for it in sorted((one, other)))
    found = moment_url(index_id, asset_id, start, end)
    assert found is not None
    address = urlsplit(found)

    query = {key: value for key, (value,) in parse_qs(address.query).items()}
    assert read_moment(query) == TimeRange(start, end)
    assert address.fragment == ANCHOR
    _, first, index, second, asset = address.path.split("/")
    assert (first, second) == ("indexes", "assets")
    assert named_by(named_by(index)) == index_id
    assert named_by(named_by(asset)) == asset_id


def test_ids_that_are_too_long_for_an_address_have_no_link() -> None:
    assert moment_url("index", "a" * 10_000, 0, 1) is None


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0:00.0"),
        (5.25, "0:05.2"),
        (59.96, "1:00.0"),
        (65, "1:05.0"),
        (3600, "1:00:00.0"),
        (3725.5, "1:02:05.5"),
        (36_000, "10:00:00.0"),
    ],
)
def test_a_position_is_shown_to_the_tenth(seconds: float, shown: str) -> None:
    assert position(seconds) == shown


def test_a_range_is_from_one_to_another() -> None:
    assert time_range(0, 6.5) == "0:00.0 \N{EN DASH} 0:06.5"
