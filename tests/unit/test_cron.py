"""Cron expressions fire when cron would fire them, although APScheduler counts weekdays from Monday."""

from datetime import UTC, datetime, timedelta

import pytest

from connector.settings.cron import cron_trigger, period_of

DAY, WEEK = 86_400.0, 7 * 86_400.0
# 2026-03-01 is a Sunday.
SUNDAY = datetime(2026, 3, 1, tzinfo=UTC)


def moments(expression: str, days: int = 7, since: datetime = SUNDAY) -> list[datetime]:
    """All times at which the expression fires within this many days."""
    trigger, found = cron_trigger(expression), list[datetime]()
    moment = trigger.get_next_fire_time(None, since)
    while moment < since + timedelta(days=days):
        found.append(moment)
        moment = trigger.get_next_fire_time(moment, moment)
    return found


def weekdays(field: str) -> str:
    """The weekdays on which it fires; Sunday is 0, as in cron."""
    return "".join(str((moment.weekday() + 1) % 7) for moment in moments(f"0 3 * * {field}"))


@pytest.mark.parametrize(
    ("field", "days"),
    [
        ("*", "0123456"),
        ("0", "0"),
        ("7", "0"),
        ("1", "1"),
        ("6", "6"),
        ("sun", "0"),
        ("SUN", "0"),
        ("Mon", "1"),
        ("1-5", "12345"),
        ("mon-fri", "12345"),
        ("0-6", "0123456"),
        ("1-7", "0123456"),
        ("0-2", "012"),
        ("5-7", "056"),
        ("sun-tue", "012"),
        ("fri-sun", "056"),
        ("0,7", "0"),
        ("0-0", "0"),
        ("7-7", "0"),
        ("1,3,5", "135"),
        ("mon,3,fri", "135"),
        ("1-2,6", "126"),
        ("*/2", "0246"),
        ("*/3", "036"),
        ("1-5/2", "135"),
        ("mon-fri/2", "135"),
        ("*/1", "0123456"),
    ],
)
def test_weekdays_are_cron_s(field: str, days: str) -> None:
    assert weekdays(field) == days


def test_times_are_utc() -> None:
    assert moments("30 4 * * sun") == [SUNDAY.replace(hour=4, minute=30)]


@pytest.mark.parametrize(
    ("expression", "days", "count"),
    [
        ("*/15 * * * *", 1, 96),
        ("0 */6 * * *", 1, 4),
        ("0,30 9-17 * * 1-5", 7, 90),
        ("0 0 1 * *", 31, 1),
        ("0 0 1 jan,jul *", 365, 2),
        ("0 0 1 Jan-Mar/2 *", 365, 2),
        ("0 0 * * mon", 28, 4),
        (" 0   0  *  *  mon ", 28, 4),
    ],
)
def test_the_other_fields_are_as_usual(expression: str, days: int, count: int) -> None:
    assert len(moments(expression, days)) == count


def test_a_day_of_the_month_and_a_weekday_mean_either() -> None:
    """As in cron: the 4th, and every Sunday."""
    assert [moment.day for moment in moments("0 0 4 * sun", 14)] == [1, 4, 8]


@pytest.mark.parametrize(
    "expression",
    [
        "",
        " ",
        "hourly",
        "@hourly",
        "0 3 * *",
        "0 0 3 * * 1",
        "60 * * * *",
        "* 24 * * *",
        "* * 32 * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "* * * * 10",
        "* * * * -1",
        "* * * * 1-8",
        "* * * * 5-2",
        "* * * * fri-mon",
        "* * * * 1-",
        "* * * * ,",
        "* * * * 1,",
        "* * * * */0",
        "* * * * */x",
        "* * * * sunday",
        "* * * * monkey",
        "* * * * mon-fri/",
        "* * * * mon#2",
        "* * * * ٣",
        "*/0 * * * *",
        "a * * * *",
        "5-1 * * * *",
        "* * * january *",
        "* * last * *",
        "* * * * 1/2",
        "0 3 * * mon; rm",
    ],
)
def test_anything_else_is_refused_by_name_with_an_example(expression: str) -> None:
    with pytest.raises(ValueError, match=r"is not a valid cron expression .*like 0 3 \* \* sun") as refused:
        cron_trigger(expression)

    assert repr(expression) in str(refused.value)


@pytest.mark.parametrize("expression", ["0 0 31 2 *", "0 0 30 feb *", "0 0 31 4,6,9,11 *"])
def test_a_moment_that_never_comes_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"never occurs: use a date that exists"):
        cron_trigger(expression)


@pytest.mark.parametrize(
    ("expression", "period"),
    [
        ("* * * * *", 60.0),
        ("*/5 * * * *", 300.0),
        ("0 * * * *", 3600.0),
        ("0 3 * * *", DAY),
        ("0 3 * * 0", WEEK),
        ("0 3 1 * *", 31 * DAY),
        ("0 0 29 2 *", 1461 * DAY),
    ],
)
def test_the_period_is_the_time_between_two_moments(expression: str, period: float) -> None:
    assert period_of(expression) == period
