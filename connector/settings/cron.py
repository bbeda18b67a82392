"""Cron expressions with the meaning that cron gives them."""

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
    """Parse five fields, in UTC; weekdays 0 and 7 are Sunday. Raises ValueError with a message for users."""
    try:
        trigger = _trigger(*_fields(expression.lower()))
    except ValueError as error:
        advice = "use five fields: minute, hour, day of month, month, weekday, like 0 3 * * sun"
        raise ValueError(f"{expression!r} is not a valid cron expression ({error}): {advice}") from None
    if trigger.get_next_fire_time(None, _SAMPLE) is None:
        raise ValueError(f"{expression!r} never occurs: use a date that exists")
    return trigger


def period_of(expression: str) -> float:
    """Seconds between the first two run times of 2026, as an estimate of the interval."""
    trigger = cron_trigger(expression)
    first = trigger.get_next_fire_time(None, _SAMPLE)
    second = trigger.get_next_fire_time(first, first)
    return float((second - first).total_seconds())


def _trigger(minute: str, hour: str, day: str, month: str, weekday: str) -> BaseTrigger:
    """If day of month and weekday are both restricted, either one matches, as in cron."""
    days = [(day, "*"), ("*", weekday)] if "*" not in (day[0], weekday[0]) else [(day, weekday)]
    triggers = [
        CronTrigger(minute=minute, hour=hour, day=of_month, month=month, day_of_week=_weekdays(of_week), timezone=UTC)
        for of_month, of_week in days
    ]
    return triggers[0] if len(triggers) == 1 else OrTrigger(triggers)


def _fields(expression: str) -> tuple[str, str, str, str, str]:
    """Split into five fields and replace names by numbers, because APScheduler ignores text after a name."""
    fields = expression.split()
    if len(fields) != 5:  # noqa: PLR2004  the five of the return type
        raise ValueError(f"it has {len(fields)} fields")
    minute, hour, day, month, weekday = fields
    numbered = minute, hour, day, _numbered(month, _MONTHS, first=1), _numbered(weekday, _WEEKDAYS, first=0)
    for field in numbered:
        if not _NUMERIC.fullmatch(field):
            raise ValueError(f"{field!r} is not valid")
    return numbered


def _numbered(field: str, names: tuple[str, ...], first: int) -> str:
    return _NAME.sub(lambda found: str(names.index(found[0]) + first) if found[0] in names else found[0], field)


def _weekdays(field: str) -> str:
    """Convert weekday numbers to names, because APScheduler counts from Monday."""
    if field == "*":
        return field
    days = {day % 7 for part in field.split(",") for day in _range(part)}
    return ",".join(_WEEKDAYS[day] for day in sorted(days))


def _range(part: str) -> range:
    found = _WEEKDAY_RANGE.fullmatch(part)
    if not found:
        raise ValueError(f"{part!r} is not a valid weekday")
    first, last, step, single = (int(group) if group else None for group in found.groups())
    if single is not None:
        return range(single, single + 1)
    if first is None or last is None:
        return range(0, 7, step or 1)
    until = 7 if last == 0 < first else last
    if until < first:
        raise ValueError(f"{part!r} ends before it starts")
    return range(first, until + 1, step or 1)
