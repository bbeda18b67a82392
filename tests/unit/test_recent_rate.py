"""The remaining time follows what was done lately, not the average since the start."""

import pytest

from connector.cli.recent_rate import WINDOW_SEC, RecentRate


class Times:
    """A clock that only the test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def rate(times: Times) -> RecentRate:
    return RecentRate(times)


def work(rate: RecentRate, times: Times, seconds: int, assets_per_sec: int) -> None:
    for _ in range(seconds):
        times.now += 1
        rate.add(assets_per_sec, 10 * assets_per_sec)


def test_at_first_the_whole_time_counts(rate: RecentRate, times: Times) -> None:
    work(rate, times, 10, 4)

    assert rate.seconds_for(100) == pytest.approx(25)
    assert rate.points_per_sec == pytest.approx(40)


def test_a_fast_start_is_forgotten(rate: RecentRate, times: Times) -> None:
    work(rate, times, 60, 50)
    work(rate, times, int(WINDOW_SEC), 1)

    assert rate.seconds_for(100) == pytest.approx(100)
    assert rate.points_per_sec == pytest.approx(10)


def test_while_nothing_is_done_the_remaining_time_grows_and_is_then_unknown(rate: RecentRate, times: Times) -> None:
    work(rate, times, 60, 2)
    times.now += WINDOW_SEC / 2
    slower = rate.seconds_for(100)
    times.now += WINDOW_SEC

    assert slower == pytest.approx(100, rel=0.05)
    assert (rate.seconds_for(100), rate.points_per_sec) == (None, 0.0)


def test_the_first_asset_of_all_is_no_rate_of_a_million(rate: RecentRate, times: Times) -> None:
    times.now += 0.001
    rate.add(1, 10)

    assert rate.seconds_for(100) == pytest.approx(100)


def test_nothing_done_yet(rate: RecentRate) -> None:
    assert (rate.seconds_for(5), rate.points_per_sec) == (None, 0.0)
