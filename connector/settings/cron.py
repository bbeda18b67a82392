"""Cron expressions, read as cron reads them."""

import re
from datetime import UTC, datetime

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

_SAMPLE = datetime(2026, 1, 1, tzinfo=UTC)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAME = re.compile(r"[a-z]+")
_NUMERIC = re.compile(r"[0-9*,/-]+")
_WEEKDAY_RANGE = re.compile(r"(?:\*|([0-7])-([0-7]))(?:/([1-9]))?|([0-7])")


def cron_trigger(expression: str) -> BaseTrigger:
    """Five fields in UTC; weekdays are meant as cron means them, 0 and 7 being Sunday. Raises ValueError in words."""
    try:
        trigger = _trigger(*_fields(expression.lower()))
    except ValueError as error:
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


def _trigger(minute: str, hour: str, day: str, month: str, weekday: str) -> BaseTrigger:
    """A day of the month and a weekday mean either of them, unless one is `*`."""
    days = [(day, "*"), ("*", weekday)] if "*" not in (day[0], weekday[0]) else [(day, weekday)]
    triggers = [
        CronTrigger(minute=minute, hour=hour, day=of_month, month=month, day_of_week=_weekdays(of_week), timezone=UTC)
        for of_month, of_week in days
    ]
    return triggers[0] if len(triggers) == 1 else OrTrigger(triggers)


def _fields(expression: str) -> tuple[str, str, str, str, str]:
    """In numbers: APScheduler overlooks what stands behind a name."""
    fields = expression.split()
    if len(fields) != 5:  # noqa: PLR2004  the five of the return type
        raise ValueError(f"{len(fields)} fields")
    minute, hour, day, month, weekday = fields
    numbered = minute, hour, day, _numbered(month, _MONTHS, first=1), _numbered(weekday, _WEEKDAYS, first=0)
    for field in numbered:
        if not _NUMERIC.fullmatch(field):
            raise ValueError(f"{field} is not understood")
    return numbered


def _numbered(field: str, names: tuple[str, ...], first: int) -> str:
    return _NAME.sub(lambda found: str(names.index(found[0]) + first) if found[0] in names else found[0], field)


def _weekdays(field: str) -> str:
    """Each day by name: APScheduler counts them from Monday."""
    if field == "*":
        return field
    days = {day % 7 for part in field.split(",") for day in _range(part)}
    return ",".join(_WEEKDAYS[day] for day in sorted(days))


def _range(part: str) -> range:
    found = _WEEKDAY_RANGE.fullmatch(part)
    if not found:
        raise ValueError(f"{part!r} is no weekday")
    first, last, step, single = (int(group) if group else None for group in found.groups())
    if single is not None:
        return range(single, single + 1)
    if first is None or last is None:
        return range(0, 7, step or 1)
    until = 7 if last == 0 < first else last
    if until < first:
        raise ValueError(f"{part!r} ends before it begins")
    return range(first, until + 1, step or 1)
