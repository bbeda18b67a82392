"""How often the overview reads the ledger for those who look at it."""

import pytest

from connector.web.pages.live_overview import BEAT_SEC, LiveOverview
from tests.contract.page_site import PageSite


class SlowClock:
    """Each look takes `took` seconds: the clock is read at its begin and at its end."""

    def __init__(self, took: float) -> None:
        self.now, self.took = 0.0, took
        self.reading = False

    def __call__(self) -> float:
        if self.reading:
            self.now += self.took
        return self.now


@pytest.mark.parametrize(("took", "after"), [(0.01, 1.0), (0.1, 2.0), (1.0, BEAT_SEC), (4.0, BEAT_SEC)])
async def test_a_slow_ledger_is_read_less_often_but_never_shown_for_long(took: float, after: float) -> None:
    """On a busy machine, or just after the start, one slow look must not freeze the page."""
    place, clock = PageSite(), SlowClock(took)
    async with place.http:
        live = LiveOverview(place.site, clock)
        clock.reading = True
        first = await live.current()
        clock.reading = False
        began = clock.now - took

        clock.now = began + after - 0.001
        early = await live.current()
        clock.now = began + after
        later = await live.current()

    assert early is first
    assert later is not first
