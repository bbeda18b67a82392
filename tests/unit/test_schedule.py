"""The schedule pokes on time, in the loop, and does nothing else."""

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.schedule import Schedule

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SHORT_SEC = 0.02


class Bell:
    """Rings when it was poked so many times; knows from which threads."""

    def __init__(self, times: int = 1) -> None:
        self.pokes, self._times = 0, times
        self.rung = asyncio.Event()
        self.threads: set[int] = set()

    def poke(self) -> None:
        self.threads.add(threading.get_ident())
        self.pokes += 1
        if self.pokes >= self._times:
            self.rung.set()


@pytest.fixture
async def schedule() -> AsyncIterator[Schedule]:
    """Running."""
    schedule = Schedule()
    schedule.start()
    yield schedule
    schedule.stop()


def trigger(schedule: Schedule, name: str) -> Any:
    return schedule._scheduler.get_job(name).trigger


def draws(schedule: Schedule, name: str, count: int = 300) -> list[float]:
    """Seconds from one run to the next, drawn anew each time."""
    chosen = trigger(schedule, name)
    return [(chosen.get_next_fire_time(NOW, NOW) - NOW).total_seconds() for _ in range(count)]


async def test_it_pokes_again_and_again_from_within_the_loop(schedule: Schedule) -> None:
    bell = Bell(times=3)

    schedule.every("poll a", SHORT_SEC, bell.poke)

    await bell.rung.wait()
    assert bell.threads == {threading.get_ident()}


async def test_what_is_added_before_the_start_is_poked_after_it() -> None:
    schedule, bell = Schedule(), Bell()
    schedule.every("poll a", SHORT_SEC, bell.poke)
    schedule.start()

    await bell.rung.wait()
    schedule.stop()


async def test_jobs_do_not_wait_for_each_other(schedule: Schedule) -> None:
    first, second = Bell(times=2), Bell(times=2)

    schedule.every("poll a", SHORT_SEC, first.poke)
    schedule.every("full a", SHORT_SEC, second.poke)

    await first.rung.wait()
    await second.rung.wait()


async def test_a_poke_that_raises_is_poked_again(schedule: Schedule) -> None:
    bell = Bell(times=3)

    def poke() -> None:
        bell.poke()
        raise ZeroDivisionError

    schedule.every("poll a", SHORT_SEC, poke)

    await bell.rung.wait()


async def test_a_stopped_schedule_pokes_no_more() -> None:
    schedule, stopped, other = Schedule(), Bell(), Bell(times=5)
    schedule.start()
    schedule.every("poll a", SHORT_SEC, stopped.poke)
    schedule.stop()
    witness = Schedule()
    witness.start()
    witness.every("poll b", SHORT_SEC, other.poke)

    await other.rung.wait()
    witness.stop()
    assert stopped.pokes == 0


async def test_a_run_that_is_long_overdue_is_made_up_for_once(schedule: Schedule) -> None:
    """The loop was blocked, or the machine asleep: by default APScheduler drops what is a second late."""
    bell = Bell()
    schedule.every("full a", 3600.0, bell.poke)
    schedule._scheduler.modify_job("full a", next_run_time=NOW)

    await bell.rung.wait()

    later = Bell(times=3)
    schedule.every("poll a", SHORT_SEC, later.poke)
    await later.rung.wait()
    assert bell.pokes == 1


async def test_the_same_name_replaces(schedule: Schedule) -> None:
    old, new = Bell(), Bell(times=3)
    schedule.every("poll a", 3600.0, old.poke)
    schedule.every("poll a", SHORT_SEC, new.poke)

    await new.rung.wait()

    assert old.pokes == 0
    assert len(schedule._scheduler.get_jobs()) == 1


@pytest.mark.parametrize(("seconds", "jitter"), [(1.0, 0.1), (60.0, 6.0), (600.0, 60.0), (86_400.0, 60.0)])
async def test_runs_are_late_by_a_tenth_or_a_minute_at_most(schedule: Schedule, seconds: float, jitter: float) -> None:
    """So that many daemons, or many indexes of one, do not ask at the same moment."""
    schedule.every("poll a", seconds, Bell().poke)

    found = draws(schedule, "poll a")

    assert seconds <= min(found) < seconds + jitter / 4
    assert seconds + jitter * 3 / 4 < max(found) <= seconds + jitter


async def test_a_cron_expression_is_read_as_cron_reads_it(schedule: Schedule) -> None:
    """Five past three, on Sundays in UTC, to the minute: what is written as a time is meant as one."""
    schedule.cron("full a", "5 3 * * 0", Bell().poke)

    assert set(draws(schedule, "full a", 20)) == {(3 * 60 + 5) * 60.0}
    assert schedule._scheduler.get_job("full a").next_run_time.strftime("%a %H:%M %Z") == "Sun 03:05 UTC"


async def test_a_bad_expression_is_refused(schedule: Schedule) -> None:
    with pytest.raises(ValueError, match="is no cron expression"):
        schedule.cron("full a", "whenever", Bell().poke)
