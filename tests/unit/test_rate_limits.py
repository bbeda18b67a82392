"""Limits that hold whenever callers arrive, on a clock that only `sleep` advances."""

import asyncio
import math
from collections import Counter

from hypothesis import example, given
from hypothesis import strategies as st

from connector.twelvelabs.rate_headers import Quota
from connector.twelvelabs.rate_limiter import LATE_SEC, Limiter
from tests.fakes.clock import FakeTime

ENDLESS = 1e9
TURN = (60.0 + LATE_SEC) / 60
"""Seconds between two requests at 60 a minute."""


@given(rate=st.integers(1, 600), gaps=st.lists(st.floats(0, 30), min_size=2, max_size=60))
def test_no_minute_has_more_requests_than_the_ceiling(rate: int, gaps: list[float]) -> None:
    """Whenever callers arrive, any 60 seconds have at most `rate` requests."""

    async def run() -> list[float]:
        time = FakeTime(now=0.0)
        limiter = Limiter(rate, time.clock)
        sent = []
        for gap in gaps:
            time.now += gap
            assert await limiter.turn(ENDLESS) == 0.0
            sent.append(time.now)
        return sent

    sent = asyncio.run(run())
    for start in sent:
        assert len([moment for moment in sent if start <= moment < start + 60 - 1e-6]) <= rate


@given(rate=st.integers(60, 3000), late=st.lists(st.floats(0, 0.15), min_size=2, max_size=300))
@example(rate=60, late=[LATE_SEC, LATE_SEC])
def test_requests_that_are_sent_late_do_not_add_up(rate: int, late: list[float]) -> None:
    """Under load the program wakes up late. It uses the ceiling all the same, and never exceeds it in any minute."""

    async def run() -> list[float]:
        time, lateness = FakeTime(now=0.0), iter(late)
        limiter = Limiter(rate, time.clock)

        def wake_up_late() -> None:
            time.now += next(lateness, 0.0)

        time.on_sleep = wake_up_late
        sent = []
        for _ in range(len(late) * 2):
            await limiter.turn(ENDLESS)
            sent.append(time.now)
        return sent

    sent = asyncio.run(run())
    for start in sent:
        assert len([moment for moment in sent if start <= moment < start + 60 - 1e-6]) <= rate
    if max(late) <= LATE_SEC:
        assert sent[-1] <= (len(sent) - 1) * (60 + LATE_SEC) / rate + LATE_SEC + 1e-6


@given(offset=st.floats(0, 10), late=st.floats(0, 0.05))
def test_a_ceiling_that_is_the_source_s_own_limit_is_used(offset: float, late: float) -> None:
    """Near the end of each window few requests are left, but the ceiling spreads them already.

    The source tells the end of the window in whole seconds, rounded up. So the last request of a window may wait up to
    a second too long, and no other one.
    """
    per_window, window_sec = 100, 10.0

    async def run() -> float:
        time, sent = FakeTime(now=offset), Counter[int]()
        limiter = Limiter(per_window * 60 / window_sec, time.clock)

        def wake_up_late() -> None:
            time.now += late

        time.on_sleep = wake_up_late
        for _ in range(6 * per_window):
            assert await limiter.turn(ENDLESS) == 0.0
            window = int(time.now // window_sec)
            sent[window] += 1
            limiter.learn(Quota(per_window - sent[window], math.ceil((window + 1) * window_sec - time.now), per_window))
        assert max(sent.values()) <= per_window
        return time.now - offset

    assert asyncio.run(run()) <= 6 * window_sec / 0.95
