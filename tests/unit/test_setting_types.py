"""The format of single settings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.server_url import server_url
from connector.settings.ranges import duration
from connector.settings.setting_types import metadata_indexes, words


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30.0),
        ("5m", 300.0),
        ("24h", 86_400.0),
        ("30d", 2_592_000.0),
        ("90", 90.0),
        (90, 90.0),
        (0.5, 0.5),
        ("1.5H", 5400.0),
        (" 2 m ", 120.0),
    ],
)
def test_durations(text: object, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "-5m", "5 minutes", "1h30m", "1,5h", ".5s", "s", None, [], True])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        duration(text)


@given(st.integers(1, 10**6), st.sampled_from([("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)]))
def test_a_duration_is_number_times_unit(number: int, unit: tuple[str, int]) -> None:
    assert duration(f"{number}{unit[0]}") == number * unit[1]


@given(st.lists(st.text(st.characters(exclude_characters=",")).map(str.strip).filter(bool)))
def test_a_list_is_the_same_with_commas_and_as_a_list(items: list[str]) -> None:
    assert words(",".join(items)) == words(items) == tuple(dict.fromkeys(items))


def test_a_metadata_key_may_hold_a_colon() -> None:
    assert metadata_indexes("a:b:keyword") == {"a:b": "keyword"}


@pytest.mark.parametrize("kind", ["keyword", "integer", "float", "bool", "datetime", "text", "uuid"])
def test_types_of_metadata_indexes(kind: str) -> None:
    assert metadata_indexes({"key": kind}) == metadata_indexes(f"key:{kind}") == {"key": kind}


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://127.0.0.1:6333", "http://127.0.0.1:6333"),
        ("https://host/path/", "https://host/path"),
        (" http://[::1]:6333 ", "http://[::1]:6333"),
    ],
)
def test_addresses(text: str, address: str) -> None:
    assert server_url(text) == address
