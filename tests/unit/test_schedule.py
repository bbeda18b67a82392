"""The schedule pokes on time, whatever happens to the wall clock, and does nothing else."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from connector.daemon.schedule import BEAT_SEC, LATE_SEC, Schedule

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)  # a Sunday
HOUR, DAY = 3600.0, 86_400.0
STEPS = [-10 * 365 * DAY, -DAY, -HOUR, -90.0, 90.0, HOUR, DAY, 10 * 365 * DAY]


class Enough(Exception):
    """The time limit of the test is reached."""


@dataclass
class Time:
    """Advances only while the schedule sleeps. `stepped` is how far the wall clock was set."""

    now: float = 1000.0
    until: float = 1000.0
    stepped: float = 0.0
    chance: float = 0.0
    schedule: Schedule = field(init=False)
    pokes: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.schedule = Schedule(lambda: self.now, self.wall, self.sleep, lambda: self.chance)

    def wall(self) -> float:
        return NOON.timestamp() + self.now - 1000.0 + self.stepped

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.now >= self.until:
            raise Enough

    async def passes(self, seconds: float) -> None:
        self.until = self.now + seconds
        with suppress(Enough):
            await self.schedule.run()

    def poke(self, name: str) -> Callable[[], None]:
        """Records when it was poked, in seconds since the start."""
        return lambda: self.pokes.setdefault(name, []).append(self.now - 1000.0)

    def every(self, name: str, seconds: float) -> None:
        self.schedule.every(name, seconds, self.poke(name))

    def cron(self, name: str, expression: str) -> None:
        self.schedule.cron(name, expression, self.poke(name))


@pytest.fixture
def time() -> Time:
    return Time()


async def test_it_pokes_again_and_again(time: Time) -> None:
    time.every("poll a", 60.0)

    await time.passes(200.0)

    assert time.pokes == {"poll a": [60.0, 120.0, 180.0]}


async def test_short_intervals_are_kept_too(time: Time) -> None:
    time.every("poll a", 0.25)

    await time.passes(1.1)

    assert time.pokes == {"poll a": [0.25, 0.5, 0.75, 1.0]}


async def test_what_is_added_later_is_poked_as_well(time: Time) -> None:
    time.every("full a", HOUR)
    await time.passes(10.0)

    time.every("poll b", 5.0)
    await time.passes(8.0)

    assert time.pokes == {"poll b": [15.0]}


async def test_jobs_do_not_wait_for_each_other(time: Time) -> None:
    time.every("poll a", 20.0)
    time.every("full a", 30.0)

    await time.passes(65.0)

    assert time.pokes == {"poll a": [20.0, 40.0, 60.0], "full a": [30.0, 60.0]}


async def test_a_poke_that_raises_is_poked_again(time: Time) -> None:
    def crash() -> None:
        time.poke("poll a")()
        raise ZeroDivisionError

    time.schedule.every("poll a", 10.0, crash)
    time.every("poll b", 10.0)

    await time.passes(25.0)

    assert time.pokes == {"poll a": [10.0, 20.0], "poll b": [10.0, 20.0]}


async def test_a_stopped_schedule_pokes_no_more(time: Time) -> None:
    time.every("poll a", 10.0)
    time.schedule.stop()

    await time.passes(100.0)

    assert time.pokes == {}


async def test_a_forgotten_job_is_poked_no_more(time: Time) -> None:
    time.every("poll a", 10.0)
    time.cron("full a", "* * * * *")
    time.every("poll b", 40.0)
    for name in ("poll a", "full a", "unknown"):
        time.schedule.forget(name)

    await time.passes(90.0)

    assert time.pokes == {"poll b": [40.0, 80.0]}


async def test_the_same_name_replaces(time: Time) -> None:
    time.every("poll a", 10.0)
    time.every("poll a", 40.0)

    await time.passes(50.0)

    assert time.pokes == {"poll a": [40.0]}


async def test_missed_runs_are_made_up_for_once(time: Time) -> None:
    """The event loop was blocked for an hour."""
    time.every("poll a", 60.0)
    time.cron("full a", "*/10 * * * *")
    time.now += HOUR

    await time.passes(30.0)

    assert time.pokes == {"poll a": [HOUR], "full a": [HOUR]}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("seconds", [60.0, HOUR])
async def test_an_interval_survives_every_step_of_the_wall_clock(time: Time, seconds: float, step: float) -> None:
    """A poke may be early, but never late, not even when the clock is corrected again."""
    time.every("poll a", seconds)
    await time.passes(1.5 * seconds)
    time.stepped = step
    await time.passes(2 * seconds)
    time.stepped = 0.0
    await time.passes(2 * seconds)

    pokes = time.pokes["poll a"]
    assert max(after - before for before, after in pairwise(pokes)) <= seconds
    assert time.now - 1000.0 - pokes[-1] <= seconds
    assert len(pokes) <= 7


async def test_a_suspended_machine_makes_up_for_what_it_missed(time: Time) -> None:
    """Its monotonic clock stood still in the meantime."""
    time.every("full a", 24 * HOUR)
    await time.passes(HOUR)
    time.stepped = 25 * HOUR
    await time.passes(2 * BEAT_SEC)

    assert time.pokes == {"full a": [HOUR]}


async def test_a_slow_drift_of_the_clock_is_no_step(time: Time) -> None:
    time.every("full a", HOUR)
    for _ in range(100):
        time.stepped += 0.5
        await time.passes(10.0)

    assert time.pokes == {}


@pytest.mark.parametrize(("seconds", "jitter"), [(1.0, 0.1), (60.0, 6.0), (600.0, 60.0), (DAY, 60.0)])
async def test_runs_are_late_by_a_tenth_or_a_minute_at_most(time: Time, seconds: float, jitter: float) -> None:
    """So that many daemons, or many indexes of one, do not poll at the same time."""
    time.chance = 0.5
    time.every("poll a", seconds)

    await time.passes(seconds + jitter)

    assert time.pokes == {"poll a": [pytest.approx(seconds + jitter / 2)]}


async def test_a_cron_expression_is_read_as_cron_reads_it(time: Time) -> None:
    """Five past one, on Sundays in UTC, to the second: a cron time is exact."""
    time.cron("full a", "5 13 * * 0")
    time.cron("full b", "5 13 * * 1")

    await time.passes(2 * HOUR)

    assert time.pokes == {"full a": [HOUR + 300.0]}


@pytest.mark.parametrize("step", STEPS)
async def test_a_cron_expression_follows_the_wall_clock(time: Time, step: float) -> None:
    """After a step in either direction, it fires at the next matching time of the new clock, once each time."""
    time.cron("full a", "5 * * * *")
    await time.passes(60.0)
    time.stepped = step
    await time.passes(2 * HOUR)

    moments = [NOON + timedelta(seconds=poke + step) for poke in time.pokes["full a"] if poke > 65.0]
    assert [moment.strftime("%M:%S") for moment in moments] == ["05:00"] * 2


async def test_a_cron_moment_that_a_step_jumps_over_is_made_up_for(time: Time) -> None:
    time.cron("full a", "0 13 * * *")
    await time.passes(60.0)
    time.stepped = 2 * HOUR
    await time.passes(60.0)

    assert time.pokes == {"full a": [60.0]}


async def test_it_tells_how_long_until_each_job(time: Time) -> None:
    time.every("poll a", 60.0)
    time.cron("full a", "5 13 * * 0")
    await time.passes(10.0)

    assert time.schedule.due_in("poll a") == pytest.approx(50.0)
    assert time.schedule.due_in("full a") == pytest.approx(HOUR + 290.0)
    assert time.schedule.due_in("unknown") is None


async def test_a_job_that_is_late_is_due_now(time: Time) -> None:
    time.every("poll a", 60.0)
    time.now += HOUR

    assert time.schedule.due_in("poll a") == 0.0


async def test_a_stopped_schedule_has_nothing_due(time: Time) -> None:
    time.every("poll a", 60.0)
    time.schedule.stop()

    assert time.schedule.due_in("poll a") is None


async def test_a_bad_expression_is_refused(time: Time) -> None:
    with pytest.raises(ValueError, match="is not a valid cron expression"):
        time.cron("full a", "whenever")


async def test_a_missed_beat_is_a_reason_not_to_be_ready_and_heals(time: Time) -> None:
    time.every("poll a", 60.0)
    await time.passes(100.0)
    assert time.schedule.late() is None

    time.now += LATE_SEC + BEAT_SEC
    assert time.schedule.late() == "it has not run for 12 seconds, so nothing is polled"
    await time.passes(BEAT_SEC)

    assert time.schedule.late() is None
