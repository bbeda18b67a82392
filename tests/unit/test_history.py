"""What the recent past says: the rate, and the worst lag of the last hour."""

import pytest

from connector.domain.history import (
    KEPT_PROBLEMS,
    Minute,
    PastCycle,
    assets_per_minute,
    counted,
    last_decided,
    last_lag,
    shortened,
    worst_lag,
)
from connector.domain.report import CycleKind, Outcome, Result

NOW = 6000.0  # the 100th minute begins


def test_a_result_is_counted_with_its_points_and_its_lag() -> None:
    minute = counted(Minute(7), Result("a", Outcome.APPLIED, points=3, lag_sec=2.0))
    minute = counted(minute, Result("b", Outcome.APPLIED, points=4, lag_sec=1.0))
    minute = counted(minute, Result("c", Outcome.UNCHANGED))
    assert minute == Minute(7, assets=3, points=7, lags=2, lag_sum=3.0, lag_max=2.0)


def test_the_history_names_the_first_problems_of_a_cycle() -> None:
    report = {"listed": 9, "problems": list(range(KEPT_PROBLEMS + 1))}
    assert shortened(report) == {"listed": 9, "problems": list(range(KEPT_PROBLEMS))}


def test_the_history_names_withheld_deletes_first() -> None:
    failed = [{"indexed_asset_id": f"f{number}", "state": "failed"} for number in range(KEPT_PROBLEMS)]
    withheld = {"indexed_asset_id": "w", "state": "withheld"}
    assert shortened({"problems": [*failed, withheld]}) == {"problems": [withheld, *failed[:-1]]}


def cycle(kind: str, **report: object) -> PastCycle:
    return PastCycle(kind, 1.0, report)


LISTED = cycle(CycleKind.FULL, complete=True, interrupted=True)
UNPROVEN = cycle(CycleKind.SYNC, complete=False, withheld=3)


@pytest.mark.parametrize(
    ("past", "decided"),
    [
        ([], None),
        ([cycle(CycleKind.RESUMED, complete=True), LISTED, UNPROVEN], LISTED),
        ([cycle(CycleKind.FULL, complete=False, withheld=0), UNPROVEN, LISTED], UNPROVEN),
        ([cycle(CycleKind.FULL), cycle(CycleKind.POLL, complete=True, withheld=1)], None),
    ],
)
def test_a_listing_decides_which_deletes_are_withheld(past: list[PastCycle], decided: PastCycle | None) -> None:
    assert last_decided(past) is decided


@pytest.mark.parametrize(
    ("minutes", "now", "rate"),
    [
        ([], NOW, 0.0),
        ([Minute(100, assets=5)], NOW, 5.0),
        ([Minute(100, assets=5)], NOW + 30, 5.0),
        ([Minute(99, assets=6), Minute(100, assets=3)], NOW + 30, 6.0),
        ([Minute(91, assets=90)], NOW, 10.0),
        ([Minute(90, assets=90)], NOW, 0.0),
        ([Minute(101, assets=90)], NOW, 0.0),
    ],
)
def test_the_rate_is_that_of_the_last_ten_minutes(minutes: list[Minute], now: float, rate: float) -> None:
    assert assets_per_minute(minutes, now) == rate


@pytest.mark.parametrize(
    ("minutes", "worst"),
    [
        ([], None),
        ([Minute(100, assets=1)], None),
        ([Minute(41, lags=1, lag_max=9.0), Minute(100, lags=2, lag_max=4.0)], 9.0),
        ([Minute(40, lags=1, lag_max=9.0), Minute(100, lags=2, lag_max=0.0)], 0.0),
        ([Minute(101, lags=1, lag_max=9.0)], None),
    ],
)
def test_the_worst_lag_is_that_of_the_last_hour(minutes: list[Minute], worst: float | None) -> None:
    assert worst_lag(minutes, NOW) == worst


@pytest.mark.parametrize(
    ("minutes", "lag"),
    [
        ([], None),
        ([Minute(100, assets=3)], None),
        ([Minute(98, lags=1, lag_sum=9.0), Minute(99, lags=2, lag_sum=3.0), Minute(100, assets=1)], 1.5),
        ([Minute(97, lags=1, lag_sum=9.0), Minute(98, lags=5, lag_sum=8.0), Minute(99, lags=3, lag_sum=2.0)], 0.667),
    ],
)
def test_the_lag_is_that_of_the_last_minute_in_which_an_asset_became_current(
    minutes: list[Minute], lag: float | None
) -> None:
    assert last_lag(minutes) == lag
