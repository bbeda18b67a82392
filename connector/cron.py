"""Cron expressions, read as cron reads them."""

import re
from datetime import UTC, datetime

from apscheduler.triggers.cron import CronTrigger

_FIELDS = 5
_SAMPLE = datetime(2026, 1, 1, tzinfo=UTC)
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NUMBER = re.compile(r"(?<![\w/])\d+")


def cron_trigger(expression: str) -> CronTrigger:
    """Five fields in UTC; weekdays are meant as cron means them, 0 and 7 being Sunday. Raises ValueError in words."""
    fields = expression.split()
    try:
        if len(fields) == _FIELDS:
            # APScheduler 3 counts weekdays from Monday.
            fields[-1] = _NUMBER.sub(lambda found: _WEEKDAYS[int(found[0])], fields[-1])
        trigger = CronTrigger.from_crontab(" ".join(fields), timezone=UTC)
    except (ValueError, IndexError) as error:
        advice = "write five fields: minute, hour, day of month, month, weekday, like 0 3 * * sun"
        raise ValueError(f"{expression!r} is no cron expression ({error}): {advice}") from None
    if trigger.get_next_fire_time(None, _SAMPLE) is None:
        raise ValueError(f"{expression!r} is a moment that never comes")
    return trigger


def period_of(expression: str) -> float:
    """Seconds between two of its moments, at the start of 2026: what it comes to in the long run is enough."""
    trigger = cron_trigger(expression)
    first = trigger.get_next_fire_time(None, _SAMPLE)
    second = trigger.get_next_fire_time(first, first)
    return float((second - first).total_seconds())
