"""When: APScheduler's jobs, which only poke. The work is the daemon's own, so that it can be drained."""

from collections.abc import Callable
from datetime import UTC

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from connector.cron import cron_trigger

_JITTER, _LONGEST_JITTER_SEC = 0.1, 60.0

log = structlog.get_logger(__name__)


class Schedule:
    """Late runs are made up for once; a job that is still being asked for is not asked for twice."""

    def __init__(self) -> None:
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=defaults)
        self._scheduler.add_listener(_tell, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES | EVENT_JOB_ERROR)

    def start(self) -> None:
        """Within the running loop."""
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)

    def every(self, name: str, seconds: float, poke: Callable[[], None]) -> None:
        jitter = min(seconds * _JITTER, _LONGEST_JITTER_SEC)
        trigger = IntervalTrigger(seconds=seconds, jitter=jitter, timezone=UTC)
        self._scheduler.add_job(_poker(poke), trigger, id=name, replace_existing=True)

    def forget(self, name: str) -> None:
        """Also when there is none."""
        if self._scheduler.get_job(name):
            self._scheduler.remove_job(name)

    def cron(self, name: str, expression: str, poke: Callable[[], None]) -> None:
        self._scheduler.add_job(_poker(poke), cron_trigger(expression), id=name, replace_existing=True)


def _poker(poke: Callable[[], None]) -> Callable[[], object]:
    """A coroutine function, so that APScheduler runs it in the loop and not in a thread."""

    async def poke_in_loop() -> None:
        poke()

    return poke_in_loop


def _tell(event: JobEvent) -> None:
    log.warning("schedule.irregular", job=event.job_id, event_code=event.code)
