"""The last hours in buckets, and the rate of now."""

from itertools import pairwise

import pytest

from connector.domain.history import Minute
from connector.web.pages.courses import Hour, course, first_minute, segments_per_second

NOW = 1_800_000_000.0  # a full minute, and the beginning of a bucket
MINUTE = int(NOW // 60)


def test_six_hours_in_buckets_of_five_minutes() -> None:
    found = course([], NOW)

    assert len(found.at) == 72
    assert (found.at[0], found.at[-1]) == (first_minute(NOW) * 60, NOW)
    assert {b - a for a, b in pairwise(found.at)} == {300}
    assert (set(found.mean_lags), set(found.worst_lags)) == ({None}, {None})
    assert (found.has_lags, found.hours) == (False, ())


def test_a_bucket_sums_its_minutes() -> None:
    first = MINUTE - 10
    minutes = [
        Minute(first, assets=2, points=100, lags=2, lag_sum=3.0, lag_max=2.5),
        Minute(first + 4, assets=1, points=50, lags=1, lag_sum=6.0, lag_max=6.0),
        Minute(first + 5, assets=1, points=30),
    ]
    found = course(minutes, NOW)

    assert (found.mean_lags[-3], found.worst_lags[-3]) == (3.0, 6.0)
    assert (found.mean_lags[-2], found.worst_lags[-2]) == (None, None)
    assert found.has_lags


def test_the_hours_in_which_something_was_done() -> None:
    first = first_minute(NOW)
    minutes = [
        Minute(first, points=3600, lags=1, lag_sum=2.0, lag_max=2.0),
        Minute(first + 59, points=3600, lags=1, lag_sum=4.0, lag_max=4.0),
        Minute(first + 120, points=720),
    ]

    assert course(minutes, NOW).hours == (
        Hour((first + 120) * 60, None, None, 0.2),
        Hour(first * 60, 3.0, 4.0, 2.0),
    )


@pytest.mark.parametrize(("after", "rate"), [(0, 10.0), (59, 10.0), (60, 9.82), (239, 9.49)])
def test_the_last_hour_is_measured_by_the_minutes_that_have_begun(after: float, rate: float) -> None:
    """Of the last hour, 56 minutes have begun when its last bucket begins."""
    assert course([Minute(MINUTE, points=33_600)], NOW + after).hours[0].rate == rate


def test_minutes_outside_do_not_count() -> None:
    found = course([Minute(first_minute(NOW) - 1, points=9), Minute(MINUTE + 5, points=9)], NOW)

    assert found.hours == ()


@pytest.mark.parametrize(
    ("minutes", "after", "rate"),
    [
        ([], 0, 0.0),
        ([Minute(MINUTE, points=300)], 10, 20.0),
        ([Minute(MINUTE, points=300)], 60, 5.0),
        ([Minute(MINUTE - 1, points=300), Minute(MINUTE, points=300)], 60, 5.0),
        ([Minute(MINUTE - 4, points=300)], 0, 1.2),
        ([Minute(MINUTE - 5, points=300)], 0, 0.0),
        ([Minute(MINUTE + 1, points=300)], 0, 0.0),
        ([Minute(MINUTE, assets=5)], 0, 0.0),
    ],
)
def test_the_rate_of_now(minutes: list[Minute], after: float, rate: float) -> None:
    assert segments_per_second(minutes, NOW + after) == rate
