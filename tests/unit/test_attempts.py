"""The result of a failed attempt: a reason, a code, and the time of the retry."""

import pytest

from connector.domain.attempts import counted, deferred, failed
from connector.domain.errors import MalformedAsset, RateLimited, Unavailable
from tests.builders import attempt

HOUR = 3600.0
BROKEN = MalformedAsset("read", "asset-1", "a zero vector", "Re-index it")
DOWN = Unavailable("read", "asset-1", "time-out", side="source")


def limited(retry_after: float | None) -> RateLimited:
    return RateLimited("read", "asset-1", "429", side="source", retry_after=retry_after)


@pytest.mark.parametrize(
    ("attempts", "wait"),
    [(1, 60.0), (2, 120.0), (3, 240.0), (9, 256 * 60.0), (10, 6 * HOUR), (50, 6 * HOUR), (5000, 6 * HOUR)],
)
def test_the_wait_doubles_from_a_minute_to_six_hours(attempts: int, wait: float) -> None:
    assert failed(attempt(attempts=attempts), BROKEN, now=1000.0).due == 1000.0 + wait


def test_attempts_at_one_fingerprint_are_counted() -> None:
    assert counted(None, "print", 10.0) == attempt("print", 1, since=10.0)
    assert counted(attempt("print", 1, since=10.0, reason="broken", due=99.0), "print", 20.0) == attempt(
        "print", 2, since=10.0
    )
    assert counted(attempt("print", 2, since=10.0), "print", 5.0) == attempt("print", 3, since=5.0)
    assert counted(attempt("print", 2, since=10.0), "other", 20.0) == attempt("other", 1, since=20.0)


def test_a_failure_uses_the_attempt_up_and_says_why() -> None:
    left = failed(attempt("print", 2, since=5.0), BROKEN, now=1000.0)
    expected = attempt("print", 2, since=5.0, reason=str(BROKEN), code="malformed_asset", due=1120.0, tried_at=1000.0)
    assert left == expected


def test_a_deferral_gives_the_attempt_back_and_says_why() -> None:
    left = deferred(attempt("print", 2, since=990.0), DOWN, now=1000.0)
    reason = str(DOWN)
    assert left == attempt("print", 1, since=990.0, reason=reason, code="unavailable", due=1010.0, tried_at=1000.0)


@pytest.mark.parametrize(
    ("age", "wait"), [(0.0, 5.0), (4.0, 5.0), (60.0, 60.0), (900.0, 900.0), (86_400.0, 900.0), (-50.0, 5.0)]
)
def test_a_deferral_waits_as_long_as_it_has_lasted(age: float, wait: float) -> None:
    """Between 5 seconds and 15 minutes, even if the clock was set back."""
    assert deferred(attempt(since=1000.0 - age), DOWN, now=1000.0).due == 1000.0 + wait


@pytest.mark.parametrize(("retry_after", "wait"), [(None, 60.0), (30.0, 60.0), (3000.0, 3000.0)])
def test_a_rate_limit_is_waited_for(retry_after: float | None, wait: float) -> None:
    assert deferred(attempt(since=940.0), limited(retry_after), now=1000.0).due == 1000.0 + wait


def test_attempts_never_fall_below_none() -> None:
    assert deferred(attempt(attempts=0), DOWN, now=0.0).attempts == 0


def test_a_deferral_at_once_waits_for_nothing_but_a_rate_limit() -> None:
    before = attempt(since=940.0)

    assert deferred(before, DOWN, now=1000.0, at_once=True).due == 1000.0
    assert deferred(before, limited(30.0), now=1000.0, at_once=True).due == 1030.0
